"""Leave no process of a run behind, even if `financeops up` itself is killed.

Every process that `up` starts carries a mark in its environment. Its own children inherit the
mark, including Jupyter's kernels, which a process group would miss because each has a session of
its own. So whatever carries the mark belongs to the run.

The guard is a process beside `up` that reads the list of children from a pipe. The pipe closes when
`up` ends, however it ends; then the guard stops whatever still carries the mark. It is started by
its file name and imports nothing of the package, so that it stays small.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil

MARK = "FINANCEOPS_UP"
"""The environment variable that holds the marks of the runs a process belongs to."""

GRACE = 10.0
"""Seconds that a child has to end by itself when it is asked to."""


def mark_of(run: str, name: str = "") -> str:
    """Return the mark of a child of a run; without a name, the beginning of all its marks."""
    return f"<{run}.{name}>" if name else f"<{run}."


def marked_environment(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return an environment with a mark added: a run inside a run belongs to both."""
    return {**environment, MARK: environment.get(MARK, "") + mark}


def marked(mark: str) -> list[psutil.Process]:
    """Return all living processes that carry a mark."""
    found = []
    for process in psutil.process_iter():
        # Processes of other users cannot be read, and any may have ended meanwhile.
        with suppress(psutil.Error, OSError):
            if mark in process.environ().get(MARK, ""):
                found.append(process)
    return found


def kill_marked(mark: str, *, within: float = 5.0) -> None:
    """Kill processes that carry a mark until there are none: they may start others meanwhile."""
    deadline = time.monotonic() + within
    while (found := marked(mark)) and time.monotonic() < deadline:
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)


class Guard:
    """The guard as `up` sees it: told of each child, and closed at the end.

    Parameters
    ----------
    run : str
        The run's name, unique on this machine.
    keep : iterable of int
        File descriptors that stay open until nothing of the run is left: the lock.
    """

    def __init__(self, run: str, *, keep: Iterable[int] = ()) -> None:
        self._run = run
        self._keep = tuple(keep)
        self._children: dict[str, int] = {}
        self._process = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", __file__, self._run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=self._keep,
            start_new_session=True,  # a Ctrl-C in the terminal must not reach it
        )

    def started(self, name: str, pid: int) -> None:
        """Tell the guard the process id of a child."""
        self._children[name] = pid
        self._tell(name, pid)

    def wait(self) -> None:
        """Wait until the guard has ended: before `close` only because somebody killed it."""
        self._process.wait()

    def replace(self) -> None:
        """Start another guard in place of one that has ended, and tell it of all children."""
        assert self._process.stdin is not None
        begun = self._begun()
        with suppress(OSError):
            self._process.stdin.close()
        self._process = begun
        for name, pid in self._children.items():
            self._tell(name, pid)

    def _tell(self, name: str, pid: int) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it was killed: the next one is told of all
            self._process.stdin.write(f"{name} {pid}\n".encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """Let the guard end what is left, and wait for it."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def _stop_in_order(run: str, pids: Mapping[str, int]) -> None:
    """End each child and all that it started, in reverse order."""
    for name, pid in reversed(list(pids.items())):
        mark = mark_of(run, name)
        leaders = [process for process in marked(mark) if process.pid == pid]
        for leader in leaders:
            with suppress(psutil.Error):
                leader.terminate()
        psutil.wait_procs(leaders, timeout=GRACE)
        kill_marked(mark)
    kill_marked(mark_of(run))


def _watch(run: str) -> None:
    pids: dict[str, int] = {}
    for line in sys.stdin:
        name, pid = line.split()
        pids[name] = int(pid)
    _stop_in_order(run, pids)


if __name__ == "__main__":
    os.chdir("/")  # so as not to keep the user's directory in use
    _watch(sys.argv[1])
