"""The kernel under the dashboard."""

from __future__ import annotations

import os
from concurrent.futures import Future
from typing import Any

from IPython import get_ipython


class Visit:
    """What a kernel of a page waits for, and what it gives back: each comes once.

    Attributes
    ----------
    view : Future of dict
        What the page was asked for: ``parameters`` of its address, and ``languages`` of its browser.
    answer : Future of dict
        The first figures: ``html``.
    """

    def __init__(self) -> None:
        # Not asyncio's: the kernel's control thread and its dashboards have a loop each.
        self.view: Future[dict[str, Any]] = Future()
        self.answer: Future[dict[str, Any]] = Future()

    def bring(self, view: dict[str, Any]) -> None:
        """Say what the page was asked for."""
        if not self.view.done():
            self.view.set_result(view)

    def give(self, answer: dict[str, Any]) -> None:
        """Give what is shown first; of several dashboards the quickest counts."""
        if not self.answer.done():
            self.answer.set_result(answer)


def visit() -> Visit | None:
    """Return the visit that this kernel waits for; None if it belongs to somebody already, as in JupyterLab."""
    found: Visit | None = getattr(getattr(get_ipython(), "kernel", None), "visit", None)
    return found


def end_when_served() -> None:
    """End this kernel if Voilà started it for one page; in JupyterLab it belongs to the user.

    For viewers who left without notice: a phone that lost its network, a browser that crashed.
    """
    shell = get_ipython()
    if shell is not None and "VOILA_BASE_URL" in os.environ:
        shell.exit_now = True
