"""Handlers that replace those of Voilà."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, authenticated
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.voila_identity_provider import VoilaLoginHandler

from financeops.dashboard.serve import pages
from financeops.dashboard.serve.asking import languages_of, parameters_of
from financeops.dashboard.serve.assets import Assets, kind_of
from financeops.dashboard.serve.door import Refused
from financeops.dashboard.serve.first_answer import with_figures
from financeops.dashboard.serve.packing import encoding_for
from financeops.dashboard.serve.viewers import Viewers
from financeops.dashboard.serve.visits import Visits

RETRY_SECONDS = 5
FOREVER = "public, max-age=31536000, immutable"


class PageHandler(TornadoVoilaHandler):
    """The page. Each GET uses a kernel, so only viewers get one."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Show the dashboard, or a page that there is no room."""
        viewers: Viewers = self.settings["viewers"]
        if path:
            self._lead_to(path)
            return
        if not _is_viewer(self.request.headers):
            # Browsers that only prefetch ask again when the link is opened.
            raise HTTPError(503, "a page for nobody")
        if not viewers.has_room:
            self._say_full()
            return
        kernel = None

        async def bring(kernel_id: str, waiting: bool) -> str | None:  # noqa: FBT001
            nonlocal kernel
            kernel = kernel_id
            return await self._bring(kernel_id, waiting=waiting)

        with viewers.arriving() as arrived:
            try:
                async for html in with_figures(self.get_generator(), self.request, bring):
                    arrived()
                    self.write(html)
                    self.flush()
            except HTTPError:
                raise
            except Exception as error:
                self.log.exception("no page could be made")
                raise HTTPError(503) from error
            finally:
                # Voilà keeps the parameters of each visit until the notebook fetches them, which this one
                # never does: they are brought to it.
                RequestInfoSocketHandler._cache.clear()  # noqa: SLF001
        with suppress(StreamClosedError):
            await self.finish()
        if kernel is not None:
            viewers.sent(kernel)

    @authenticated
    async def head(self, path: str | None = None) -> None:
        """Answer that there is a page, without using a kernel."""
        if path:
            self._lead_to(path)
            return
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        await self.finish()

    def should_use_rendered_notebook(
        self, notebook_data: Any, pool_size: int, *_arguments: Any
    ) -> bool:
        """Whether a waiting kernel may be used: always, because the parameters are not Voilà's."""
        return pool_size > 0 and len(notebook_data) > 0

    async def _bring(self, kernel_id: str, *, waiting: bool) -> str | None:
        """Bring a kernel what was asked for; return its first figures, if they come in time."""
        view = {"parameters": parameters_of(self.request), "languages": languages_of(self.request)}
        visits: Visits = self.settings["visits"]
        kernel = self.kernel_manager.get_kernel(kernel_id)
        return await visits.bring(kernel, view, waiting=waiting)

    def _lead_to(self, path: str) -> None:
        """Return the path of a file beside the notebook; there is only one page."""
        served = self.voila_configuration.file_allowlist
        if not any(re.fullmatch(pattern, path, re.IGNORECASE) for pattern in served):
            raise HTTPError(404)
        self.redirect_to_file(path)

    def _say_full(self) -> None:
        self.set_status(503)
        self.set_header("Retry-After", str(RETRY_SECONDS))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(pages.full(self.request, self.base_url, RETRY_SECONDS))


class HealthHandler(JupyterHandler):
    """State of the server and number of viewers, for programs; starts no kernel."""

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
                "waiting": viewers.ready,
            }
        )

    @allow_unauthenticated
    async def head(self) -> None:
        """Answer like GET, without a body."""
        await self.finish()


class PresenceHandler(KernelHandler):
    """A page asks for its kernel: this shows that the page exists, and tells it if the kernel does."""

    async def get(self, kernel_id: str) -> None:
        """Answer with the state of the kernel; 404 if it has ended."""
        self.settings["viewers"].see(kernel_id)
        await ensure_async(super().get(kernel_id))


class LeaveHandler(VoilaShutdownKernelHandler):
    """A page is closed. The token of its cookie and its origin are checked before."""

    @authenticated
    async def post(self, kernel_id: str) -> None:
        """End its kernel."""
        await self.settings["viewers"].end(kernel_id)
        self.set_status(204)
        with suppress(StreamClosedError):  # the page does not wait for the answer
            await self.finish()


class LoginHandler(VoilaLoginHandler):
    """Asks for the token, if one is set."""

    def _redirect_safe(self, url: str, default: str | None = None) -> None:
        try:
            super()._redirect_safe(url, default)
        except ValueError as error:
            raise Refused(400, "the parameter next is no address") from error


class LogoutHandler(JupyterHandler):
    """Forgets the token, if one is set. Jupyter's handler needs files that Voilà does not have."""

    @allow_unauthenticated
    def get(self) -> None:
        """Redirect to the page, which asks for the token again."""
        self.identity_provider.clear_login_cookie(self)
        self.redirect(self.base_url)


class TemplateHandler(TemplateStaticFileHandler):
    """Files of the template, the only one whose name is known here."""

    def parse_url_path(self, path: str) -> str:
        """Check the form, which Voilà takes for granted."""
        names = path.split("/")
        ours = names[:2] == [self.settings["template"], "static"] and len(names) > 2
        if not ours or {"", ".", ".."}.intersection(names):
            raise HTTPError(404)
        parsed: str = super().parse_url_path(path)
        return parsed


class AssetHandler(RequestHandler):
    """Serves the files of the page. They are public parts of installed packages."""

    async def get(self, version: str, name: str) -> None:
        """Answer with a file, packed if the browser accepts that."""
        assets: Assets = self.settings["assets"]
        encoding = encoding_for(self.request.headers.get("Accept-Encoding"))
        packed = encoding and await assets.packed(name, encoding)
        content = packed or assets.plain(name)
        if content is None:
            raise HTTPError(404)
        if packed:
            self.set_header("Content-Encoding", str(encoding))
        self.set_header("Content-Type", kind_of(name))
        # A page that is older than the server may request a file that has changed since.
        self.set_header("Cache-Control", FOREVER if version == assets.version else "no-cache")
        await self.finish(content)

    head = get


def _is_viewer(headers: Mapping[str, str]) -> bool:
    """Whether the page was requested in order to show it.

    Not when a browser fetches it in advance, and not when a page names it as the address of a
    picture or of a frame that it will not be shown in: that would fill the house with nobody.
    """
    if "prefetch" in headers.get("Sec-Purpose", headers.get("Purpose", "")):
        return False
    shown = headers.get("Sec-Fetch-Dest", "document")
    if shown in {"frame", "iframe"}:
        return headers.get("Sec-Fetch-Site") in {"same-origin", "none"}
    return shown == "document"
