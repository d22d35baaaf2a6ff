"""The command line: ``financeops up | serve | seed | import | export | verify``."""

from __future__ import annotations

import os
from pathlib import Path

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


@app.callback()
def settings() -> None:
    """Read ``.env``: as for the server, its settings are the defaults."""
    if not Path(".env").exists():
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - few have such a file

    for name, value in dotenv_values(".env").items():
        if name.startswith(PREFIX) and value is not None:
            os.environ.setdefault(name, value)


programs.register(app)
data.register(app)
