"""The commands that talk to a running server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from financeops.cli.commands import Commands
from financeops.core.contract.agreements import DEFAULT_TENANT, DEFAULT_URL, ExportFormat
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.rates import day_in


def _given(context: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _checked_url(context: typer.Context, url: str) -> str:
    from financeops.client.address import SETTING, server_url  # noqa: PLC0415 - aiohttp takes long

    return server_url(url, name="--url" if _given(context, "url") else SETTING)


def _url_option(**more: Any) -> Any:
    help_ = "URL of the server."
    return typer.Option("--url", envvar="FINANCEOPS_URL", help=help_, metavar="URL", **more)


_Url = Annotated[str, _url_option(callback=_checked_url)]
_Tenant = Annotated[str, typer.Option("--tenant", help="ID of the tenant.", metavar="ID")]
_INTERRUPTED = 130
"""Exit code that shells expect of a program that Ctrl-C stopped."""


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(seed)
    app.command("import")(import_)
    app.command("presets")(show_presets)
    imports = typer.Typer(cls=Commands, help="List imports, or take one back.")
    imports.callback(invoke_without_command=True)(list_imports)
    imports.command("undo")(undo_import)
    app.add_typer(imports, name="imports")
    letters = typer.Typer(
        cls=Commands,
        help="List what payment providers told and could not be recorded, or replay it.",
    )
    letters.callback(invoke_without_command=True)(list_letters)
    letters.command("replay")(replay_letters)
    app.add_typer(letters, name="dead-letters")
    app.command()(export)
    app.command()(verify)
    rates = typer.Typer(
        cls=Commands, help="Exchange rates, by which payments are converted.", no_args_is_help=True
    )
    rates.command("import")(import_rates)
    rates.command("recompute")(recompute_rates)
    app.add_typer(rates, name="rates")
    tenant = typer.Typer(
        cls=Commands, help="Change the settings of a tenant.", no_args_is_help=True
    )
    tenant.command("set-timezone")(set_timezone)
    app.add_typer(tenant, name="tenant")


def seed(
    *,
    count: Annotated[int, typer.Option(min=1, help="Number of payments.")] = 1000,
    days: Annotated[
        int, typer.Option(min=1, help="Spread them over this many days up to now.")
    ] = 30,
    url: _Url = DEFAULT_URL,
) -> None:
    """Fill an empty database with realistic payments of the past.

    A database that holds other payments than simulated ones is left unchanged; this is no error.
    """
    from financeops.cli.seeding import seed_with_progress  # noqa: PLC0415 - aiohttp takes long

    typer.echo(asyncio.run(seed_with_progress(url, count=count, days=days)))


def import_(
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV, NDJSON or Parquet, as it is or packed (.gz, .zst, .zip); - for standard input.",
        ),
    ],
    tenant: _Tenant = DEFAULT_TENANT,
    currency: Annotated[
        str | None,
        typer.Option(
            help="Currency of rows that have none. Default: the tenant's, if no row has one."
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Time zone of times without an offset. Default: the tenant's."),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN,...",
            help="Take a field from a column: createdAt=date,amount=dollars",
        ),
    ] = None,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PRESET",
            help="Whose file it is: a name that `financeops presets` lists, the path of a preset of your own, "
            "'auto' (the one that its columns fit, if any does) or 'none'.",
        ),
    ] = "auto",
    value: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD:TEXT=VALUE,...",
            help="Say what a text means: status:Paid=success",
        ),
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE,...",
            help="Use a value where a column is missing or empty: method=card",
        ),
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv, ndjson or parquet. Default: by file name.")
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="CSV delimiter: a character, 'tab' or 'whitespace'. Default: detected."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Name the columns of a CSV file without a header."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Text encoding.")] = "utf-8",
    date_format: Annotated[
        str | None,
        typer.Option(
            help="Format of times that are not ISO 8601: '%d.%m.%Y %H:%M', or 'excel' for the days that a spreadsheet counts."
        ),
    ] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="Read amounts that are written 1.850,50.")
    ] = False,
    decimal: Annotated[
        str | None,
        typer.Option(
            metavar="point|comma",
            help="What separates the decimals of amounts; the other one separates thousands. "
            "Default: what each column shows.",
        ),
    ] = None,
    minor_units: Annotated[
        bool | None,
        typer.Option(
            "--minor-units/--major-units",
            help="Read amounts as minor units (1850 is 18.50 USD), or as major units. "
            "Default: minor units in a saved data frame, else major units.",
        ),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Write refused rows to this file. Default: FILE.rejects.csv")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Record nothing: print what would be recorded, and which rows would be refused, and why.",
        ),
    ] = False,
    url: _Url = DEFAULT_URL,
) -> None:
    """Record the rows of a file as payments, each exactly once.

    Importing a file again adds nothing, even under another name or with other options: a row is
    recognised by its reference, or by its content and how often that came before in the file. If a
    whole payment has been refunded since, that is recorded; a row that differs in any other way
    from what is recorded is refused. Exit code 2: some rows were refused. `financeops imports`
    lists imports and takes them back.
    """
    from financeops.cli.importing.imports import (  # noqa: PLC0415 - aiohttp
        Request,
        import_file,
        rehearse_file,
    )

    request = Request(
        file=file,
        tenant_id=tenant,
        currency=currency,
        timezone=timezone,
        map=map_ or [],
        default=default or [],
        value=value or [],
        preset=from_,
        decimal=decimal,
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
    if dry_run:
        lines, good = asyncio.run(rehearse_file(request))
        typer.echo(f"{request.called}: a dry run, nothing is recorded")
        for line in lines:
            typer.echo(line)
        if not good:
            raise typer.Exit(2)
        return
    result = asyncio.run(import_file(request))
    typer.echo(str(result))
    for line in result.notes:
        typer.echo(line, err=True)
    if result.summary.conflict:
        typer.echo(
            "Rows in conflict differ from what is recorded of them. If that came with a wrong import, "
            f"take it back and import again: `financeops imports --tenant {tenant}` lists imports, "
            "`financeops imports undo ID` takes one back.",
            err=True,
        )
    if result.summary.refused:
        raise typer.Exit(2)


def show_presets(
    *,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The one to show, or the path of one of your own."),
    ] = None,
) -> None:
    """List the payment providers whose files can be imported as they are, or show how one is read."""
    from financeops.cli.importing.preset import known, preset_of  # noqa: PLC0415 - msgspec's TOML

    if name is not None:
        typer.echo(preset_of(name).text, nl=False)
        return
    width = max(map(len, known()))
    for preset in known().values():
        typer.echo(f"{preset.name.ljust(width)}  {preset.title}")


def list_imports(
    context: typer.Context,
    *,
    tenant: _Tenant = DEFAULT_TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    url: Annotated[str, _url_option()] = DEFAULT_URL,
) -> None:
    """List a tenant's imports, newest first, or take one back."""
    if (command := context.invoked_subcommand) is not None:
        for option, name in (("--tenant", "tenant"), ("--json", "as_json"), ("--url", "url")):
            if _given(context, name):
                problem = f"is for the list of imports here: write what {command} needs after it"
                raise typer.BadParameter(problem, param_hint=option)
        return  # the command has a URL of its own to check
    from financeops.cli.importations import listed  # noqa: PLC0415 - aiohttp

    url = _checked_url(context, url)
    for line in asyncio.run(listed(url, tenant_id=tenant, as_json=as_json)):
        typer.echo(line)


def undo_import(
    *,
    import_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="ID of the import, as `financeops imports` lists it."),
    ],
    url: _Url = DEFAULT_URL,
) -> None:
    """Take an import back, exactly.

    This removes the payments that the import created and cancels the refunds that it recorded. It
    is refused if later changes depend on the import. If it was interrupted, run it again.
    """
    from financeops.cli.importations import undone  # noqa: PLC0415 - aiohttp

    typer.echo(asyncio.run(undone(url, import_id)))


def list_letters(
    context: typer.Context,
    *,
    tenant: _Tenant = DEFAULT_TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the bodies.")] = False,
    url: Annotated[str, _url_option()] = DEFAULT_URL,
) -> None:
    """List what a tenant's payment providers told and could not be recorded, newest first, or replay it."""
    if (command := context.invoked_subcommand) is not None:
        for option, name in (("--tenant", "tenant"), ("--json", "as_json"), ("--url", "url")):
            if _given(context, name):
                problem = f"is for the list here: write what {command} needs after it"
                raise typer.BadParameter(problem, param_hint=option)
        return  # the command has a URL of its own to check
    from financeops.cli.dead_letters import listed  # noqa: PLC0415 - aiohttp

    url = _checked_url(context, url)
    for line in asyncio.run(listed(url, tenant_id=tenant, as_json=as_json)):
        typer.echo(line)


def replay_letters(
    *,
    letter_ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="IDs, as `financeops dead-letters` lists them."),
    ],
    tenant: _Tenant = DEFAULT_TENANT,
    url: _Url = DEFAULT_URL,
) -> None:
    """Try again to record what dead letters tell; those that are recorded are forgotten.

    Exit code 2: some could still not be recorded, and are kept with the reason.
    """
    from financeops.cli.dead_letters import replayed  # noqa: PLC0415 - aiohttp

    lines, all_recorded = asyncio.run(replayed(url, letter_ids, tenant_id=tenant))
    for line in lines:
        typer.echo(line)
    if not all_recorded:
        raise typer.Exit(2)


def export(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; - for standard output.")
    ],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="File format.")
    ] = ExportFormat.CSV,
    tenant: _Tenant = DEFAULT_TENANT,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Only payments created since: 2026-01-01 or 2026-01-01T08:00:00Z.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="TIME", help="Only payments created before this date or time."
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only payments with this status.")] = None,
    method: Annotated[str | None, typer.Option(help="Only payments made with this method.")] = None,
    url: _Url = DEFAULT_URL,
) -> None:
    """Write payments to a file, oldest first.

    The file appears only when it is complete.
    """
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
    tenant: _Tenant = DEFAULT_TENANT,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what differs.")] = False,
    url: _Url = DEFAULT_URL,
) -> None:
    """Check running totals and displayed figures against the payments.

    The server verifies one tenant at a time, in small pieces; Ctrl-C stops it. Exit code 2:
    something differs and was not repaired.
    """
    from financeops.cli.verification import verified  # noqa: PLC0415 - aiohttp

    try:
        lines, good = asyncio.run(verified(url, tenant_id=tenant, repair=repair))
    except KeyboardInterrupt:
        kept = "; what was repaired until then stays repaired" if repair else ""
        typer.echo(f"financeops: the verification was stopped{kept}", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    for line in lines:
        typer.echo(line)
    if not good:
        raise typer.Exit(2)


def import_rates(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV.")],
    source: Annotated[
        str | None,
        typer.Option(help="Who says so, such as 'ecb', its default for the bank's own history."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace other rates of the same day, pair and source."),
    ] = False,
    url: _Url = DEFAULT_URL,
) -> None:
    """Record the exchange rates of a file, for all tenants.

    FILE is the European Central Bank's published history (columns Date, USD, JPY, ...), unpacked, or has
    the columns date, base, quote, rate and perhaps source. Importing it again adds nothing. If anything
    in it is wrong, or another rate is known for a day, nothing of it is taken.
    """
    from financeops.cli.exchange import rates_imported  # noqa: PLC0415 - aiohttp

    typer.echo(asyncio.run(rates_imported(url, file, source=source, replace=replace)))


def recompute_rates(
    *,
    start: Annotated[str, typer.Option("--from", help="The first day, such as 2026-11-01.")],
    end: Annotated[str, typer.Option("--to", help="The day after the last one.")],
    tenant: _Tenant = DEFAULT_TENANT,
    url: _Url = DEFAULT_URL,
) -> None:
    """Convert a tenant's payments of these days again, by the rates that are known now.

    What was converted once stays as it is otherwise, also if its rate is replaced.
    """
    from financeops.cli.exchange import rates_recomputed  # noqa: PLC0415 - aiohttp

    first, last = day_in(start, "--from"), day_in(end, "--to")
    if first >= last:
        raise InvalidValue("--to", "must be a later day than --from")
    done = rates_recomputed(url, tenant_id=tenant, start=first, end=last)
    typer.echo(asyncio.run(done))


def set_timezone(
    *,
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="ID of the tenant.")],
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="IANA name, such as Europe/Berlin.")],
    url: _Url = DEFAULT_URL,
) -> None:
    """Change a tenant's time zone and recompute its totals.

    The server must be running with the tenant's present time zone. Change FINANCEOPS_TENANTS
    afterwards.
    """
    from financeops.cli.verification import rezoned  # noqa: PLC0415 - aiohttp

    typer.echo(asyncio.run(rezoned(url, tenant_id=tenant, timezone=zone)))
