"""Run the server: `python -m server`."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import FrameType

import uvicorn

from financeops.core.errors import FinanceOpsError, Misconfigured, Unavailable
from server.app import create_app
from server.dependencies import utc_now
from server.http.connections import LimitedHttp, LimitedWebSocket, Limits
from server.lifespan import running
from server.logs import configure, formatter
from server.settings import PREFIX, Settings, read_settings

_GRACE = 3
"""Seconds in which connections may end by themselves."""


class _Server(uvicorn.Server):
    """Stops in order: commits and publishes what was accepted before it closes connections."""

    def __init__(
        self, config: uvicorn.Config, settle: Callable[[], Awaitable[None]], *, address: str
    ) -> None:
        super().__init__(config)
        self._settle = settle
        self._address = address

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do as the base class, but raise no signal after a graceful stop, which is a success."""
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        # Only now: whoever reads this line may stop the server.
        _announce(f"FinanceOps server on {self._address}")
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at a second signal, stop immediately."""
        self.force_exit = self.should_exit
        self.should_exit = True
        del sig, frame

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing new, settle, then close."""
        for server in self.servers:
            server.close()
        await self._settle()
        await super().shutdown(sockets)


def main(*, now: Callable[[], datetime] = utc_now) -> int:
    """Run until a signal; return the exit code. `now` is the clock of payments and figures."""
    try:
        settings = read_settings()
        configure(settings.log_level)
        _event_loop_runner()(_serve(settings, now=now))
    except Unavailable:
        return _fail(f"{PREFIX}MONGODB_URI: no database answers there; is it running?")
    except FinanceOpsError as error:
        return _fail(str(error))
    return 0


async def _serve(settings: Settings, *, now: Callable[[], datetime]) -> None:
    listening = _listen(settings)
    async with running(settings, now=now) as services:
        limits = Limits(settings)
        config = uvicorn.Config(
            create_app(services),
            http=partial(LimitedHttp, limits),  # type: ignore[arg-type]  # called like a class
            ws=partial(LimitedWebSocket, limits),  # type: ignore[arg-type]
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        _calm_garbage_collector()
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        server = _Server(config, services.settle, address=f"http://{shown}:{port}")
        await server.serve(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    """Open the listening socket; raise `Misconfigured` if this fails."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise Misconfigured(f"{PREFIX}HOST: {settings.host!r} is not an address: {error}") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this: Linux ends one whose peer accepts no data or does not
        # acknowledge them.
        if (option := getattr(socket, "TCP_USER_TIMEOUT", None)) is not None:
            milliseconds = round(1000 * settings.receive_timeout)
            listening.setsockopt(socket.IPPROTO_TCP, option, milliseconds)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise Misconfigured(
            f"{PREFIX}PORT: cannot listen on {settings.host} port {settings.port} "
            f"({error.strerror}); choose another port"
        ) from None
    listening.setblocking(False)
    return listening


def _event_loop_runner() -> Callable[[Awaitable[None]], None]:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.run  # type: ignore[return-value]
    return uvloop.run  # type: ignore[return-value]


def _calm_garbage_collector() -> None:
    """Exempt the objects of startup from garbage collection, and run it less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _announce(message: str) -> None:
    """Write a line like those of the log, whatever is logged."""
    record = logging.LogRecord(__name__, logging.INFO, __file__, 0, message, None, None)
    sys.stderr.write(f"{formatter().format(record)}\n")


def _fail(message: str) -> int:
    sys.stderr.write(f"financeops: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
