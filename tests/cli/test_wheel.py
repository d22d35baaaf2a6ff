"""FinanceOps as installed by `pip install`: from a wheel, without a checkout, in a folder with other files."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from financeops.cli.running.addresses import free_port
from tests import installed
from tests.cli.test_supervisor import gone
from tests.cli.test_up import get, running
from tests.processes import ROOT

TRAP = "raise SystemExit('this is a file of somebody, and no module of ours')\n"
NOTEBOOKS = {path.name: path.read_bytes() for path in (ROOT / "notebooks").glob("*.ipynb")}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """`financeops`, installed from a wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", *built, "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("financeops-*.whl")
    return installed.make(folder / "environment", wheel).with_name("financeops")


def notebooks_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_everything_runs_from_a_wheel_and_takes_no_file_of_the_folder_for_its_own(
    program, tmp_path
):
    traps = ("server", "financeops", "socketio", "pymongo", "uvicorn", "tornado", "jupyterlab")
    for name in (*traps, "voila"):
        (tmp_path / f"{name}.py").write_text(TRAP)
    # Another program of the same name, where Python looks first.
    (tmp_path / "programs" / "server").mkdir(parents=True)
    (tmp_path / "programs" / "server" / "__init__.py").write_text(TRAP)

    # Changed by the user, or of an earlier version.
    copies = tmp_path / ".financeops" / "notebooks"
    copies.mkdir(parents=True)
    (copies / "live.ipynb").write_text("{}")

    ports = (free_port(), free_port())
    flags = ("--dashboard-port", str(ports[0]), "--lab-port", str(ports[1]), "--no-seed")
    environment = {"PYTHONPATH": str(tmp_path / "programs"), "FINANCEOPS_SIMULATE_INTERVAL": "3600"}
    with running(tmp_path, *flags, program=[str(program)], **environment) as up:
        assert up.said.startswith(
            "Using copies of the notebooks in .financeops/notebooks/ (1 not of this version); "
            "`financeops notebooks` copies them to notebooks/.\n"
        )
        assert json.loads(get(f"http://127.0.0.1:{up.port}/health"))["status"] == "ok"
        page = get(f"http://127.0.0.1:{ports[0]}").decode()
        assert "Live payments" in page
        lab, token = re.search(r"(http://localhost:\d+)/lab\?token=(\w+)", up.said).groups()
        listed = json.loads(get(f"{lab}/api/contents?token={token}"))["content"]
        assert {each["name"] for each in listed} == set(NOTEBOOKS)
        family = up.family()
        assert up.end(signal.SIGINT) == 0
    assert gone(family)
    assert notebooks_in(copies) == {**NOTEBOOKS, "live.ipynb": b"{}"}


def test_notebooks_are_copied_and_changed_ones_are_kept(program, tmp_path):
    def said(*arguments: str) -> str:
        command = [program, "notebooks", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    folder = tmp_path / "notebooks"
    count = len(NOTEBOOKS)
    assert said() == f"notebooks: {count} copied, 0 already there\n"
    assert notebooks_in(folder) == NOTEBOOKS

    (folder / "live.ipynb").write_text("{}")
    (folder / "scale.ipynb").unlink()
    (folder / "own.ipynb").write_text("{}")
    assert said("notebooks") == (
        f"notebooks: 1 copied, {count - 2} already there\n"
        "kept, because they differ: live.ipynb; --force overwrites them\n"
    )
    assert notebooks_in(folder) == {**NOTEBOOKS, "live.ipynb": b"{}", "own.ipynb": b"{}"}
    assert said("--force") == f"notebooks: 1 copied, {count - 1} already there\n"
    assert notebooks_in(folder) == {**NOTEBOOKS, "own.ipynb": b"{}"}


def test_a_folder_that_cannot_be_written_is_reported_in_one_line(program, tmp_path):
    (tmp_path / "file").touch()
    command = [program, "notebooks", "file/notebooks"]
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr == (
        "financeops: cannot copy the notebooks to file/notebooks (Not a directory): choose another "
        "folder\n"
    )
