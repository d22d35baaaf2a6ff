"""Requests to a warm parent for forks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

from financeops.core.errors import Unavailable
from financeops.dashboard.kernels import warm_parent

_FRUGAL = {
    # One arena for all threads of a fork, because each arena keeps memory of its own.
    "MALLOC_ARENA_MAX": "1",
    # No threads before the fork; kernels do not multiply matrices.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_LOST = -signal.SIGKILL
"""Exit code of forks whose parent ended: the operating system killed them."""


class Fork:
    """A forked process, with what Jupyter uses of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, line: _Line) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._line = line
        self._ended = Event()

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended, and return its exit code."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it and to what it started."""
        if self.returncode is None:
            self._line.send({"signal": [self.pid, number]})

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def ended(self, code: int) -> None:
        """Note its exit code."""
        self.returncode = code
        self._ended.set()


class _Line:
    """The line to a warm parent, at this process's end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = Lock()

    def send(self, request: Mapping[str, Any]) -> None:
        with (
            self._lock,
            suppress(OSError),
        ):  # it has ended, and its forks with it, which is reported
            self._end.sendall(json.dumps(request).encode() + b"\n")


class WarmParent:
    """A warm parent as a child of this process; it ends with this process, however that ends.

    Its news are read by a thread, so that it serves any number of event loops.
    """

    def __init__(self) -> None:
        end, other_end = socket.socketpair()
        with other_end:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                # By its file name: by its module name Python would import the dashboard before the
                # parent can exclude modules.
                [sys.executable, "-P", warm_parent.__file__, str(other_end.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **_FRUGAL},
                pass_fds=[other_end.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal must only reach Voilà, which ends it
            )
        self._line = _Line(end)
        self._lock = Lock()
        self._asked: deque[Future[Fork]] = deque()
        self._forks: dict[int, Fork] = {}
        self._over = False
        Thread(target=self._listen, args=(end,), name="warm parent", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def fork(self, *, connection_file: str, cwd: str, env: Mapping[str, str]) -> Future[Fork]:
        """Ask for a kernel.

        Parameters
        ----------
        connection_file : str
            Of the kernel, with its ports and key.
        cwd : str
            Its working directory.
        env : mapping of str to str
            Its environment.

        Returns
        -------
        Future
            Of the fork; fails with `Unavailable` when the parent has ended.
        """
        future: Future[Fork] = Future()
        order = {"connection_file": connection_file, "cwd": cwd, "env": dict(env)}
        with self._lock:  # requests must be sent in the order of their numbers
            if self._over:
                future.set_exception(self._why())
                return future
            self._asked.append(future)
            self._line.send({"fork": order})
        return future

    def _listen(self, end: socket.socket) -> None:
        with end, end.makefile("rb") as lines, suppress(ConnectionError):
            for line in lines:
                self._hear(json.loads(line))
        self._process.wait()
        with self._lock:
            self._over = True
        for fork in self._forks.values():
            fork.ended(_LOST)
        for future in self._asked:
            future.set_exception(self._why())

    def _hear(self, news: Mapping[str, Any]) -> None:
        match news:
            case {"forked": pid}:
                fork = self._forks[pid] = Fork(pid, self._line)
                self._asked.popleft().set_result(fork)
            case {"ended": pid, "code": code}:
                self._forks.pop(pid).ended(code)

    def _why(self) -> Unavailable:
        return Unavailable(
            "the process that viewers' kernels are forked from ended with code "
            f"{self._process.returncode}; the log says why"
        )


_parent: WarmParent | None = None
_starting = Lock()


def shared_parent() -> WarmParent:
    """Return the warm parent of this process: one for all kernels, a new one if it has ended."""
    global _parent  # noqa: PLW0603 - one per process
    with _starting:
        if _parent is None or _parent.over:
            _parent = WarmParent()
        return _parent
