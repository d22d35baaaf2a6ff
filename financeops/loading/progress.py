"""A bar for loads that take longer than a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds before a bar is shown: shorter loads need none."""


@contextmanager
def progress_bar(total: int | None, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """A function that is told how many more payments have arrived.

    Parameters
    ----------
    total : int or None
        How many are expected, None when that is not known.
    shown : bool
        Whether to show a bar at all.
    """
    if not shown:
        yield lambda _count: None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - looks for a notebook when it is imported

    with tqdm(
        total=total, desc="payments", unit="", unit_scale=True, delay=PATIENCE, leave=False
    ) as bar:
        yield bar.update
