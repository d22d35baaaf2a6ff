"""The process whose forks are the viewers' kernels.

It imports what a dashboard needs, builds one to be sure that everything is loaded, and then obeys
the program at the other end of its line, one JSON document per line::

    <- {"fork": {"connection_file": …, "cwd": …, "env": {…}}}
    -> {"forked": 4711}
    <- {"signal": [4711, 2]}
    -> {"ended": 4711, "code": 0}

Only it can wait for its children, so only it can know for sure which of them are alive; that is why
signals go through it too. When the line ends, however the other end did, it kills what it forked
and ends; when it is killed itself, the kernel of the operating system kills its forks.

It must have one thread only when it forks. Nothing here may start an event loop or a socket of
ZeroMQ: that is for the forks.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

_CHUNK = 65536

_NEVER = (
    "debugpy",  # kernels of viewers are not debugged
    "pyarrow",  # pandas, which bqplot imports, works without it; it has a thread, which forks do not inherit
)
_ALSO = (
    # What an IPython kernel imports after it has begun.
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "psutil",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
    # And what turns a fork into one.
    "financeops.dashboard.kernels.kernel",
)


class Parent:
    """Forks on request, and reports when forks end.

    Parameters
    ----------
    line : socket
        To the program that requests kernels.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._received = b""
        self._forks: set[int] = set()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    def obey(self) -> Mapping[str, Any] | None:
        """Work until the line ends.

        Returns
        -------
        mapping or None
            None in the parent at the end; in a fork, at once, what was ordered.
        """
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the next line hears of it
        signal.set_wakeup_fd(self._waker.fileno())
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        self._woken.recv(_CHUNK)
                        self._bury()
                        continue
                    requests = self._requests()
                    if requests is None:
                        self._kill_all()
                        return None
                    for request in requests:
                        if (order := self._grant(request)) is not None:
                            return order

    def _requests(self) -> list[Any] | None:
        """Return the requests since the last call; None when the line has ended."""
        chunk = b""
        with suppress(ConnectionError):
            chunk = self._line.recv(_CHUNK)
        if not chunk:
            return None
        *lines, self._received = (self._received + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def _grant(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        match request:
            case {"fork": order}:
                pid = os.fork()
                if pid == 0:
                    self._forget()
                    return dict(order)
                self._forks.add(pid)
                self._tell({"forked": pid})
            case {"signal": [pid, number]} if pid in self._forks:
                # Not yet waited for, so the number is still this process'. The fork makes itself
                # the leader of a group, perhaps in a moment.
                try:
                    os.killpg(pid, number)
                except ProcessLookupError:
                    os.kill(pid, number)
        return None

    def _forget(self) -> None:
        """Clean up the parent's resources in a fork."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._line, self._woken, self._waker):
            end.close()
        self._forks.clear()

    def _bury(self) -> None:
        for pid in tuple(self._forks):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._forks.discard(pid)
                self._tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _kill_all(self) -> None:
        for pid in self._forks:
            self._grant({"signal": [pid, signal.SIGKILL]})
        for pid in self._forks:
            os.waitpid(pid, 0)

    def _tell(self, news: Mapping[str, Any]) -> None:
        with suppress(OSError):  # nobody listens any more, which the end of the line shows too
            self._line.sendall(json.dumps(news).encode() + b"\n")


def warm_up() -> None:
    """Load everything that a viewer's kernel will use, and build a dashboard once."""
    # Collecting garbage would leave holes in memory that the forks then write into.
    gc.disable()
    for name in _NEVER:
        sys.modules[name] = None  # type: ignore[assignment] # makes Python raise ModuleNotFoundError
    for name in _ALSO:
        import_module(name)

    # Only after modules have been excluded.
    from ipywidgets import Widget  # noqa: PLC0415

    from financeops.core.money import exponent  # noqa: PLC0415
    from financeops.dashboard import Dashboard  # noqa: PLC0415
    from financeops.dashboard.language.words import LANGUAGES  # noqa: PLC0415

    exponent("USD")  # reads the table of currencies
    for language in LANGUAGES:  # reads its catalogue
        Dashboard(locale=language)
    Widget.close_all()


def main() -> None:
    """Warm up, then fork on request of the process at the other end of the given socket."""
    parent = os.getpid()
    with socket.socket(fileno=int(sys.argv[1])) as line:
        warm_up()
        # The garbage collector must not touch what exists now, so that its pages stay shared.
        gc.freeze()
        order = Parent(line).obey()
    if order is not None:
        from financeops.dashboard.kernels.kernel import become_kernel  # noqa: PLC0415 - loaded

        become_kernel(order, parent)


if __name__ == "__main__":
    main()
