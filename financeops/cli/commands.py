"""Groups of commands, with their errors and their list."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from financeops.core.contract.texts import CONTROL
from financeops.core.errors import FinanceOpsError

_WHOLE = 10_000


class Commands(TyperGroup):
    """Turn errors into one line on standard error and exit code 1, here and nowhere else."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except FinanceOpsError as error:
            # The text may come from a server or a library, with line breaks in it, or from a file,
            # with characters that would control the terminal.
            text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(error).split()))
            typer.secho(f"financeops: {text}", err=True, fg="red")
            raise typer.Exit(1) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with whole sentences, on two lines if need be: Typer cuts them off."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, each.get_short_help_str(_WHOLE)) for name, each in commands if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
