"""The host names of the server: a page may point any other name at it (DNS rebinding)."""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.http.problems import Misdirected, problem_response


class Hosts:
    """The names of the server; `*` among them allows every name.

    IP addresses, `localhost` and this computer's own name are always allowed: no page of another
    computer is reached by them (DNS rebinding needs a name of its own).
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = {name.lower() for name in (*allowed, "localhost", socket.gethostname())}

    def allows(self, host: str) -> bool:
        """Whether `Host` names this server."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        except ValueError:
            return False
        return "*" in self._allowed or name in self._allowed or _is_local(name)


class RefuseForeignHosts:
    """Refuses requests for other hosts, on the stream too."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is for another host."""
        if scope["type"] in {"http", "websocket"}:
            for host in Headers(scope=scope).getlist("host"):
                if host and not self._hosts.allows(host):
                    await self._refuse(host, scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _refuse(self, host: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        error = Misdirected(
            f"this server does not answer to {host!r}: FINANCEOPS_ALLOWED_HOSTS lists what it answers to"
        )
        await problem_response(error)(scope, receive, send)


def _is_local(name: str) -> bool:
    if name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
