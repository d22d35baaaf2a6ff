"""The notebooks that come with the package: where they are, and copies of them to work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from financeops.core.errors import Misconfigured

DASHBOARD = "dashboard.ipynb"
FOLDER = Path("notebooks")
"""Of copies, in the working directory."""

_PACKAGE = Path(__file__).parents[1]
_CHECKOUT = _PACKAGE.parent / "notebooks"
_INSTALLED = _PACKAGE / "notebooks"  # pyproject.toml puts them there


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What became of each notebook, by its file name."""

    written: list[str]
    same: list[str]
    """There already, as they are here."""
    kept: list[str]
    """There already, and left although they differ: changed by somebody, or of another version."""


def copy_to(folder: Path, *, force: bool = False) -> Copied:
    """Copy all notebooks to a folder, which is made if needed.

    Parameters
    ----------
    folder : Path
    force : bool
        Also write over those that differ.

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
    """The folder that `up` shows, and say which where it is not a checkout's.

    It is the checkout's own, else `FOLDER` where there are notebooks in it, else one in the data folder, with
    copies of those that are not there yet.

    Raises
    ------
    Misconfigured
        When there is none.
    """
    if (_CHECKOUT / DASHBOARD).exists():
        return _CHECKOUT
    if (FOLDER / DASHBOARD).exists():
        say(f"The notebooks are those in {FOLDER}/.")
        return FOLDER.absolute()
    folder = data_dir / FOLDER
    kept = len(copy_to(folder).kept)
    differ = f" ({kept} not as in this version)" if kept else ""
    say(
        f"The notebooks are copies in {folder}/{differ}; `financeops notebooks` makes some in "
        f"{FOLDER}/."
    )
    return folder.absolute()


def _originals() -> list[Path]:
    for folder in (_CHECKOUT, _INSTALLED):
        if (folder / DASHBOARD).exists():
            return sorted(folder.glob("*.ipynb"))
    raise Misconfigured("this installation of FinanceOps has no notebooks: install it again")


def _write(file: Path, content: bytes) -> None:
    """Write a file that is at its place only once it is whole: half a one would be taken for a changed one."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
