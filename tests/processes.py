"""Real processes for tests: the server, started as a customer starts it."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from tests.forks import Fork

ROOT = Path(__file__).parent.parent


def hang(pid: int) -> None:
    """Suspend a process until it gets SIGCONT; it may run on for a moment."""
    process = psutil.Process(pid)
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.001)


class ServerProcess:
    """`python -m server` on a free port; `clock` is a file of `tests.clocked`."""

    def __init__(self, mongodb_uri: str, *, clock: Path | None = None, **settings: Any) -> None:
        chosen = {"simulate": False, "port": 0, "mongodb_uri": mongodb_uri, **settings}
        self.settings = chosen
        self.killed = False
        program = ["server"] if clock is None else ["tests.clocked", str(clock)]
        self._fork = Fork(*program, env=environment(chosen), cwd=ROOT)
        self.process = self._fork.process

    @property
    def said(self) -> str:
        """Its output to stderr so far."""
        return self._fork.stderr

    def wait_until_ready(self, *, timeout: float = 60) -> None:
        """Return when it listens and has printed its address."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(r"FinanceOps server on (http://\S+)\n", self.said)):
            if not self.process.is_alive() or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.said}")
            time.sleep(0.02)
        self.url = found[1]

    def stop(self, *, timeout: float = 20) -> int:
        """Ask it to stop (SIGTERM) and return its exit code."""
        return self.end(signal.SIGTERM, timeout=timeout)

    def kill(self) -> None:
        """kill -9."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals, *, timeout: float = 20) -> int:
        """Send a signal and return the exit code."""
        self.send_signal(number)
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"{number.name} did not end the server:\n{self.said}")
        self.killed = number is signal.SIGKILL
        return self.process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.process.is_alive():
            assert self.process.pid is not None
            os.kill(self.process.pid, number)


def start_server(mongodb_uri: str, **settings: Any) -> ServerProcess:
    """Start a server, by default without simulation, and return when it listens.

    `settings` are named as in `server.settings.Settings`: ``heartbeat_seconds=0.2``.
    """
    server = ServerProcess(mongodb_uri, **settings)
    server.wait_until_ready()
    return server


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """This process's environment with only these settings of FinanceOps."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINANCEOPS_")}
    given = {f"FINANCEOPS_{name.upper()}": _text(value) for name, value in settings.items()}
    return {**kept, **given}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
