"""A part of the screen whose HTML the kernel makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent

Action = Callable[[str | None], None]


class Panel(anywidget.AnyWidget):
    """Our own HTML in a widget: real buttons, tables and roles that ipywidgets do not have.

    A new `html` changes only what differs, so that focus, hover and scroll position stay. A click
    on (or a new choice in) an element with ``data-action`` calls the action of that name with the
    element's ``data-value`` (or the choice); the Escape key calls the one named by a
    ``data-escape``, arrow keys, Home and End in an element with ``data-moves`` that one.

    Parameters
    ----------
    name : str
        Becomes the class ``fo-NAME``.
    **actions : callable
        What the controls in it do.
    """

    _esm = _HERE / "panel.js"
    html = traitlets.Unicode().tag(sync=True)

    def __init__(self, name: str, **actions: Action) -> None:
        super().__init__()
        self.add_class(f"fo-{name}")
        self._actions = actions
        self.on_msg(self._act)

    def _act(self, _widget: Any, content: Any, _buffers: Any) -> None:
        action = self._actions.get(content.get("action"))
        if action is not None:
            action(content.get("value"))
