"""What the dashboard's web server answers differently from Voilà."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from babel import Locale
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from financeops.dashboard import texts
from financeops.dashboard.preferences import Preferences
from financeops.dashboard.serve.viewers import Viewers
from financeops.dashboard.words import words_in

RETRY_SECONDS = 5

_HERE = Path(__file__).parent
_THEME = _HERE.parent / "theme"
_FONT = "fonts/inter-latin-wght-normal.woff2"


class PageHandler(TornadoVoilaHandler):
    """The page. Each GET takes a kernel, so it is answered with one only to a viewer."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Show the dashboard, or that there is no room."""
        viewers: Viewers = self.settings["viewers"]
        if not path and not _is_viewer(self.request.headers):
            # Browsers that only guess what will be clicked on ask again when it is.
            raise HTTPError(503, "a page for nobody")
        if not path and not viewers.has_room:
            self._say_full()
            return
        with viewers.arriving() as arrived:
            async for html in self.get_generator(path=path):
                arrived()
                self.write(html)
                self.flush()

    @authenticated
    async def head(self, _path: str | None = None) -> None:
        """Say that there is a page, to those who only want to know."""
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        await self.finish()

    def should_use_rendered_notebook(
        self, notebook_data: Any, pool_size: int, *_arguments: Any
    ) -> bool:
        """Whether a kernel that waits may be used: always, for our arguments are not Voilà's."""
        return pool_size > 0 and len(notebook_data) > 0

    def _say_full(self) -> None:
        self.set_status(503)
        self.set_header("Retry-After", str(RETRY_SECONDS))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        preferences = Preferences(language=self.get_argument("lang", None))
        spoken = self.request.headers.get("Accept-Language", "")
        preferences.browser = [tag.partition(";")[0].strip() for tag in spoken.split(",")]
        theme = self.get_argument("theme", "")
        self.finish(_full_page(self.base_url, theme, preferences.locale))


class HealthHandler(JupyterHandler):
    """Whether the server runs and has room, for programs; it starts no kernel."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Answer with the number of viewers."""
        viewers: Viewers = self.settings["viewers"]
        self.set_header("Cache-Control", "no-store")
        await self.finish(
            {
                "viewers": viewers.count,
                "limit": viewers.limit,
                "room": viewers.has_room,
                "waiting": len(viewers.waiting()),
            }
        )

    @allow_unauthenticated
    async def head(self) -> None:
        """The same without the answer."""
        await self.finish()


class PresenceHandler(KernelHandler):
    """A page asks for its kernel: so it is there, and learns whether the kernel is."""

    async def get(self, kernel_id: str) -> None:
        """Answer with what is known of the kernel; 404 when it has ended."""
        self.settings["viewers"].see(kernel_id)
        await ensure_async(super().get(kernel_id))


class ChannelsHandler(VoilaKernelWebsocketHandler):
    """Carries messages between a page and its kernel."""

    def write_message(
        self, message: bytes | str | dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Send one to the page.

        Voilà looks into binary ones for their header, as the newest protocol has it. A connection that broke, or that
        came back, has the old one: there Voilà takes a part of the message for a number and counts so far, while nobody
        is served.
        """
        newest = not self._broken and self.selected_subprotocol is not None
        handler = VoilaKernelWebsocketHandler if newest else KernelWebsocketHandler
        return handler.write_message(self, message, *args, **kwargs)

    def on_message(self, ws_message: bytes | str) -> None:
        """Pass one on to the kernel, unless it comes when nobody can say any more which protocol it has."""
        if not self._broken:
            super().on_message(ws_message)

    @property
    def _broken(self) -> bool:
        return self.ws_connection is None


class LeaveHandler(VoilaShutdownKernelHandler):
    """A page says good-bye. The token of its cookie and its origin are checked before."""

    @authenticated
    async def post(self, kernel_id: str) -> None:
        """End its kernel."""
        await self.settings["viewers"].end(kernel_id)
        self.set_status(204)
        with suppress(StreamClosedError):  # who has left waits for no answer
            await self.finish()


def _is_viewer(headers: Mapping[str, str]) -> bool:
    """Whether the page was asked for in order to show it.

    Not when a browser fetches it in advance, and not when another site names it as the address of
    a picture: that would fill the house with nobody.
    """
    if "prefetch" in headers.get("Sec-Purpose", headers.get("Purpose", "")):
        return False
    return headers.get("Sec-Fetch-Dest", "document") in {"document", "frame", "iframe", "empty"}


def _full_page(base_url: str, theme: str, locale: Locale) -> str:
    say = words_in(locale).say
    page = (_HERE / "full.html").read_text(encoding="utf-8")
    given = {
        "tokens": (_THEME / "tokens.css").read_text(encoding="utf-8"),
        "font": b64encode((_THEME / _FONT).read_bytes()).decode(),
        "theme": theme if theme in {"light", "dark"} else "",
        "health": f"{base_url}voila/health",
        "seconds": str(RETRY_SECONDS),
        "lang": str(locale).replace("_", "-"),
        "dir": locale.text_direction,
        "title": say(texts.TITLE),
        "no_room": say(texts.NO_ROOM),
        "hint": say(texts.NO_ROOM_HINT),
        "waiting": say(texts.WAITING),
    }
    for name, value in given.items():
        page = page.replace(f"[[{name}]]", value)
    return page
