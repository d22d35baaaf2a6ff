"""FinanceOps as `make up` installs it: with the packages in requirements.lock and nothing else."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, distributions
from os.path import normpath
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from financeops.cli.running.addresses import free_port
from tests.processes import ROOT, environment


@contextmanager
def running(folder: Path, *flags: str, **settings: Any) -> Iterator[dict[str, str]]:
    """Run `make up` in a folder with copies of the notebooks; yield the links that it prints."""
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".*"))
    ports = zip(("--port", "--dashboard-port", "--lab-port"), _ports(), strict=True)
    process = subprocess.Popen(
        [
            make(folder / ".venv"),
            "-m",
            "financeops",
            "up",
            *(word for pair in ports for word in pair),
            *flags,
        ],
        cwd=folder,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = ""
    try:
        for line in process.stdout:
            output += line
            if "Ctrl-C stops everything" in line:
                break
        links = dict(re.findall(r"(?m)^  (\w+) +(http://\S+)$", output))
        assert set(links) == {"Dashboard", "API", "JupyterLab"}, output
        assert "Using the notebooks in notebooks/.\n" in output
        yield links
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        process.stdout.close()
        process.wait(60)


def _ports() -> set[str]:
    found: set[str] = set()
    while len(found) < 3:
        found.add(str(free_port()))
    return found


def make(folder: Path, wheel: Path | None = None) -> Path:
    """Make an environment from packages that are installed already; return its Python.

    FinanceOps itself is the checkout's, or installed from a wheel.

    It has only the packages that `make up` installs: those that only the tests need cannot be
    imported there. `make install` would take minutes to download and copy what exists already; the
    lock files name the same versions (tests/test_environment.py).
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    here = Path(sys.prefix)
    wanted = _locked() | ({"financeops"} if wheel is None else set())
    links = {
        link
        for distribution in distributions()
        if canonicalize_name(distribution.name) in wanted
        for link in _links(distribution, here)
    }
    for link in links:
        (folder / link).parent.mkdir(parents=True, exist_ok=True)
        if link.parts[0] == "lib":
            (folder / link).symlink_to(here / link)
        else:  # JupyterLab serves no file from elsewhere
            shutil.copy(here / link, folder / link)
    python = folder / "bin" / "python"
    if wheel is not None:
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", python, "install"]
        subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
        return python
    (packages,) = folder.glob("lib/python3.*/site-packages")
    for path in packages.glob("*financeops.pth"):  # the checkout's own notebooks stay unchanged
        path.unlink()
    for package in ("financeops", "server"):
        (packages / package).symlink_to(ROOT / package)
    return python


def _links(distribution: Distribution, here: Path) -> Iterator[Path]:
    """Links to whole packages, and to other files one by one, as of JupyterLab's extensions."""
    packages = Path(str(distribution.locate_file("")))
    if not packages.is_relative_to(here):
        return
    files = distribution.files or ()
    for name in {file.parts[0] for file in files} - {".."}:
        yield packages.relative_to(here) / name
    for file in files:
        if file.parts[0] == ".." and (path := Path(normpath(packages / file))).is_relative_to(here):
            yield path.relative_to(here)


def _locked() -> set[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return set(map(canonicalize_name, re.findall(r"(?m)^([\w.-]+)==", text)))
