"""No process of a run stays behind, also when `financeops up` itself is killed.

Every process that `up` starts carries a mark in its environment. Its own children inherit the
mark, Jupyter's kernels too, which a process group would not reach: each is put in a session of
its own. So whatever carries the mark belongs to the run.

The guard is a process beside `up` that reads from a pipe which children there are. The pipe ends
when `up` ends, however it ends; what then still carries the mark is stopped. It is started by its
file name and imports nothing of the package, so that it stays small.
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
"""Seconds that a child has to end by itself."""


def mark_of(run: str, name: str = "") -> str:
    """Mark of one child of a run; without a name, what the marks of all of them begin with."""
    return f"<{run}.{name}>" if name else f"<{run}."


def marked_environment(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Environment with a mark added: a run inside a run belongs to both."""
    return {**environment, MARK: environment.get(MARK, "") + mark}


def marked(mark: str) -> list[psutil.Process]:
    """All living processes that carry a mark."""
    found = []
    for process in psutil.process_iter():
        # Processes of others cannot be read, and any may have ended meanwhile.
        with suppress(psutil.Error, OSError):
            if mark in process.environ().get(MARK, ""):
                found.append(process)
    return found


def kill_marked(mark: str, *, within: float = 5.0) -> None:
    """Kill every process that carries a mark, until there is none: they may start others."""
    deadline = time.monotonic() + within
    while (found := marked(mark)) and time.monotonic() < deadline:
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)


class Guard:
    """The guard as `up` sees it: told of each child, and let go at the end.

    Parameters
    ----------
    run : str
        The run's name, unique on this machine.
    keep : iterable of int
        File descriptors that stay open until nothing of the run is left: the lock.
    """

    def __init__(self, run: str, *, keep: Iterable[int] = ()) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", __file__, run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=tuple(keep),
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
        )

    def started(self, name: str, pid: int) -> None:
        """Tell it that a child runs under a process id."""
        assert self._process.stdin is not None
        with suppress(OSError):  # somebody killed it: the run goes on without
            self._process.stdin.write(f"{name} {pid}\n".encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """Let it end what is left, and wait for that."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def _stop_in_order(run: str, pids: Mapping[str, int]) -> None:
    """End each child and all that it started, the last one first."""
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
    os.chdir("/")  # holds no directory of the user's
    _watch(sys.argv[1])
