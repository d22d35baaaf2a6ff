"""What the kernel knows of the browser, and what only the browser can do."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from financeops.dashboard.fonts import FONT, IN_PAGE, THEME
from financeops.dashboard.panels.panel import Repaint

_HERE = Path(__file__).parent
_FONTS = {"ar": ("fonts/noto-sans-arabic-arabic-wght-normal.woff2", "U+600-6FF, U+750-77F")}
"""Fonts of languages whose letters the first font lacks, with the range of these letters."""


def _stylesheet(*names: str) -> str:
    """Return files of the theme as one text, with its font: a notebook cell cannot load files."""
    font = base64.b64encode((THEME / FONT).read_bytes()).decode()
    css = "\n".join((THEME / name).read_text(encoding="utf-8") for name in names)
    return css.replace(FONT, f"data:font/woff2;base64,{font}")


class Page(anywidget.AnyWidget):
    """The browser page that shows a dashboard.

    It loads the theme and saves files. It reports every few seconds that the page is open, whether
    it is visible, and which repaints it has received; at once that it missed one, for others change what
    it has not; the parameters of its address; and when a repaint has reached the screen.

    Attributes
    ----------
    look : dict
        ``theme``, ``lang`` and ``dir`` of the page.
    tab : dict
        What the browser's tab tells, under Voilà only: ``state`` and ``title``; and what the page
        says while the dashboard cannot be reached (`tab.tab_of`).
    address : dict
        Parameters that the address should have, None for one to remove. Only under Voilà: in
        JupyterLab the address does not belong to the dashboard.
    """

    _esm = _HERE / "page.js"
    _css = _stylesheet("font.css", "tokens.css", "dashboard.css")
    look = traitlets.Dict().tag(sync=True)
    tab = traitlets.Dict().tag(sync=True)
    address = traitlets.Dict().tag(sync=True)

    _sent = 0  # number of the last repaint

    def __init__(
        self,
        *,
        on_beat: Callable[[bool], None],
        on_shown: Callable[[int], None],
        on_opened: Callable[[dict[str, str], list[str]], None],
        on_missed: Callable[[], None],
    ) -> None:
        if IN_PAGE in os.environ:
            self._css = ""
        super().__init__()
        self.add_class("fo-page")
        self._on_beat = on_beat
        self._on_shown = on_shown
        self._on_opened = on_opened
        self._on_missed = on_missed
        self._due = 0
        self._listens = False
        self._has: set[str] = set()  # languages
        self.on_msg(self._hear)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - as ipywidgets has it
        """Return what a new page begins with, and the number of the last repaint: the panels' HTML is as new."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return state | {"number": self._sent} if key is None else state

    def speak(self, language: str) -> None:
        """Send the font of a language that needs its own, to pages in this language only."""
        # Messages sent before the page listens are lost.
        if self._listens and language in _FONTS and language not in self._has:
            self._has.add(language)
            name, letters = _FONTS[language]
            self.send({"font": letters}, buffers=[(THEME / name).read_bytes()])

    def repaint(
        self,
        panels: Repaint,
        *,
        whole: bool = False,
        measured: bool = False,
        answered: Mapping[str, Sequence[str]] | None = None,
    ) -> int:
        """Repaint panels.

        Parameters
        ----------
        panels : dict
        whole : bool
            Whether these are all panels, with all of their HTML.
        measured : bool
            Whether the page should report when it is on the screen.
        answered : mapping, optional
            Presses in panels: what the page showed of them meanwhile ends after the repaint.

        Returns
        -------
        int
            The number of this repaint.
        """
        self._sent += 1
        repaint = {"panels": panels, "number": self._sent, "whole": whole, "measured": measured}
        self.send({**repaint, "answered": answered or {}})
        return self._sent

    def save(self, name: str, kind: str, chunk: bytes | None) -> None:
        """Send the browser the next piece of a file; None ends the file, which is saved as `name`."""
        self.send(
            {"save": name, "type": kind, "done": chunk is None},
            buffers=None if chunk is None else [chunk],
        )

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        match content:
            case {"beat": bool(visible), "has": int(number)}:
                self._on_beat(visible)
                # A broken connection has lost what was under way. What was sent since the last beat may still arrive.
                if number < self._due:
                    self._on_missed()
                self._due = self._sent
            case {"missed": True}:
                self._on_missed()
            case {"shown": int(number)}:
                self._on_shown(number)
            case {"opened": dict(parameters), "languages": list(languages), "has": int(number)}:
                self._listens = True
                self._has.clear()
                before = self._sent
                self._on_opened(parameters, languages)
                if number != before:  # what was sent before the page listened did not reach it
                    self._on_missed()
                self._due = 0
                self.send({"settled": True})
