"""FinanceOps as `make up` installs it: with what requirements.lock names, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distributions
from os.path import normpath
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.processes import ROOT


def make(folder: Path) -> Path:
    """Make an environment of links to the packages that are installed here; gives its Python.

    Of those only the ones that `make up` installs: what the tests alone bring cannot be imported
    there. `make install` would download and copy for minutes what is here already; the lock files
    name the same versions (tests/test_environment.py).
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    here = Path(sys.prefix)
    wanted = _locked()
    links = {
        _whole(path.relative_to(here))
        for distribution in distributions()
        if canonicalize_name(distribution.name) in wanted
        for file in distribution.files or ()
        if (path := Path(normpath(distribution.locate_file(file)))).is_relative_to(here)
    }
    for link in links:
        (folder / link).parent.mkdir(parents=True, exist_ok=True)
        (folder / link).symlink_to(here / link)
    (packages,) = folder.glob("lib/python3.*/site-packages")
    (packages / "_editable_impl_financeops.pth").unlink()
    for package in ("financeops", "server"):
        (packages / package).symlink_to(ROOT / package)
    return folder / "bin" / "python"


def _whole(path: Path) -> Path:
    """A package as a whole; other files (of JupyterLab's extensions, say) one by one."""
    return Path(*path.parts[:4]) if path.parts[0] == "lib" else path


def _locked() -> set[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {"financeops", *map(canonicalize_name, re.findall(r"(?m)^([\w.-]+)==", text))}
