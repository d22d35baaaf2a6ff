"""WebSocket requests from which a proxy has dropped headers."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.http.problems import HalfUpgrade, problem_response


class RefuseHalfUpgrades:
    """Refuses an upgrade without `Connection: upgrade`, which proxies drop unless configured."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is refused."""
        # Complete upgrades have type `websocket`. The stream would not answer an incomplete one.
        if (
            scope["type"] == "http"
            and "websocket" in Headers(scope=scope).get("upgrade", "").lower()
        ):
            error = HalfUpgrade(
                "a WebSocket needs the headers Connection: Upgrade and Sec-WebSocket-Key beside "
                "Upgrade: websocket; a proxy must pass all of them on"
            )
            await problem_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)
