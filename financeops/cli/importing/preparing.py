"""From the options of `financeops import` to a file whose rows can be read as payments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from financeops.cli.importing.amounts import Separator
from financeops.cli.importing.columns import Columns
from financeops.cli.importing.dateformats import check_format
from financeops.cli.importing.mapping import pairs_of
from financeops.cli.importing.preset import Preset, familiar, preset_of, recognised
from financeops.cli.importing.readers import (
    Format,
    Layout,
    Row,
    Table,
    check_encoding,
    delimiter_of,
    format_in,
    format_of,
    opened,
)
from financeops.cli.importing.separating import separators_in
from financeops.cli.importing.sources import STANDARD_INPUT, shown
from financeops.cli.importing.valuemaps import values_of
from financeops.client import Client
from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.contract.imports import Option
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
    def called(self) -> Path:
        """The file, as people read of it."""
        return shown(self.file)

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
class Prepared:
    """A file whose rows can be read as payments, and the server that they are for."""

    request: Request
    client: Client
    table: Table
    columns: Columns
    shapes: Sequence[Sequence[str]]
    recognised: Preset | None
    """The preset that was not asked for."""

    @property
    def options(self) -> dict[str, Option]:
        """The options that say how to read the file, with the preset that was not asked for."""
        if self.recognised is None:
            return self.request.options
        return {**self.request.options, "from": self.recognised.name}

    @property
    def assumed(self) -> str | None:
        """What is taken as given for all rows, in words."""
        currency = self.columns.assumed_currency(self.shapes)
        if currency is None:
            return None
        return f"{currency}, the currency of {self.request.tenant_id}, where none is given"

    @property
    def fees_left_out(self) -> str | None:
        """How many payments that were read have fees in another currency, in words."""
        interpreter = self.columns.interpreter
        if interpreter is None or not interpreter.left_out:
            return None
        return f"{interpreter.left_out:,} without their fees, which are in another currency than they are"

    def notes(self) -> Iterator[str]:
        """Give lines that say how it is read."""
        if self.recognised is not None:
            name, title = self.recognised.name, self.recognised.title
            yield f"Read as {name} ({title}); --from none reads it without."
        if unread := _unread(self.columns, self.shapes):
            yield f"Columns that are no fields of payments, and left out: {unread}"


@asynccontextmanager
async def prepared(request: Request, path: Path) -> AsyncIterator[Prepared]:
    """Open a file that can be read several times, and find out how to read it."""
    chosen = preset_of(request.preset) if request.preset not in (AUTO, NONE) else None
    layout = _layout(request, path, chosen)
    named = pairs_of(request.map, option="--map")
    values_of(request.value)
    open_ = partial(opened, path, layout, needed=_needed(named), called=request.called)
    with open_() as found:
        first, table = found.peeked(MAX_BATCH if found.columns is None else 1)
        if not first:
            raise InvalidValue("FILE", f"{request.called} has no rows: there is nothing to import")
        shapes = _shapes(first, found)
        preset = recognised(shapes[0]) if request.preset == AUTO and shapes else chosen
        async with Client(request.url) as client:
            columns = (await _columns(request, named, preset, client)).fitted(table)
            if found.columns is None:
                columns.check_currency(first)
            columns = _separating(columns, first, open_)
            yield Prepared(
                request=request,
                client=client,
                table=table,
                columns=columns,
                shapes=shapes,
                recognised=preset if chosen is None else None,
            )


def _separating(
    columns: Columns, first: Sequence[Row], open_: Callable[[], AbstractContextManager[Table]]
) -> Columns:
    """The columns, after a look through the file for what separates decimals, if that is not known."""
    with open_() as table:
        if table.columns is not None:
            asked = set(columns.amounts(dict.fromkeys(table.columns))) - table.numbers
        else:
            asked = {name for row in first if row.values for name in columns.amounts(row.values)}
        if not asked:
            return columns
        return columns.separating(separators_in(table.rows, columns.amounts))


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


def _layout(request: Request, path: Path, chosen: Preset | None) -> Layout:
    if request.format:
        of = _format(request.format)
    else:
        of = format_in(path) if request.file == STANDARD_INPUT else format_of(path)
    return Layout(
        format=of,
        delimiter=delimiter_of(request.delimiter) if request.delimiter else None,
        columns=[name.strip() for name in request.columns.split(",")] if request.columns else None,
        encoding=check_encoding(request.encoding),
        familiar=frozenset(familiar() if chosen is None else chosen.columns()),
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
    return Separator.COMMA if request.decimal_comma else given
