"""What our programs of Jupyter have in common."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 52
"""Bytes of a folder in which kernels find room for their sockets.

The path of a socket is no longer than 103 bytes (Linux: 107). Theirs is the folder's and
``/kernel-00000000-0000-0000-0000-000000000000-ipc-5``.
"""

_MARK = "fo"


def without_address_grammar() -> None:
    """Keep jsonschema from compiling the grammar of international addresses, before anything imports it.

    That takes longer than to import all the rest of JupyterLab, and nothing in Jupyter is checked
    by it. Where the grammar is not installed jsonschema does without; this looks as if it were not.
    """
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder of this process that nobody else may enter, with a short name; it is removed at the end.

    What kernels say goes through sockets in it and not through ports of this computer: to a port, everybody on the
    computer can connect, and what a kernel shows it tells whoever listens.
    """
    for place in (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):  # noqa: S108 - a folder within
        # Within this folder there may be another one, of Voilà.
        if place and len(os.fsencode(place)) <= LONGEST - 35 and os.access(place, os.W_OK):
            break
    _remove_left(Path(place or "/"))
    folder = Path(tempfile.mkdtemp(prefix=f"{_MARK}{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(place: Path) -> None:
    """Remove folders of our processes that were killed."""
    for folder in place.glob(f"{_MARK}[0-9]*-*"):
        named = re.fullmatch(rf"{_MARK}(\d+)-\w+", folder.name)
        # What somebody else made, or removes just now, is left to them.
        with suppress(OSError):
            if named is not None and folder.lstat().st_uid == os.getuid() and _ended(int(named[1])):
                shutil.rmtree(folder)


def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
