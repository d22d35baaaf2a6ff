"""Run a module of this installation, whatever else has its name: ``python -P start.py MODULE ARGUMENT…``.

Many programs are called `server`. ``python -m server`` would run the one in the working directory, and
with ``-P`` one in a folder of `PYTHONPATH` or of another installation. This file is run by its path and
imports nothing from the package, like the guard.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_PACKAGES = {"financeops", "server"}
_HERE = [str(Path(__file__).parents[3])]
"""Folder that contains both packages, in a checkout or an installation."""


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of this installation, ignoring the working directory."""
    return (sys.executable, "-P", __file__, module, *arguments)


class _Ours:
    """Finds the two packages in the folder that contains both."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        del path, target
        return PathFinder.find_spec(name, _HERE) if name in _PACKAGES else None


def _main() -> None:
    sys.meta_path.insert(0, _Ours)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
