"""The output of `up`: live progress in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


class Screen:
    """Lines on standard output. If the terminal is closed, output is dropped without an error."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False, soft_wrap=True)
        self._gone = False

    def say(self, line: str = "", *, style: str | None = None) -> None:
        """Print a line immediately."""
        if self._gone:
            return
        try:
            self._console.print(line, style=style)
            self._console.file.flush()
        except OSError:
            self._gone = True

    @contextmanager
    def recording(self, count: int) -> Iterator[Recording]:
        """Show how much of a history is recorded while the block runs."""
        if not self._console.is_terminal:
            yield Recording(self, None, count)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield Recording(self, progress, count)

    @contextmanager
    def progress(self) -> Iterator[Starting]:
        """Show what is being started while the block runs."""
        if not self._console.is_terminal:
            yield Starting(self, None)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield Starting(self, progress)


class Recording:
    """A history that is being recorded: a bar in a terminal, a line at each quarter elsewhere."""

    def __init__(self, screen: Screen, progress: Progress | None, count: int) -> None:
        self._screen = screen
        self._progress = progress
        self._count = count
        self._quarters_shown = 0
        if progress is not None:
            self._task = progress.add_task("history", total=count)

    def show(self, recorded: int) -> None:
        """Show how many payments are recorded."""
        if self._progress is not None:
            text = f"history: {recorded:,} of {self._count:,} payments"
            self._progress.update(self._task, completed=recorded, description=text)
            return
        quarters = 4 * recorded // self._count
        if quarters > self._quarters_shown and recorded < self._count:
            self._quarters_shown = quarters
            self._screen.say(f"history: {recorded:,} of {self._count:,} payments")


class Starting:
    """Programs that are being started, each shown until it is ready."""

    def __init__(self, screen: Screen, progress: Progress | None) -> None:
        self._screen = screen
        self._progress = progress

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` and the time while the block runs, and a line when it succeeds."""
        began = time.monotonic()
        if self._progress is None:
            self._screen.say(f"starting {name}")
            yield
        else:
            task = self._progress.add_task(name)
            try:
                yield
            finally:
                self._progress.remove_task(task)
        self._screen.say(f"✓ {name} is ready ({time.monotonic() - began:.1f} s)", style="green")
