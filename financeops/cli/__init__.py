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
    """The one place where errors become a line on standard error and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FinanceOpsError as error:
            # An error's words may come from a server or a library, with line breaks in them.
            # Or from a file, with what would steer the terminal.
            said = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(error).split()))
            typer.secho(f"financeops: {said}", err=True, fg="red")
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    help="Live payment analytics: one command runs it, the others work on its data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def settings() -> None:
    """Read ``.env``: its settings are the defaults of options, as they are the server's."""
    if not Path(".env").exists():
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - not everybody has such a file

    for name, value in dotenv_values(".env").items():
        if name.startswith(PREFIX) and value is not None:
            os.environ.setdefault(name, value)


programs.register(app)
data.register(app)
