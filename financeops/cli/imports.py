"""`financeops import`: from what the command line says to the rows that are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from financeops.cli.batches import Summary, send
from financeops.cli.columns import Columns, pairs_of
from financeops.cli.dateformats import check_format
from financeops.cli.progress import Bar
from financeops.cli.readers import (
    Format,
    Layout,
    check_encoding,
    delimiter_of,
    format_of,
    opened,
)
from financeops.cli.rejects import Rejects, rejects_path
from financeops.client import Client
from financeops.core.errors import InvalidValue, NotFound
from financeops.core.money import exponent
from financeops.core.periods import zone_of


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line said; see `financeops import --help`."""

    file: Path
    tenant_id: str
    currency: str | None
    timezone: str | None
    map: Sequence[str]
    default: Sequence[str]
    format: str | None
    delimiter: str | None
    columns: str | None
    encoding: str
    date_format: str | None
    decimal_comma: bool
    minor_units: bool | None
    rejects: Path | None
    url: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a file."""

    file: Path
    summary: Summary
    rejects: Path
    seconds: float

    def __str__(self) -> str:
        where = f" ({self.rejects})" if self.summary.rejected else ""
        return f"{self.file.name}: {self.summary}{where} in {self.seconds:.1f} s"


async def import_file(request: Request) -> Result:
    """Import a file.

    Raises
    ------
    FinanceOpsError
        When it cannot be imported at all; rows that are refused are counted and written down.
    """
    began = time.monotonic()
    layout = _layout(request)
    named = pairs_of(request.map, option="--map")
    path = rejects_path(request.rejects, request.file)
    with opened(request.file, layout, needed=list(named.values())) as table:
        async with Client(request.url) as client:
            columns = (await _columns(request, named, client)).fitted(table)
            with Rejects(path) as rejects, Bar(total=table.total) as bar:
                try:
                    summary = await send(table, columns, client, rejects=rejects, bar=bar)
                except asyncio.CancelledError:
                    bar.say("Stopped. What was sent is recorded; run it again to complete it.")
                    raise
    seconds = time.monotonic() - began
    return Result(file=request.file, summary=summary, rejects=path, seconds=seconds)


def _layout(request: Request) -> Layout:
    return Layout(
        format=_format(request.format) if request.format else format_of(request.file),
        delimiter=delimiter_of(request.delimiter) if request.delimiter else None,
        columns=[name.strip() for name in request.columns.split(",")] if request.columns else None,
        encoding=check_encoding(request.encoding),
    )


def _format(text: str) -> Format:
    try:
        return Format(text)
    except ValueError:
        raise InvalidValue("--format", f"must be one of {', '.join(Format)}") from None


async def _columns(request: Request, named: dict[str, str], client: Client) -> Columns:
    defaults = pairs_of(request.default, option="--default")
    currency, timezone = request.currency, request.timezone
    date_format = request.date_format and check_format(request.date_format)
    # What is not said is the tenant's. It is fixed here, because a row is known by its content.
    # Asked in any case: a server that is not there is found out at once, not after much patience.
    try:
        tenant = await client.metrics(request.tenant_id)
    except NotFound:
        usual, timezone = None, timezone or "UTC"
    else:
        # A tenant that has payments, but none in its own currency, was made by other imports.
        used = tenant.currency in tenant.currencies or not tenant.currencies
        usual, timezone = tenant.currency if used else None, timezone or tenant.timezone
    if currency is not None:
        exponent(currency)
        defaults.setdefault("currency", currency)
    return Columns(
        named=named,
        defaults=defaults,
        tenant_id=request.tenant_id,
        zone=zone_of(timezone, field="--timezone"),
        date_format=date_format,
        decimal_comma=request.decimal_comma,
        minor_units=request.minor_units,
        usual_currency=usual,
    )
