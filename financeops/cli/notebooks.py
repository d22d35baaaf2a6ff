"""Find the notebooks that come with the package, and copy them to a folder to work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from financeops.core.errors import Misconfigured

DASHBOARD = "dashboard.ipynb"
FOLDER = Path("notebooks")
"""Folder of the copies in the working directory."""

_PACKAGE = Path(__file__).parents[1]
_CHECKOUT = _PACKAGE.parent / "notebooks"
_INSTALLED = _PACKAGE / "notebooks"  # pyproject.toml puts them there


@dataclass(frozen=True, kw_only=True)
class Copied:
    """The result for each notebook, by file name."""

    written: list[str]
    same: list[str]
    """Identical files that already exist."""
    kept: list[str]
    """Existing files that differ, because they were changed or come from another version."""


def copy_to(folder: Path, *, force: bool = False) -> Copied:
    """Copy all notebooks to a folder, which is created if needed.

    Parameters
    ----------
    folder : Path
    force : bool
        Overwrite files that differ.

    Raises
    ------
    Misconfigured
        When the folder cannot be read or written.
    """
    copied = Copied(written=[], same=[], kept=[])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for original in _originals():
            ours, theirs = original.read_bytes(), folder / original.name
            there = theirs.read_bytes() if theirs.exists() else None
            if there == ours:
                copied.same.append(theirs.name)
            elif there is not None and not force:
                copied.kept.append(theirs.name)
            else:
                _write(theirs, ours)
                copied.written.append(theirs.name)
    except OSError as error:
        raise Misconfigured(
            f"cannot copy the notebooks to {folder} ({error.strerror}): choose another folder"
        ) from None
    return copied


def folder_for(data_dir: Path, say: Callable[[str], None]) -> Path:
    """Return the folder of notebooks for `up`, and say which it is outside a checkout.

    It is the folder of the checkout, or `FOLDER` if it contains notebooks, or a folder in the data folder, to which
    missing notebooks are copied.

    Raises
    ------
    Misconfigured
        When there are no notebooks.
    """
    if (_CHECKOUT / DASHBOARD).exists():
        return _CHECKOUT
    if (FOLDER / DASHBOARD).exists():
        say(f"Using the notebooks in {FOLDER}/.")
        return FOLDER.absolute()
    folder = data_dir / FOLDER
    kept = len(copy_to(folder).kept)
    differ = f" ({kept} not of this version)" if kept else ""
    say(
        f"Using copies of the notebooks in {folder}/{differ}; `financeops notebooks` copies them to "
        f"{FOLDER}/."
    )
    return folder.absolute()


def _originals() -> list[Path]:
    for folder in (_CHECKOUT, _INSTALLED):
        if (folder / DASHBOARD).exists():
            return sorted(folder.glob("*.ipynb"))
    raise Misconfigured("this installation of FinanceOps has no notebooks: install it again")


def _write(file: Path, content: bytes) -> None:
    """Write a file atomically: half a notebook would be taken for a changed one."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
