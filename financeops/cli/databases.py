"""Which database `up` starts: a `mongod`, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from financeops.cli import mongod
from financeops.core.errors import Misconfigured

SETTING = "FINANCEOPS_DATABASE"


class Kind(StrEnum):
    """What a data folder holds, and is called there."""

    MONGOD = "mongod"
    EMBEDDED = "embedded"


_FOLDERS = {Kind.MONGOD: "mongodb", Kind.EMBEDDED: "db"}


def folder(data_dir: Path, kind: Kind) -> Path:
    """Where the data of one kind are."""
    return data_dir / _FOLDERS[kind]


def chosen(data_dir: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> Kind:
    """Decide it: as it is set, else a mongod where there is one; a folder keeps the kind it was made with.

    Raises
    ------
    Misconfigured
        The setting is none, or names what is not there, or another kind than the folder's.
    """
    wanted = environment.get(SETTING) or "auto"
    if wanted not in {"auto", *Kind}:
        raise Misconfigured(f"{SETTING} is {wanted!r}: it is auto, mongod or embedded")
    made = next((kind for kind in Kind if folder(data_dir, kind).exists()), None)
    if made is not None and wanted not in {"auto", made}:
        raise Misconfigured(
            f"{data_dir} was made with {SETTING}={made}, and its data cannot be taken to {wanted}: "
            "choose another folder with --data-dir"
        )
    usable = mongod.program() is not None
    if Kind.MONGOD in {made, wanted} and not usable:
        raise Misconfigured(
            f"there is no mongod of version {mongod.OLDEST} or later on the PATH, which "
            + (f"{data_dir} was made with" if made else f"{SETTING} asks for")
        )
    if made is not None:
        if usable and made is Kind.EMBEDDED and wanted == "auto":
            say(
                f"{data_dir} keeps the embedded database that it was made with; another folder "
                "(--data-dir) would get the mongod of this machine"
            )
        return made
    return Kind(wanted) if wanted != "auto" else Kind.MONGOD if usable else Kind.EMBEDDED
