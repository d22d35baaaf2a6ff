"""Which database `up` starts: a `mongod` of this machine, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from financeops.cli.running import children, embedded, mongod
from financeops.cli.running.data_directory import keep_private
from financeops.cli.running.supervisor import Child
from financeops.core.errors import Misconfigured

SETTING = "FINANCEOPS_DATABASE"

NAME = "financeops"
"""Of the database within it."""


class Kind(StrEnum):
    """What a data folder was made with."""

    MONGOD = "mongod"
    EMBEDDED = "embedded"


_FOLDERS = {Kind.MONGOD: "mongodb", Kind.EMBEDDED: "db"}
"""Each kind has a folder of its own in it, which tells the kind."""


def child_of(
    data_dir: Path, port: int, environment: Mapping[str, str], say: Callable[[str], None]
) -> tuple[Child, str]:
    """The database, and the URI that lets the server in.

    It is the one that is set, else a mongod where there is one; a folder keeps what it was made with.

    Raises
    ------
    Misconfigured
        The setting is none, or names what is not there, or another kind than the folder's; or the
        folder cannot be kept from others.
    """
    wanted = environment.get(SETTING) or "auto"
    if wanted not in {"auto", *Kind}:
        raise Misconfigured(f"{SETTING} is {wanted!r}: it is auto, mongod or embedded")
    made = next((kind for kind in Kind if (data_dir / _FOLDERS[kind]).exists()), None)
    if made is not None and wanted not in {"auto", made}:
        raise Misconfigured(
            f"{data_dir} was made with {SETTING}={made}, whose data {wanted} cannot read: choose "
            "another folder with --data-dir"
        )
    program = None if wanted == Kind.EMBEDDED else mongod.program(environment)
    usual = Kind.EMBEDDED if program is None else Kind.MONGOD
    kind = made or (usual if wanted == "auto" else Kind(wanted))
    if kind is Kind.MONGOD and program is None:
        who = f"{data_dir} was made with" if made else f"{SETTING} asks for"
        raise Misconfigured(
            f"there is no mongod of version {mongod.OLDEST} or later on the PATH, which {who}"
        )
    directory = data_dir / _FOLDERS[kind]
    keep_private(directory)
    if program is not None and kind is Kind.MONGOD:
        say("The database is the mongod of this machine.")
        password = mongod.password_of(directory)
        child = children.mongodb(program, directory, port, password=password)
        return child, embedded.uri(port, NAME, password=password)
    if program is not None:
        say(
            f"{data_dir} keeps the embedded database that it was made with; a new folder would get "
            "the mongod of this machine."
        )
    password = embedded.password_of(directory)
    child = children.database(directory, port, password=password)
    return child, embedded.uri(port, NAME, password=password)
