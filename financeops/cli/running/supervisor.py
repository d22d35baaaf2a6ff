"""Child processes that are started in order, kept running, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import psutil

from financeops.cli.running.guard import GRACE, Guard, kill_marked, mark_of, marked_environment
from financeops.cli.running.logs import Log
from financeops.core.errors import FinanceOpsError, Misconfigured

DEATHS = 3
WITHIN = 60.0
"""A child that ends `DEATHS` times within so many seconds is given up."""

_ASK_EVERY = 0.1
_LOOK_AT_LOGS_EVERY = 30.0


@dataclass(frozen=True, kw_only=True)
class Child:
    """A program to keep running.

    `is_ready` tells whether the program can be used; it must be within `ready_within` seconds of
    each start. What answers at its `port` counts only if the program itself listens there: another
    run may have taken the port a moment earlier. The program gets the environment of this process,
    without the names in `withheld`. If it ends before it was ever ready, and its last line begins
    with `complaint`, that line says what the user must change, and the program is not started again.
    `check` is a command that ends so if a setting is wrong, before anything is started. What its log says
    after `news` until it is ready, which may take long, is shown.

    `responds` tells whether a program that is ready still works, within a time limit of its own.
    After `silences` failures in a row, one every `ask_again` seconds, the program is killed and
    started again. Failures are counted, not timed, because the computer may have slept, or `up`
    may have been stopped in its terminal.

    Only their owner may read the files of a `private` program. Its working directory is `folder`, by
    default that of `up`.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    ready_within: float = 60.0
    complaint: str | None = None
    news: str | None = None
    check: tuple[str, ...] | None = None
    responds: Callable[[], Awaitable[bool]] | None = None
    silences: int = 4
    ask_again: float = 10.0
    private: bool = False
    folder: Path | None = None


class ChildFailed(FinanceOpsError):
    """A child that could not be kept running, with the last lines of its log."""

    def __init__(self, message: str, last_lines: Iterable[str]) -> None:
        super().__init__(message)
        self.last_lines = list(last_lines)


class Supervisor:
    """Starts children, restarts those that end or stop responding, and stops them all on exit.

    Use it as an async context manager; whatever happens, it leaves no process behind.

    Parameters
    ----------
    logs : Path
        Folder for one log file per child.
    say : callable
        Called with each line to show to the user.
    keep : iterable of int
        File descriptors that stay open until the last process has ended.
    grace : float
        Seconds that a child has to end by itself when it is asked to.
    """

    def __init__(
        self,
        logs: Path,
        say: Callable[[str], None],
        *,
        keep: Iterable[int] = (),
        grace: float = GRACE,
    ) -> None:
        self._grace = grace
        self._say = say
        self._logs = logs
        self._keep_open = keep
        self._run = uuid4().hex
        self._running: dict[str, _Running] = {}

    async def __aenter__(self) -> Self:
        self._guard = Guard(self._run, keep=self._keep_open)
        self._guarding = asyncio.create_task(self._keep_guard(), name="keep guard")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._guarding.cancel()
        for running in self._running.values():
            running.task.cancel()
        for running in reversed(self._running.values()):
            await self._stop(running)
        await asyncio.to_thread(self._guard.close)

    async def start(self, child: Child) -> None:
        """Start a child and return when it is ready; from then on keep it running.

        Raises
        ------
        ChildFailed
            When this child, or one started before, ended too often.
        Misconfigured
            When it ended with its complaint.
        """
        log = Log(self._logs / f"{child.name}.log")
        running = _Running(child, log)
        running.task = asyncio.create_task(self._keep(running), name=f"keep {child.name}")
        self._running[child.name] = running
        ready = asyncio.create_task(running.ready.wait())
        # Also end if a child fails that was started before: this one may need it.
        tasks = [running.task for running in self._running.values()]
        try:
            await asyncio.wait({ready, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        _raise_failure(tasks)

    async def watch(self) -> None:
        """Keep everything running; never return.

        Raises
        ------
        ChildFailed
            When a child ended three times within a minute.
        """
        tasks = [running.task for running in self._running.values()]
        while True:
            await asyncio.wait(
                tasks, timeout=_LOOK_AT_LOGS_EVERY, return_when=asyncio.FIRST_COMPLETED
            )
            _raise_failure(tasks)
            for running in self._running.values():
                running.log.bound()

    def kill(self) -> None:
        """Kill every process of the run immediately."""
        kill_marked(mark_of(self._run))

    async def _keep_guard(self) -> None:
        """Replace a guard that was killed: without one, a killed `up` would leave its children."""
        while True:
            await asyncio.to_thread(self._guard.wait)
            try:
                self._guard.replace()
            except OSError:  # no memory, too many processes: try again
                await asyncio.sleep(_ASK_EVERY)
            else:
                self._say("guard ended: started it again")

    async def _keep(self, running: _Running) -> None:
        child = running.child
        deaths: deque[float] = deque(maxlen=DEATHS)
        while True:
            process = await self._spawn(running)
            asking = asyncio.create_task(self._ask(running, process, again=bool(deaths)))
            try:
                code = await process.wait()
            finally:
                asking.cancel()
            # What it started must not outlive it: a kernel without its server is useless.
            await asyncio.to_thread(kill_marked, mark_of(self._run, child.name))
            deaths.append(time.monotonic())
            ended = f"{child.name} ended ({_how(code)})"
            if not running.was_ready and (complaint := _complaint(running)):
                raise Misconfigured(complaint)
            if len(deaths) == DEATHS and deaths[-1] - deaths[0] < WITHIN:
                raise ChildFailed(
                    f"{ended} for the third time within a minute: giving up, because {_cause(running)}; "
                    f"{running.log.path} says more",
                    running.log.last_lines(),
                )
            self._say(f"{ended}: starting it again")

    async def _spawn(self, running: _Running) -> asyncio.subprocess.Process:
        child = running.child
        running.ready.clear()
        environment = _environment(child)
        with running.log.open() as log:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=marked_environment(environment, mark_of(self._run, child.name)),
                umask=0o077 if child.private else -1,
                cwd=child.folder,
                start_new_session=True,  # Ctrl-C must not reach it: children are stopped in order
            )
        running.process = process
        self._guard.started(child.name, process.pid)
        return process

    async def _ask(
        self, running: _Running, process: asyncio.subprocess.Process, *, again: bool
    ) -> None:
        child = running.child
        deadline = time.monotonic() + child.ready_within
        shown = len(_news(running))
        while not (await child.is_ready() and _listens(process.pid, child.port)):
            if time.monotonic() > deadline:
                self._say(f"{child.name} was not ready within {child.ready_within:.0f} s")
                process.kill()
                return
            for line in _news(running)[shown:]:
                self._say(line)
                shown += 1
            await asyncio.sleep(_ASK_EVERY)
        running.ready.set()
        running.was_ready = True
        if again:
            self._say(f"{child.name} is ready again")
        if child.responds is not None:
            await _until_silent(child, child.responds)
            self._say(f"{child.name} does not respond")
            process.kill()

    async def _stop(self, running: _Running) -> None:
        process = running.process
        if process is not None:
            # Only the child itself, not its children: a Jupyter server ends its own kernels.
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._grace)
        await asyncio.to_thread(kill_marked, mark_of(self._run, running.child.name))
        with suppress(asyncio.CancelledError, ChildFailed, Misconfigured):
            await running.task


async def check_settings(child: Child) -> None:
    """Raise `Misconfigured` with the complaint of the child's `check`, if it has any."""
    if child.check is None or child.complaint is None:
        return
    process = await asyncio.create_subprocess_exec(
        *child.check,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(child),
        cwd=child.folder,
    )
    _, said = await process.communicate()
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode and last.startswith(child.complaint):
        raise Misconfigured(last.removeprefix(child.complaint))


def _environment(child: Child) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in child.withheld}
    return {**inherited, **child.environment}


class _Running:
    """A child and its present process."""

    task: asyncio.Task[None]

    def __init__(self, child: Child, log: Log) -> None:
        self.child = child
        self.log = log
        self.ready = asyncio.Event()
        self.was_ready = False
        self.process: asyncio.subprocess.Process | None = None


async def _until_silent(child: Child, responds: Callable[[], Awaitable[bool]]) -> None:
    silences = 0
    while silences < child.silences:
        await asyncio.sleep(child.ask_again)
        silences = 0 if await responds() else silences + 1


def _raise_failure(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


def _listens(pid: int, port: int | None) -> bool:
    if port is None:
        return True
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.AccessDenied:  # some systems tell only the administrator
        return True
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr[1] == port for each in connections)


def _cause(running: _Running) -> str:
    if running.log.tells_of_full_disk():
        return f"the disk of {running.log.path.parent.parent} is full: make room there"
    return "another start would not help"


def _complaint(running: _Running) -> str | None:
    prefix = running.child.complaint
    last = running.log.last_lines(1)
    if prefix is None or not last or not last[0].startswith(prefix):
        return None
    return last[0].removeprefix(prefix)


def _news(running: _Running) -> list[str]:
    mark = running.child.news
    if mark is None:
        return []
    return [line.split(mark, 1)[1] for line in running.log.last_lines() if mark in line]


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
