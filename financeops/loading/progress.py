"""A progress bar for loads that take longer than a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds before a bar is shown: shorter loads need none."""


@contextmanager
def progress_bar(total: int | None, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """A function to call with the number of payments that have arrived since the last call.

    Parameters
    ----------
    total : int or None
        Expected number of payments; None when unknown.
    shown : bool
        Whether to show a bar.
    """
    if not shown:
        yield lambda _count: None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - checks for a notebook at import

    with tqdm(
        total=total, desc="payments", unit="", unit_scale=True, delay=PATIENCE, leave=False
    ) as bar:
        yield bar.update
