"""The commands that talk to a running server."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from financeops.core.payments import Status

_Url = Annotated[
    str,
    typer.Option("--url", envvar="FINANCEOPS_URL", help="The server.", metavar="URL"),
]
_Tenant = Annotated[str, typer.Option("--tenant", help="Whose payments.", metavar="ID")]
_URL = "http://localhost:3001"
_TENANT = "tenant_1"
_INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""


class ExportFormat(StrEnum):
    """File formats that the server exports."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(seed)
    app.command("import")(import_)
    imports = typer.Typer(help="List imports, or take one back.")
    imports.callback(invoke_without_command=True)(list_imports)
    imports.command("undo")(undo_import)
    app.add_typer(imports, name="imports")
    app.command()(export)
    app.command()(verify)
    tenant = typer.Typer(help="Change a tenant.", no_args_is_help=True)
    tenant.command("set-timezone")(set_timezone)
    app.add_typer(tenant, name="tenant")


def seed(
    *,
    count: Annotated[int, typer.Option(min=1, help="Number of payments.")] = 1000,
    days: Annotated[int, typer.Option(min=1, help="Days of the past they are spread over.")] = 30,
    url: _Url = _URL,
) -> None:
    """Fill an empty database with realistic payments of the past.

    A database that holds any other than simulated payments is left as it is; that is no failure.
    """
    from financeops.cli.seeding import seed_with_progress  # noqa: PLC0415 - aiohttp takes long

    typer.echo(asyncio.run(seed_with_progress(url, count=count, days=days)))


def import_(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, NDJSON or Parquet.")],
    tenant: _Tenant = _TENANT,
    currency: Annotated[
        str | None,
        typer.Option(help="Of rows without one. Default: the tenant's, if no row has one."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of times without an offset. Default: the tenant's.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN,...", help="Columns: createdAt=date,amount=dollars"
        ),
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE,...", help="Where a column is missing: method=card"),
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv, ndjson or parquet. Default: by name.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Of CSV: a character, 'tab' or 'whitespace'.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Columns of CSV without a header.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of text.")] = "utf-8",
    date_format: Annotated[
        str | None, typer.Option(help="Of times that are no ISO 8601: '%d.%m.%Y %H:%M'")
    ] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="Amounts are written 1.850,50.")
    ] = False,
    minor_units: Annotated[
        bool | None,
        typer.Option(
            "--minor-units/--major-units",
            help="Amounts are cents (1850 is 18.50 USD), or not even in a saved data frame.",
        ),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where refused rows go. Default: FILE.rejects.csv")
    ] = None,
    url: _Url = _URL,
) -> None:
    """Record the rows of a file as payments, each exactly once.

    Run again, also under another name or with other options, it adds nothing: a row is known by its
    reference, or by its content and how often that came before in the file. That a payment was
    refunded since is brought over; what else differs from what is recorded is refused. Exit code 2:
    some rows were refused. `financeops imports` lists imports and takes them back.
    """
    from financeops.cli.importing.imports import Request, import_file  # noqa: PLC0415 - aiohttp

    request = Request(
        file=file,
        tenant_id=tenant,
        currency=currency,
        timezone=timezone,
        map=map_ or [],
        default=default or [],
        format=file_format,
        delimiter=delimiter,
        columns=columns,
        encoding=encoding,
        date_format=date_format,
        decimal_comma=decimal_comma,
        minor_units=minor_units,
        rejects=rejects,
        url=url,
    )
    result = asyncio.run(import_file(request))
    typer.echo(str(result))
    if result.summary.refused:
        raise typer.Exit(2)


def list_imports(
    context: typer.Context,
    *,
    tenant: _Tenant = _TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    url: _Url = _URL,
) -> None:
    """List a tenant's imports, the newest first, or take one back."""
    if context.invoked_subcommand is not None:
        return
    from financeops.cli.importations import listed  # noqa: PLC0415 - aiohttp

    for line in asyncio.run(listed(url, tenant_id=tenant, as_json=as_json)):
        typer.echo(line)


def undo_import(
    *,
    import_id: Annotated[str, typer.Argument(metavar="ID", help="As `imports` lists it.")],
    url: _Url = _URL,
) -> None:
    """Take an import back, exactly.

    The payments that it created are removed, what it said was refunded is so no more. It is refused
    where later acts depend on it. Run again, it completes what was broken off.
    """
    from financeops.cli.importations import undone  # noqa: PLC0415 - aiohttp

    typer.echo(asyncio.run(undone(url, import_id)))


def export(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; - is standard output.")
    ],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="Of the file.")
    ] = ExportFormat.CSV,
    tenant: _Tenant = _TENANT,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="From 2026-01-01 on, or 2026-01-01T08:00:00Z."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Before 2026-02-01, or such a time.")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    method: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    url: _Url = _URL,
) -> None:
    """Write payments to a file, oldest first. It appears when it is complete."""
    from financeops.cli.exports import export_file  # noqa: PLC0415 - aiohttp
    from financeops.core.selection import Selection  # noqa: PLC0415 - the same

    work = export_file(
        url,
        tenant,
        chosen=Selection(status=status, method=method),
        between=(start, end),
        file_format=file_format.value,
        output=output,
    )
    written = asyncio.run(work)
    typer.echo(f"{written:,} bytes written to {output}", err=True)


def verify(
    *,
    tenant: _Tenant = _TENANT,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what differs.")] = False,
    url: _Url = _URL,
) -> None:
    """Compare the running totals, and what the server shows, with the payments.

    The server verifies one tenant at a time, piece by piece; Ctrl-C ends that. Exit code 2: they
    differ, and were not repaired.
    """
    from financeops.cli.verification import verified  # noqa: PLC0415 - aiohttp

    try:
        lines, good = asyncio.run(verified(url, tenant_id=tenant, repair=repair))
    except KeyboardInterrupt:
        kept = "; what it repaired until then stays repaired" if repair else ""
        typer.echo(f"financeops: the verification was stopped{kept}", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    for line in lines:
        typer.echo(line)
    if not good:
        raise typer.Exit(2)


def set_timezone(
    *,
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Whose time zone.")],
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="IANA name: Europe/Berlin.")],
    url: _Url = _URL,
) -> None:
    """Cut a tenant's days, months and hours anew in another time zone.

    The server has to run with the zone that the tenant has. Then change FINANCEOPS_TENANTS.
    """
    from financeops.cli.verification import rezoned  # noqa: PLC0415 - aiohttp

    typer.echo(asyncio.run(rezoned(url, tenant_id=tenant, timezone=zone)))
