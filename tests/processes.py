"""Real processes for tests: the server, started as a customer starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parent.parent


def hang(process: subprocess.Popen[Any]) -> None:
    """Have a process stand still until it gets SIGCONT; it goes on for a moment until it does."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


class ServerProcess:
    """`python -m server` on a free port, ready to be asked; `clock` is a file of `tests.clocked`."""

    def __init__(self, mongodb_uri: str, *, clock: Path | None = None, **settings: Any) -> None:
        chosen = {"simulate": False, "port": 0, "mongodb_uri": mongodb_uri, **settings}
        self.settings = chosen
        self.url = ""
        self.killed = False
        self._said: list[str] = []
        program = ["server"] if clock is None else ["tests.clocked", str(clock)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *program],
            cwd=ROOT,
            env=environment(chosen),
            stderr=subprocess.PIPE,
            text=True,
        )
        # Read on, or the process would block once the pipe is full.
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        """What it wrote to stderr so far."""
        return "".join(self._said)

    def wait_until_ready(self, *, timeout: float = 60) -> None:
        """Return when it listens and has told its address."""
        deadline = time.monotonic() + timeout
        while not self.url:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.said}")
            time.sleep(0.02)

    def stop(self, *, timeout: float = 20) -> int:
        """Ask it to stop (SIGTERM) and return its exit code."""
        return self.end(signal.SIGTERM, timeout=timeout)

    def kill(self) -> None:
        """kill -9."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals, *, timeout: float = 20) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._reader.join(5)
            if self.process.stderr:
                self.process.stderr.close()
        self.killed = number is signal.SIGKILL
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line)
            if found := re.search(r"FinanceOps server on (http://\S+)", line):
                self.url = found[1]


def start_server(mongodb_uri: str, **settings: Any) -> ServerProcess:
    """Start a server, simulation off unless asked for, and return when it listens.

    `settings` are named as in `server.settings.Settings`: ``heartbeat_seconds=0.2``.
    """
    server = ServerProcess(mongodb_uri, **settings)
    server.wait_until_ready()
    return server


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """This process' environment with nothing of FinanceOps but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINANCEOPS_")}
    given = {f"FINANCEOPS_{name.upper()}": _text(value) for name, value in settings.items()}
    return {**kept, **given}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
