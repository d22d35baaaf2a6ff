"""Texts that others depend on, kept in files beside the tests: a change of one is seen, and said on purpose."""

from __future__ import annotations

import os
from pathlib import Path

RECORDING = os.environ.get("FINANCEOPS_TEST_RECORD") == "1"
"""Whether what is said now is what shall be said: the files are written instead of compared."""


def as_recorded(path: Path, text: str) -> None:
    """Hold a text against its file."""
    if RECORDING:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} is kept for who depends on it. If that is meant, FINANCEOPS_TEST_RECORD=1 writes it anew"
    )
