"""Texts that others depend on, recorded in files beside the tests: no change goes unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

RECORDING = os.environ.get("FINANCEOPS_TEST_RECORD") == "1"
"""Whether to write the files instead of comparing with them."""


def as_recorded(path: Path, text: str) -> None:
    """Compare a text with its file, or record it."""
    if RECORDING:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} differs, and others depend on it. "
        "If that is intended, FINANCEOPS_TEST_RECORD=1 records it"
    )
