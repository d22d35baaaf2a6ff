"""`financeops import`: from the options of the command line to the rows that are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from financeops.cli.importing.alone import alone
from financeops.cli.importing.amounts import Separator
from financeops.cli.importing.batches import Summary, send
from financeops.cli.importing.columns import Columns, pairs_of
from financeops.cli.importing.dateformats import check_format
from financeops.cli.importing.preset import Preset, familiar, preset_of, recognised
from financeops.cli.importing.readers import (
    Format,
    Layout,
    Row,
    Table,
    check_encoding,
    delimiter_of,
    format_of,
    opened,
)
from financeops.cli.importing.rejects import Rejects, rejects_path
from financeops.cli.importing.valuemaps import values_of
from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.contract.imports import ImportAnswer, Option
from financeops.core.contract.texts import CONTROL
from financeops.core.errors import InvalidValue, NotFound
from financeops.core.money import exponent
from financeops.core.periods import zone_of

AUTO, NONE = "auto", "none"
"""In place of a preset: the one that the columns fit, if any does; none in any case."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of the command line; see `financeops import --help`."""

    file: Path
    tenant_id: str
    currency: str | None
    timezone: str | None
    map: Sequence[str]
    default: Sequence[str]
    value: Sequence[str]
    preset: str
    decimal: str | None
    format: str | None
    delimiter: str | None
    columns: str | None
    encoding: str
    date_format: str | None
    decimal_comma: bool
    minor_units: bool | None
    rejects: Path | None
    url: str

    @property
    def options(self) -> dict[str, Option]:
        """The options that say how to read the file, for the list of imports."""
        options: dict[str, Option | None] = {
            "currency": self.currency,
            "timezone": self.timezone,
            "from": self.preset if self.preset != AUTO else None,
            "map": list(self.map),
            "default": list(self.default),
            "value": list(self.value),
            "decimal": self.decimal,
            "format": self.format,
            "delimiter": self.delimiter,
            "columns": self.columns,
            "encoding": self.encoding if self.encoding != "utf-8" else None,
            "date-format": self.date_format,
            "decimal-comma": self.decimal_comma,
            "minor-units": None if self.minor_units is None else str(self.minor_units).lower(),
        }
        return {name: value for name, value in options.items() if value}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a file."""

    file: Path
    import_id: str
    summary: Summary
    rejects: Path
    seconds: float
    assumed: str | None
    """What was taken as given for all rows, in words."""

    fees_left_out: int = 0
    """Payments whose fees are in another currency."""

    @property
    def notes(self) -> list[str]:
        """What was not read, a line for each reason."""
        lines = [f"{count:,} skipped: {reason}" for reason, count in self.summary.skipped.items()]
        if self.fees_left_out:
            lines.append(
                f"{self.fees_left_out:,} without their fees, which are in another currency than they are"
            )
        return lines

    def __str__(self) -> str:
        where = f" ({self.rejects})" if self.summary.refused else ""
        return (
            f"{self.file.name}: {self.summary}{where} in {self.seconds:.1f} s"
            f" (import {self.import_id}{f'; {self.assumed}' if self.assumed else ''})"
        )


async def import_file(request: Request) -> Result:
    """Import a file.

    Raises
    ------
    FinanceOpsError
        When nothing of it can be imported; single rows that are refused are counted and listed.
    """
    began = time.monotonic()
    layout = _layout(request)
    named = pairs_of(request.map, option="--map")
    values_of(request.value)
    chosen = preset_of(request.preset) if request.preset not in (AUTO, NONE) else None
    path = rejects_path(request.rejects, request.file)
    with opened(request.file, layout, needed=_needed(named)) as found:
        first, table = found.peeked(MAX_BATCH if found.columns is None else 1)
        if not first:
            raise InvalidValue("FILE", f"{request.file} has no rows: there is nothing to import")
        shapes = _shapes(first, found)
        preset = recognised(shapes[0]) if request.preset == AUTO and shapes else chosen
        async with Client(request.url) as client:
            columns = (await _columns(request, named, preset, client)).fitted(table)
            if found.columns is None:
                columns.check_currency(first)
            currency = columns.assumed_currency(shapes)
            start = partial(
                client.start_import,
                request.tenant_id,
                # Control characters of a file name would control the terminal of who lists imports.
                file=CONTROL.sub("\N{REPLACEMENT CHARACTER}", request.file.name),
                size=request.file.stat().st_size,
                options=request.options,
            )
            with Rejects(path) as rejects, Bar(total=table.total) as bar:
                if preset is not None and chosen is None:
                    bar.say(
                        f"Read as {preset.name} ({preset.title}); --from none reads it without."
                    )
                if unread := _unread(columns, shapes):
                    bar.say(f"Columns that are no fields of payments, and left out: {unread}")
                async with alone(request.file, say=bar.say):
                    started = await patiently(start, say=bar.say)
                    try:
                        summary = await send(
                            table, columns, client, import_id=started.id, rejects=rejects, bar=bar
                        )
                    except asyncio.CancelledError:
                        bar.say(
                            "Stopped. What was sent is recorded; run the command again to complete the import."
                        )
                        raise
                    await _finish(client, started, summary, bar)
    return Result(
        file=request.file,
        import_id=started.id,
        summary=summary,
        rejects=path,
        seconds=time.monotonic() - began,
        assumed=currency
        and f"{currency}, the currency of {request.tenant_id}, where none is given",
        fees_left_out=columns.interpreter.left_out if columns.interpreter else 0,
    )


def _needed(named: Mapping[str, str]) -> list[str]:
    """The columns that options name, with those that stand for several."""
    return [each for name in named.values() for each in (name, *name.split("+"))]


def _shapes(first: Sequence[Row], table: Table) -> list[tuple[str, ...]]:
    """The columns of the file, or of its first rows, each of which has its own."""
    if table.columns is not None:
        return [table.columns]
    return [tuple(row.values) for row in first if row.values is not None]


def _unread(columns: Columns, shapes: Sequence[Sequence[str]]) -> str:
    names = dict.fromkeys(name for shape in dict.fromkeys(shapes) for name in columns.unread(shape))
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", ", ".join(names))


async def _finish(client: Client, started: ImportAnswer, summary: Summary, bar: Bar) -> None:
    """Tell the server that all rows were sent.

    A batch that was sent again, because its answer was lost, is answered as duplicate: how many
    payments this run created only the server knows.
    """
    counted = await patiently(partial(client.find_import, started.id), say=bar.say)
    summary.account_for(
        created=counted.counts.created - started.counts.created,
        updated=counted.counts.updated - started.counts.updated,
    )
    finish = partial(
        client.finish_import,
        started.id,
        duplicate=summary.duplicate,
        conflict=summary.conflict,
        rejected=summary.rejected,
    )
    await patiently(finish, say=bar.say)


def _layout(request: Request) -> Layout:
    return Layout(
        format=_format(request.format) if request.format else format_of(request.file),
        delimiter=delimiter_of(request.delimiter) if request.delimiter else None,
        columns=[name.strip() for name in request.columns.split(",")] if request.columns else None,
        encoding=check_encoding(request.encoding),
        familiar=frozenset(familiar()),
    )


def _format(text: str) -> Format:
    try:
        return Format(text)
    except ValueError:
        raise InvalidValue("--format", f"must be one of {', '.join(Format)}") from None


async def _columns(
    request: Request, named: dict[str, str], preset: Preset | None, client: Client
) -> Columns:
    defaults = pairs_of(request.default, option="--default")
    currency = request.currency
    zone = None if request.timezone is None else zone_of(request.timezone, field="--timezone")
    date_format = request.date_format and check_format(request.date_format)
    # Defaults are the tenant's. They are fixed here because the content of a row identifies it.
    # Ask in any case: this shows at once if there is no server, without waiting for it.
    try:
        tenant = await client.metrics(request.tenant_id)
    except NotFound:
        usual, usual_zone = None, "UTC"
    else:
        # A tenant with payments, but none in its own currency, was created by imports.
        used = tenant.currency in tenant.currencies or not tenant.currencies
        usual, usual_zone = tenant.currency if used else None, tenant.timezone
    if currency is not None:
        exponent(currency)
        defaults.setdefault("currency", currency)
    return Columns(
        named=named,
        defaults=defaults,
        tenant_id=request.tenant_id,
        zone=zone or ZoneInfo(usual_zone),
        date_format=date_format,
        decimal_comma=request.decimal_comma,
        minor_units=request.minor_units,
        usual_currency=usual,
        preset=preset,
        values=values_of(request.value),
        separator=_separator(request),
    )


def _separator(request: Request) -> Separator | None:
    try:
        given = None if request.decimal is None else Separator(request.decimal)
    except ValueError:
        raise InvalidValue("--decimal", f"must be one of {', '.join(Separator)}") from None
    if request.decimal_comma and given is Separator.POINT:
        raise InvalidValue("--decimal", "contradicts --decimal-comma")
    return given
