"""A part of the screen whose HTML is made in the kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from financeops.dashboard.fonts import IN_PAGE
from financeops.dashboard.html.edits import Edit, edits

SCRIPT = Path(__file__).with_name("panel.js")

_SCRIPT_OF_PAGE = f"""
const {{ fullStaticUrl }} = JSON.parse(document.getElementById("jupyter-config-data").textContent);
export default (await import(new URL(`${{fullStaticUrl}}/{SCRIPT.name}`, location))).default;
"""
"""Loads the script that the page's server has: once for all panels, and in each of them it need not be sent."""

Action = Callable[[str | None], None]

Repaint = dict[str, str | list[Edit]]
"""New HTML of panels, or what changed in it, by the ids of their widgets."""

_together: ContextVar[dict[str, Panel] | None] = ContextVar("_together", default=None)


@contextmanager
def together(*, whole: bool = False) -> Iterator[Repaint]:
    """Collect the panels that change instead of sending each one; the result is complete at the end.

    A repaint changes most of them, and a message for each would cost the kernel, the web server
    and the browser about as much as making its HTML.

    Parameters
    ----------
    whole : bool
        Not only what changed since the last time: for a page that has missed some of it.
    """
    changed: dict[str, Panel] = {}
    repaint: Repaint = {}
    token = _together.set(changed)
    try:
        yield repaint
    finally:
        _together.reset(token)
    for name, panel in changed.items():
        repaint[name] = panel.change(whole=whole)


class Panel(anywidget.AnyWidget):
    """HTML in a widget, with the buttons, tables and roles that ipywidgets lack.

    A new `html` changes only what differs, so that focus, hover and scroll position stay. A click
    on (or a new choice in) an element with ``data-action`` calls the action of that name with the
    element's ``data-value`` (or the choice); the Escape key calls the one named by a
    ``data-escape``, arrow keys, Home and End in an element with ``data-moves`` that one.

    A control looks pressed at once: one with ``aria-pressed`` is chosen (``data-toggles``: or, chosen
    again, no longer), others are ``aria-busy``. The page puts this right when `pressed` is answered.

    Parameters
    ----------
    name : str
        Becomes the class ``fo-NAME``.
    **actions : callable
        What the controls in it do.

    Attributes
    ----------
    pressed : str
        Id of the last press that was acted upon, with or without effect. It is to be answered after
        the repaint that shows the effect.
    """

    _esm: Path | str = SCRIPT
    html = traitlets.Unicode().tag(sync=True)
    pressed = traitlets.Unicode()

    def __init__(self, name: str, **actions: Action) -> None:
        if IN_PAGE in os.environ:
            self._esm = _SCRIPT_OF_PAGE
        super().__init__()
        self.add_class(f"fo-{name}")
        self._actions = actions
        self._shown: str | None = None  # what the page has, if it missed no repaint
        self.on_msg(self._act)

    def send_state(self, key: str | Iterable[str] | None = None) -> None:
        """Send the HTML to the browser, now or with the other panels of a repaint."""
        changed = _together.get()
        if changed is None or key != "html":
            # Unlike repaints it has no number: nobody knows whether it arrives.
            self._shown = None
            super().send_state(key)
        else:
            changed[self.model_id] = self

    def change(self, *, whole: bool) -> str | list[Edit]:
        """Return what a repaint has to say of it: edits of what the last one said, or all HTML."""
        before, self._shown = self._shown, self.html
        if whole or before is None:
            return self.html
        return edits(before, self.html)

    def _act(self, _widget: Any, content: Any, _buffers: Any) -> None:
        action = self._actions.get(content.get("action"))
        try:
            if action is not None:
                action(content.get("value"))
        finally:
            self.pressed = str(content.get("press", ""))
