"""What `up` shows: live progress in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Screen:
    """Lines on standard output. When the terminal is gone nothing is shown, and nothing fails."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False, soft_wrap=True)
        self._gone = False

    def say(self, line: str = "", *, style: str | None = None) -> None:
        """Print one line at once."""
        if self._gone:
            return
        try:
            self._console.print(line, style=style)
            self._console.file.flush()
        except OSError:
            self._gone = True

    @contextmanager
    def progress(self) -> Iterator[Starting]:
        """Show what is being started while the block runs."""
        if not self._console.is_terminal:
            yield Starting(self, None)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield Starting(self, progress)


class Starting:
    """Things that are being started, each shown until it is ready."""

    def __init__(self, screen: Screen, progress: Progress | None) -> None:
        self._screen = screen
        self._progress = progress

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` with its time while the block runs, and a line when it ended well."""
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
