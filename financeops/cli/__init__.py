"""The command line: ``financeops up | serve | seed | import | export | verify``."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from financeops.cli import data, programs
from financeops.cli.commands import Commands

PREFIX = "FINANCEOPS_"


app = typer.Typer(
    cls=Commands,
    help="Run live payment analytics, and work with its payments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"financeops {version('financeops')}")
        raise typer.Exit


@app.callback()
def settings(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Read ``.env``: as for the server, its settings are the defaults."""
    del show_version
    if not Path(".env").exists():
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - few have such a file

    for name, value in dotenv_values(".env").items():
        if name.startswith(PREFIX) and value is not None:
            os.environ.setdefault(name, value)


programs.register(app)
data.register(app)
