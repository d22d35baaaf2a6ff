"""What the kernel knows of the browser, and what only the browser can do."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from financeops.dashboard.fonts import FONT, IN_PAGE, THEME

_HERE = Path(__file__).parent
_FONTS = {"ar": ("fonts/noto-sans-arabic-arabic-wght-normal.woff2", "U+600-6FF, U+750-77F")}
"""Of languages whose letters the first one lacks: what has them, and which they are."""


def _stylesheet(*names: str) -> str:
    """Files of the theme as one text, the font within: a notebook cell has no place for files."""
    font = base64.b64encode((THEME / FONT).read_bytes()).decode()
    css = "\n".join((THEME / name).read_text(encoding="utf-8") for name in names)
    return css.replace(FONT, f"data:font/woff2;base64,{font}")


_WITHOUT_FONT = _stylesheet("tokens.css", "dashboard.css")


class Page(anywidget.AnyWidget):
    """The browser page that shows a dashboard.

    It brings the theme, says every few seconds that somebody is there, whether the page is
    visible, which repaints it has, what its address asks for, and when a repaint has reached the
    screen; and it saves files.

    Attributes
    ----------
    look : dict
        ``theme``, ``lang``, ``dir`` and ``title`` of the page.
    address : dict
        What the parameters of the address should be, None for one that should not be there.
        Under Voilà only: in JupyterLab the address is not the dashboard's.
    """

    _esm = _HERE / "page.js"
    _css = _stylesheet("font.css", "tokens.css", "dashboard.css")
    look = traitlets.Dict().tag(sync=True)
    address = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        on_beat: Callable[[bool], None],
        on_shown: Callable[[int], None],
        on_opened: Callable[[dict[str, str], list[str]], None],
        on_missed: Callable[[], None],
    ) -> None:
        if IN_PAGE in os.environ:
            self._css = _WITHOUT_FONT
        super().__init__()
        self.add_class("fo-page")
        self._on_beat = on_beat
        self._on_shown = on_shown
        self._on_opened = on_opened
        self._on_missed = on_missed
        self._sent = self._due = 0
        self._listens = False
        self._has: set[str] = set()  # languages
        self.on_msg(self._hear)

    def speak(self, language: str) -> None:
        """Bring the font of a language that has its own: only who speaks it pays for it."""
        # What is sent before the page listens does not reach it.
        if self._listens and language in _FONTS and language not in self._has:
            self._has.add(language)
            name, letters = _FONTS[language]
            self.send({"font": letters}, buffers=[(THEME / name).read_bytes()])

    def repaint(self, panels: Mapping[str, str], *, whole: bool = False) -> int:
        """Show panels, given by their widgets' ids, anew; `whole` says that they are all.

        Returns
        -------
        int
            The number of this repaint: the page answers with it when it is on the screen.
        """
        self._sent += 1
        self.send({"panels": panels, "number": self._sent, "whole": whole})
        return self._sent

    def save(self, name: str, kind: str, chunk: bytes | None) -> None:
        """Hand the browser the next piece of a file; None ends it, and it is saved as `name`."""
        self.send(
            {"save": name, "type": kind, "done": chunk is None},
            buffers=None if chunk is None else [chunk],
        )

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        match content:
            case {"beat": bool(visible), "has": int(number)}:
                self._on_beat(visible)
                # A connection that broke has lost what was on its way. What was sent since the last beat may still be.
                if number < self._due:
                    self._on_missed()
                self._due = self._sent
            case {"shown": int(number)}:
                self._on_shown(number)
            case {"opened": dict(parameters), "languages": list(languages)}:
                self._listens = True
                self._has.clear()
                self._on_opened(parameters, languages)
                self._due = 0
                self.send({"settled": True})
