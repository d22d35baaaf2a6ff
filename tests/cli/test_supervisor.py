"""Real child processes: small Python programs that behave as real children may."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import psutil
import pytest

from financeops.cli.running.addresses import accepts
from financeops.cli.running.logs import Log
from financeops.cli.running.supervisor import Child, ChildFailed, Supervisor
from financeops.core.errors import Misconfigured

# Each program writes to a file that it is running: first its own process id, then that of a program
# that it started in a session of its own, as Jupyter does with kernels.
STEADY = """
    import os, pathlib, signal, subprocess, sys, time
    here = pathlib.Path(sys.argv[1])
    kernel = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    def stop(*_):
        with here.with_name("stopped").open("a") as file:
            file.write(here.name + "\\n")
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    print("at work", flush=True)
    here.with_suffix(".new").write_text(f"{os.getpid()} {kernel.pid}")
    here.with_suffix(".new").rename(here)
    time.sleep(600)
"""
STUBBORN = STEADY.replace("signal.signal(signal.SIGTERM, stop)", "signal.signal(15, 1)")
DYING = "print('first line'); print('what went wrong'); raise SystemExit(3)"


def child(folder: Path, name: str, program: str, **settings) -> Child:
    async def is_there() -> bool:
        return (folder / name).exists()

    return Child(
        name=name,
        command=(sys.executable, "-c", textwrap.dedent(program), str(folder / name)),
        is_ready=settings.pop("is_ready", is_there),
        **settings,
    )


def processes(folder: Path, name: str) -> list[psutil.Process]:
    """The program of that name, and the one that it started."""
    return [psutil.Process(int(pid)) for pid in (folder / name).read_text().split()]


def gone(these: list[psutil.Process]) -> bool:
    """Whether all have ended, once init has had time to reap those without a parent."""
    return psutil.wait_procs(these, timeout=10)[1] == []


class Said:
    """What the supervisor said, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._new: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._new.put_nowait(line)

    async def until(self, words: str) -> None:
        while words not in await self._new.get():
            pass


@pytest.fixture
def said():
    return Said()


async def test_a_started_child_is_ready_and_its_output_is_in_its_log(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "worker", STEADY))
        assert (tmp_path / "worker").exists()
        assert (tmp_path / "logs" / "worker.log").read_text() == "at work\n"
    assert said.lines == []


async def test_other_users_cannot_read_the_files_of_a_private_child(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        for name, private in (("mine", True), ("ours", False)):
            await supervisor.start(child(tmp_path, name, STEADY, private=private))
    modes = [(tmp_path / name).stat().st_mode & 0o077 for name in ("mine", "ours")]
    assert modes[0] == 0
    assert modes[1] != 0


async def test_a_killed_child_is_started_again_without_what_it_had_started(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "worker", STEADY))
        before = processes(tmp_path, "worker")
        (tmp_path / "worker").unlink()
        before[0].kill()
        await said.until("worker is ready again")
        after = processes(tmp_path, "worker")
        assert gone(before)
        assert all(process.is_running() for process in after)
    assert said.lines == [
        "worker ended (SIGKILL): starting it again",
        "worker is ready again",
    ]


async def test_the_third_death_within_a_minute_is_the_last_and_shows_the_last_lines(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "steady", STEADY))
        steady = processes(tmp_path, "steady")
        with pytest.raises(
            ChildFailed, match=r"exit code 3.*third time.*giving up.*dying\.log"
        ) as failure:
            await supervisor.start(child(tmp_path, "dying", DYING))
    assert failure.value.last_lines[-2:] == ["first line", "what went wrong"]
    assert len(failure.value.last_lines) == 6
    assert said.lines == ["dying ended (exit code 3): starting it again"] * 2
    assert gone(steady)


async def test_a_child_that_ended_because_the_disk_is_full_is_given_up_with_that_cause(
    tmp_path, said
):
    program = """
        print("database: handle-write: pwrite: failed: No space left on device")
        print("a line of a traceback\\n" * 2000)
        raise SystemExit(1)
    """
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        with pytest.raises(ChildFailed, match=f"giving up, because the disk of {tmp_path} is full"):
            await supervisor.start(child(tmp_path, "database", program))


async def test_watching_ends_when_a_child_died_three_times(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "worker", STEADY))
        watching = asyncio.create_task(supervisor.watch())
        for _ in range(2):
            leader, _ = processes(tmp_path, "worker")
            (tmp_path / "worker").unlink()
            leader.kill()
            await said.until("is ready again")
        processes(tmp_path, "worker")[0].kill()
        with pytest.raises(ChildFailed, match="third time"):
            await watching


async def test_a_child_that_names_a_wrong_setting_is_not_restarted(tmp_path, said):
    misled = child(tmp_path, "misled", DYING, complaint="what went ")
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        with pytest.raises(Misconfigured, match=r"^wrong$"):
            await supervisor.start(misled)
    assert said.lines == []


async def test_what_a_start_that_takes_long_tells_is_shown_once(tmp_path, said):
    program = (
        "print('1 INFO news: counting'); print('2 INFO other', flush=True);"
        + textwrap.dedent(STEADY)
    )
    told = asyncio.Event()

    async def once_told() -> bool:
        return told.is_set()

    async with Supervisor(tmp_path, said) as supervisor:
        slow = child(tmp_path, "slow", program, is_ready=once_told, news=" INFO news: ")
        start = asyncio.create_task(supervisor.start(slow))
        await said.until("counting")
        told.set()
        await start
    assert said.lines.count("counting") == 1
    assert "other" not in "".join(said.lines)


async def test_what_another_program_answers_at_the_port_does_not_make_a_child_ready(tmp_path, said):
    """As if another `up` had taken the port since it was looked at."""
    program = """
        import socket, sys
        try:
            socket.create_server(("127.0.0.1", int(sys.argv[1].rpartition("-")[2])))
        except OSError:
            raise SystemExit("financeops: the port is taken")
    """
    async with (
        await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1") as other,
        Supervisor(tmp_path / "logs", said) as supervisor,
    ):
        port = other.sockets[0].getsockname()[1]
        late = child(
            *(tmp_path, f"late-{port}", program),
            is_ready=partial(accepts, "127.0.0.1", port),
            port=port,
            complaint="financeops: ",
        )
        with pytest.raises(Misconfigured, match=r"^the port is taken$"):
            await supervisor.start(late)
    assert said.lines == []


async def test_a_child_that_never_becomes_ready_has_failed(tmp_path, said):
    async def never() -> bool:
        return False

    lazy = child(tmp_path, "lazy", STEADY, is_ready=never, ready_within=0.2)
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        with pytest.raises(ChildFailed, match="lazy ended"):
            await supervisor.start(lazy)
    assert said.lines.count("lazy was not ready within 0 s") == 3


async def test_a_child_that_hangs_is_restarted_and_a_slow_one_is_not(tmp_path, said):
    answers = iter([True, False, True, False, True, False, False])
    asked = []

    async def responds() -> bool:
        asked.append(next(answers, True))
        return asked[-1]

    settings = {"responds": responds, "silences": 2, "ask_again": 0.01}
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "worker", STEADY, **settings))
        before = processes(tmp_path, "worker")
        await said.until("worker ended")
        await said.until("worker is ready again")
        assert gone(before)
    assert asked[:7] == [True, False, True, False, True, False, False]
    assert said.lines == [
        "worker does not respond",
        "worker ended (SIGKILL): starting it again",
        "worker is ready again",
    ]


async def test_children_are_stopped_in_reverse_order_and_leave_nothing(tmp_path, said):
    names = ["database", "server", "page"]
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        for name in names:
            await supervisor.start(child(tmp_path, name, STEADY))
        all_of_them = [process for name in names for process in processes(tmp_path, name)]
    assert (tmp_path / "stopped").read_text().split() == ["page", "server", "database"]
    assert gone(all_of_them)


async def test_a_child_that_ignores_signals_is_killed_after_its_grace_period(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said, grace=0.2) as supervisor:
        await supervisor.start(child(tmp_path, "stubborn", STUBBORN))
        stubborn = processes(tmp_path, "stubborn")
    assert gone(stubborn)


async def test_kill_ends_every_process(tmp_path, said):
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(child(tmp_path, "stubborn", STUBBORN))
        stubborn = processes(tmp_path, "stubborn")
        supervisor.kill()
        assert gone(stubborn)


PARENT = """
    import asyncio, pathlib, sys
    from functools import partial
    from tests.cli.test_supervisor import STEADY, child
    from financeops.cli.running.supervisor import Supervisor

    async def main():
        folder = pathlib.Path(sys.argv[1])
        async with Supervisor(folder / "logs", partial(print, flush=True)) as supervisor:
            for name in ("first", "second"):
                await supervisor.start(child(folder, name, STEADY))
            print("ready", flush=True)
            await supervisor.watch()

    asyncio.run(main())
"""


@pytest.mark.parametrize("guard_too", [False, True])
def test_nothing_outlives_a_parent_that_was_killed(tmp_path, guard_too):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        orphans = [*processes(tmp_path, "first"), *processes(tmp_path, "second")]
        if guard_too:
            (guard,) = (
                each
                for each in psutil.Process(parent.pid).children()
                if any(word.endswith("guard.py") for word in each.cmdline())
            )
            guard.kill()
            assert parent.stdout.readline() == b"guard ended: started it again\n"
        parent.send_signal(signal.SIGKILL)
    assert gone(orphans)
    assert (tmp_path / "stopped").read_text().split() == ["second", "first"]


def test_a_log_keeps_the_previous_run_and_its_size_is_bounded(tmp_path):
    path = tmp_path / "worker.log"
    with Log(path).open() as file:
        file.write(b"earlier\n")
    log = Log(path)
    with log.open() as file:
        assert (tmp_path / "worker.log.1").read_text() == "earlier\n"
        file.write(b"line\n" * 100)
        file.flush()
        log.bound(max_bytes=1000)
        assert path.stat().st_size == 500
        log.bound(max_bytes=100)
        file.write(b"later\n\n")
    assert path.read_text() == "later\n\n"
    assert log.last_lines(5) == ["later"]


def test_a_deleted_log_has_no_lines(tmp_path):
    log = Log(tmp_path / "worker.log")
    log.open().close()
    (tmp_path / "worker.log").unlink()
    log.bound()
    assert log.last_lines() == []


def test_only_their_owner_can_read_logs_even_old_ones(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    path, earlier = folder / "worker.log", folder / "worker.log.1"
    for file in (path, earlier):
        file.write_text("of a run that was careless\n")
        file.chmod(0o644)
    log = Log(path)
    modes = [mode(earlier)]
    with log.open() as file:
        modes += [mode(folder), mode(path)]
        file.write(b"line\n" * 100)
        file.flush()
        for there in (True, False):
            if not there:
                earlier.unlink()
            log.bound(max_bytes=0 if there else -1)
            modes.append(mode(earlier))
    assert modes == [0o600, 0o700, 0o600, 0o600, 0o600]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_child_does_not_inherit_what_is_withheld(tmp_path, said, monkeypatch):
    for name in ("TOLD", "WITHHELD", "GIVEN"):
        monkeypatch.setenv(name, "ours")
    program = """
        import os, pathlib, signal, sys
        seen = [os.environ.get(name) for name in ("TOLD", "WITHHELD", "GIVEN")]
        pathlib.Path(sys.argv[1]).write_text(" ".join(map(str, seen)))
        signal.pause()
    """
    frugal = child(
        *(tmp_path, "frugal", program),
        withheld=frozenset({"WITHHELD", "GIVEN"}),
        environment={"GIVEN": "its own"},
    )
    async with Supervisor(tmp_path / "logs", said) as supervisor:
        await supervisor.start(frugal)
        assert (tmp_path / "frugal").read_text() == "ours None its own"
