"""The command line: ``financeops up | serve | seed | import | export | verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from financeops.cli import data, programs
from financeops.core.contract.texts import CONTROL
from financeops.core.errors import FinanceOpsError

PREFIX = "FINANCEOPS_"


class _Commands(TyperGroup):
    """Turn errors into one line on standard error and exit code 1, here and nowhere else."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FinanceOpsError as error:
            # The text may come from a server or a library, with line breaks in it, or from a file,
            # with characters that would control the terminal.
            text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(error).split()))
            typer.secho(f"financeops: {text}", err=True, fg="red")
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
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
