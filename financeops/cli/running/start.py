"""Starts a module of this installation, whatever else has its name: ``python -P start.py MODULE ARGUMENT…``.

`server` is what many call a program of theirs. ``python -m server`` would take the one in the working
directory, and ``-P`` alone one in a folder that `PYTHONPATH` or another installation names. This file is
started by its path and imports nothing of the package, like the guard.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_PACKAGES = {"financeops", "server"}
_HERE = [str(Path(__file__).parents[3])]
"""The folder that holds both, of a checkout or of an installation."""


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of ours as a program, with nothing of the working directory."""
    return (sys.executable, "-P", __file__, module, *arguments)


class _Ours:
    """Finds our two packages, where they lie beside each other."""

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
