"""Progress of data commands: a bar on a terminal, a line every 10 seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_EVERY = 10.0


class Bar:
    """A progress bar on standard error, so that standard output stays for results.

    Parameters
    ----------
    total : int, optional
        The number that `show` counts up to; None when it is not known.
    """

    def __init__(self, *, total: int | None) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._total = total
        self._printed_at = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, done: int, text: str) -> None:
        """Show how much is done, with a text beside it."""
        self._progress.update(self._task, completed=done, description=text)
        if self._progress.disable and time.monotonic() - self._printed_at >= _LINE_EVERY:
            self._printed_at = time.monotonic()
            share = f"{100 * done // self._total} %: " if self._total else ""
            self._console.print(f"{share}{text}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(line)
