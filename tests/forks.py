"""Run `python -m MODULE` by forking a process that has imported what the programs import.

Importing takes a server longer than most tests take, and there are hundreds of starts in a run. What is forked is a
process like any other; that programs start as people start them is shown where that is the subject (`make up`,
`python -m server`, what is missing, what cannot work).
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        *("server.app", "server.lifespan", "uvloop", "uvicorn.protocols.http.httptools_impl"),
        *("uvicorn.protocols.websockets.websockets_sansio_impl", "financeops.cli"),
        # What a command imports when it runs, and pytest, which each fork would import again.
        *(
            "financeops.cli.importations",
            "financeops.cli.importing.imports",
            "financeops.cli.exports",
        ),
        *("financeops.cli.seeding", "financeops.cli.verification", "__main__"),
        "tests.frozen",  # the last one
    ]
)
_said = tempfile.TemporaryDirectory(prefix="financeops-tests-")


class Fork:
    """A running program, and its output so far."""

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str], cwd: Path) -> None:
        self._command = (module, *arguments)
        name = Path(_said.name) / uuid4().hex
        self._files = name.with_suffix(".out"), name.with_suffix(".err")
        for file in self._files:
            file.touch()
        # A test that forgets it does not leave it running.
        self.process = _forks.Process(
            target=_become, args=(module, arguments, dict(env), cwd, self._files), daemon=True
        )
        self.process.start()

    @property
    def stderr(self) -> str:
        return self._files[1].read_text("utf-8")

    def finish(self, *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Wait until it ends by itself, and return its output and exit code."""
        self.process.join(timeout)
        code = self.process.exitcode
        assert code is not None, f"it does not end: {self.stderr}"
        said = self._files[0].read_text("utf-8"), self.stderr
        return subprocess.CompletedProcess(self._command, code, *said)


def _become(
    module: str,
    arguments: tuple[str, ...],
    env: dict[str, str],
    cwd: Path,
    files: tuple[Path, Path],
) -> None:
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    for number, file in enumerate(files, start=1):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
