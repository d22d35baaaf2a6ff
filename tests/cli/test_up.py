"""`financeops up` as a person runs it: real database, server, Voilà and JupyterLab."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest
from jupyter_client.connect import find_connection_file
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from financeops.cli.running.addresses import free_port
from financeops.cli.running.children import database
from financeops.cli.running.data_directory import keep_private
from financeops.cli.running.embedded import URI_SETTING, uri
from financeops.cli.running.up import Choices, plan_of
from tests.cli.conftest import run
from tests.cli.test_supervisor import gone

BARE = ("--no-dashboard", "--no-lab", "--no-simulate")
PROGRAM = (sys.executable, "-m", "financeops")
STARTED = "Ctrl-C stops everything"
COMPLETE = "history is complete"
# Few payments, one every ten minutes, which are recorded quickly.
SLOW = {"FINANCEOPS_SIMULATE_INTERVAL": "600", "FINANCEOPS_SIMULATE_SEED": "5"}


class Up:
    """A running `financeops up`."""

    def __init__(
        self, folder: Path, *flags: str, program: Sequence[str] = PROGRAM, **environment: str
    ) -> None:
        self.folder = folder
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if "FINANCEOPS" not in name}
        command = [*program, "up", "--port", str(self.port), *flags]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, words: str) -> None:
        """Read its output until it contains a text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"it ended without {words!r}:\n{self.said}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal, read on to the end, and return the exit code."""
        assert self.process.stdout is not None
        self.process.send_signal(number)
        self.said += self.process.stdout.read()
        return self.process.wait(60)

    def family(self) -> list[psutil.Process]:
        """Every process that it started, directly or not."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def program(self, words: str) -> psutil.Process:
        """The process whose command line contains these words."""
        (found,) = (each for each in self.family() if words in " ".join(each.cmdline()))
        return found


@contextmanager
def running(
    folder: Path, *flags: str, program: Sequence[str] = PROGRAM, **environment: str
) -> Iterator[Up]:
    up = Up(folder, *flags, program=program, **environment)
    try:
        up.until(STARTED)
        yield up
    finally:
        if up.process.poll() is None:
            up.end(signal.SIGTERM)
        assert up.process.stdout is not None
        up.process.stdout.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An empty database and a server."""
    with running(tmp_path_factory.mktemp("up"), *BARE, "--no-seed") as up:
        yield up


def started_kernel(lab: str) -> dict[str, object]:
    """Start a kernel in the JupyterLab at this link, and return how it is reached."""
    address, _, token = lab.partition("/lab?token=")
    asked = Request(
        f"{address}/api/kernels", b"{}", {"Authorization": f"token {token}"}, method="POST"
    )
    with urlopen(asked, timeout=60) as answer:
        kernel = json.load(answer)["id"]
    found: dict[str, object] = json.loads(Path(find_connection_file(kernel)).read_text("utf-8"))
    return found


def get(url: str) -> bytes:
    with urlopen(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body


def test_other_users_cannot_read_the_data(bare, tmp_path):
    folder = bare.folder / ".financeops"
    (data,) = (each for each in map(folder.joinpath, ("db", "mongodb")) if each.exists())
    files = [folder, data, *data.rglob("*")]
    assert len(files) > 5
    assert {file: file.stat().st_mode & 0o077 for file in files} == dict.fromkeys(files, 0)

    # Nor the files of runs of earlier versions.
    old = tmp_path / "db"
    (old / "archive").mkdir(parents=True)
    (old / "archive" / "payments.wt").touch(mode=0o644)
    keep_private(old)
    modes = [each.stat().st_mode & 0o777 for each in (old, *sorted(old.rglob("*")))]
    assert modes == [0o700, 0o700, 0o600]


def test_the_database_refuses_access_without_a_password(bare):
    (command,) = (
        line
        for each in bare.family()
        if not {"--dbpath", "--storage-path"}.isdisjoint(line := each.cmdline())
    )
    port = int(command[command.index("--port") + 1])
    with MongoClient(uri(port)) as client:
        for ask in (client.financeops.payments.find_one, client.list_database_names):
            with pytest.raises(OperationFailure, match="authentication"):
                ask()


def test_a_killed_server_is_started_again(bare):
    bare.program("start.py server").kill()
    bare.until("server ended (SIGKILL): starting it again")
    bare.until("server is ready again")
    get(f"http://127.0.0.1:{bare.port}/ready")


def test_leftovers_of_a_killed_run_end_and_payments_survive_ctrl_c(tmp_path):
    with running(tmp_path, *BARE, **SLOW) as up:
        family = up.family()
        assert COMPLETE not in up.said, "the links come first"
        up.end(signal.SIGKILL)
    with running(tmp_path, *BARE, **SLOW) as up:
        # Killed while recording its history, which the next run completes.
        up.until(COMPLETE)
        said = re.findall(r"history: ([\d,]+) of ([\d,]+) payments", up.said)
        assert said
        assert all(part != whole for part, whole in said)
        count = int(re.search(r"complete: ([\d,]+) payments", up.said)[1].replace(",", ""))
        metrics = get(f"http://127.0.0.1:{up.port}/api/analytics/metrics")
        assert json.loads(metrics)["totalPayments"] == count
        exported = get(f"http://127.0.0.1:{up.port}/payments/export?format=ndjson").splitlines()
        assert len(exported) == len({json.loads(line)["_id"] for line in exported}) == count
        assert gone(family)

        family = up.family()
        assert len(family) >= 3, "database, server, guard"
        assert up.end(signal.SIGINT) == 0
    assert gone(family)
    assert f"http://localhost:{up.port}/docs" in up.said
    assert up.said.endswith("Stopping …\nStopped.\n")

    with running(tmp_path, *BARE, **SLOW) as up:
        assert get(f"http://127.0.0.1:{up.port}/api/analytics/metrics") == metrics
        up.end(signal.SIGTERM)
        assert COMPLETE not in up.said, "it was complete before"


def test_only_the_server_knows_the_address_of_the_database(tmp_path, monkeypatch):
    monkeypatch.setenv(URI_SETTING, "mongodb://name:password@db.example/financeops")
    ports = {"port": 3001, "dashboard_port": 8866, "lab_port": 8888}
    wanted = dict.fromkeys(("dashboard", "lab", "simulate", "seed"), True)
    choices = Choices(host="127.0.0.1", data_dir=tmp_path, open_browser=False, **ports, **wanted)
    plan = plan_of(choices, print)
    told = {child.name for child in (*plan.base, *plan.pages) if URI_SETTING not in child.withheld}
    assert told == {"server"}
    assert URI_SETTING in database(tmp_path, 1, password="").withheld


def test_no_seed_records_no_history(bare):
    metrics = json.loads(get(f"http://127.0.0.1:{bare.port}/api/analytics/metrics"))
    assert metrics["totalPayments"] == 0
    assert "history" not in bare.said


@pytest.mark.timeout(400)
def test_dashboard_and_notebooks_are_served_and_leave_no_kernel_behind(tmp_path):
    ports = (free_port(), free_port())
    flags = ("--dashboard-port", str(ports[0]), "--lab-port", str(ports[1]))
    with running(tmp_path, *flags, FINANCEOPS_SIMULATE_INTERVAL="3600") as up:
        links = re.findall(r"http://localhost:\S+", up.said)
        assert [link.partition("/lab")[0] for link in links] == [
            f"http://localhost:{ports[0]}",
            f"http://localhost:{up.port}/docs",
            f"http://localhost:{ports[1]}",
            f"http://localhost:{up.port}",
        ]
        assert f"export FINANCEOPS_URL={links[3]}\n" in up.said
        assert b"voila" in get(links[0])
        assert json.loads(get(links[3]))["dashboard"] == links[0]
        assert b"JupyterLab" in get(links[2])
        family = up.family()
        # Viewers' kernels are forks of the warm parent.
        assert any("warm_parent" in " ".join(each.cmdline()) for each in family)
        assert started_kernel(links[2])["transport"] == "ipc"
        assert up.end(signal.SIGTERM) == 0
    assert gone(family)


def test_a_second_run_on_the_same_data_is_refused(bare):
    second = run("up", *BARE, "--port", free_port(), cwd=bare.folder)
    assert second.returncode == 1
    assert second.stderr == (
        f"financeops: .financeops is in use by another `financeops up` (process "
        f"{bare.process.pid}): stop it, or choose another folder with --data-dir\n"
    )


def test_a_port_that_is_taken_is_named_with_its_flag(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for flag in ("--port", "--dashboard-port", "--lab-port"):
            free = {"--port": free_port(), "--dashboard-port": free_port()}
            chosen = {**free, "--lab-port": free_port(), flag: port}
            result = run("up", *(word for pair in chosen.items() for word in pair), cwd=tmp_path)
            assert (result.returncode, result.stdout) == (1, "")
            assert result.stderr == (
                f"financeops: port {port} is in use: stop the program that uses it, or choose another "
                f"port with {flag}\n"
            )
            assert list(tmp_path.iterdir()) == []


def test_an_impossible_start_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    nowhere = f"mongodb://127.0.0.1:{free_port()}/"
    port = ("--port", free_port())
    for arguments, environment, says in (
        (("--data-dir", "file/data"), {}, "cannot write to file/data (Not a directory): choose"),
        (("--host", "203.0.113.7"), {}, "'203.0.113.7' is not an address of this machine: change"),
        (("--lab-port", port[1]), {}, f"--port and --lab-port are both {port[1]}"),
        (BARE, {"FINANCEOPS_MONGODB_URI": nowhere}, "FINANCEOPS_MONGODB_URI: no database answers"),
        (BARE, {"FINANCEOPS_SIMULATE_INTERVAL": "soon"}, "FINANCEOPS_SIMULATE_INTERVAL: "),
        (("--no-lab",), {"FINANCEOPS_MAX_VIEWERS": "many"}, "FINANCEOPS_MAX_VIEWERS is 'many'"),
    ):
        result = run("up", *port, *arguments, cwd=tmp_path, **environment)
        assert result.returncode == 1, result.stdout
        assert "starting database" not in result.stdout, "settings are checked before"
        assert result.stderr.startswith(f"financeops: {says}")
        assert result.stderr.count("\n") == 1
        assert [each.name for each in tmp_path.iterdir()] == ["file"], "nothing of it is left"

    # Of a folder that was there, only what is new is removed; and folders above a new one, too.
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").touch()
    for folder in ("kept", "new/and/deep"):
        wrong = {"FINANCEOPS_DATABASE": "sqlite"}
        result = run("up", *port, *BARE, "--data-dir", folder, cwd=tmp_path, **wrong)
        assert "must be auto, mongod or embedded" in result.stderr
    left = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*"))
    assert left == ["file", "kept", "kept/mine"]


def test_a_database_named_in_dotenv_is_used_and_none_is_started(tmp_path, database_uri):
    port = free_port()
    (tmp_path / ".env").write_text(
        f"FINANCEOPS_MONGODB_URI={database_uri}\nFINANCEOPS_TENANTS='{{\"shop\": {{}}}}'\n"
    )
    with running(tmp_path, *BARE, "--no-seed", "--port", str(port)) as up:
        assert "database" not in up.said
        assert b"shop" not in get(f"http://127.0.0.1:{port}/api/analytics/metrics?tenantId=shop")


def test_serve_needs_a_database_and_says_so(tmp_path):
    result = run("serve", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("financeops: FINANCEOPS_MONGODB_URI is not set: ")


def test_serve_is_the_server(tmp_path, database_uri):
    port = free_port()
    command = [sys.executable, "-m", "financeops", "serve", "--port", str(port), "--no-simulate"]
    environment = {**os.environ, "FINANCEOPS_MONGODB_URI": database_uri}
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2)]
        for line, says in zip(
            lines,
            (f"FinanceOps server on http://127.0.0.1:{port}\n", "Started server process"),
            strict=True,
        ):
            when, level, text = line.split(" ", 2)
            assert when.endswith("Z")
            age = datetime.now(UTC) - datetime.fromisoformat(when)
            assert timedelta(0) <= age < timedelta(minutes=1)
            assert level == "INFO"
            assert text.startswith(says)
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0
