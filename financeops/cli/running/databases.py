"""Which database `up` starts: a `mongod` of this machine, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from financeops.cli.running import children, data_directory, embedded, mongod
from financeops.cli.running.data_directory import keep_private
from financeops.cli.running.supervisor import Child
from financeops.core.errors import Misconfigured

SETTING = "FINANCEOPS_DATABASE"

NAME = "financeops"
"""Name of the database on the server."""


class Kind(StrEnum):
    """The kind of database in a data folder."""

    MONGOD = "mongod"
    EMBEDDED = "embedded"


_FOLDERS = {Kind.MONGOD: data_directory.MONGODB, Kind.EMBEDDED: data_directory.EMBEDDED}


def child_of(
    data_dir: Path, port: int, environment: Mapping[str, str], say: Callable[[str], None]
) -> tuple[Child, str]:
    """Choose the database; return it with the URI with which the server connects to it.

    The setting decides; without it, mongod is used if it is installed. An existing folder keeps
    its kind.

    Raises
    ------
    Misconfigured
        When the setting has no valid value, names what is not installed, or differs from the
        kind of the folder; or when the folder cannot be made private.
    """
    wanted = environment.get(SETTING) or "auto"
    if wanted not in {"auto", *Kind}:
        raise Misconfigured(f"{SETTING} is {wanted!r}: it must be auto, mongod or embedded")
    made = next((kind for kind in Kind if (data_dir / _FOLDERS[kind]).exists()), None)
    if made is not None and wanted not in {"auto", made}:
        raise Misconfigured(
            f"{data_dir} was created with {SETTING}={made}, whose data {wanted} cannot read: choose "
            "another folder with --data-dir"
        )
    program = None if wanted == Kind.EMBEDDED else mongod.program(environment)
    usual = Kind.EMBEDDED if program is None else Kind.MONGOD
    kind = made or (usual if wanted == "auto" else Kind(wanted))
    if kind is Kind.MONGOD and program is None:
        why = f"{data_dir} was created with it" if made else f"{SETTING} asks for it"
        raise Misconfigured(
            f"there is no mongod of version {mongod.OLDEST} or later on the PATH: {why}"
        )
    directory = data_dir / _FOLDERS[kind]
    keep_private(directory)
    if program is not None and kind is Kind.MONGOD:
        say("Using the mongod of this machine as the database.")
        password = mongod.password_of(directory)
        child = children.mongodb(program, directory, port, password=password)
        return child, embedded.uri(port, NAME, password=password)
    if program is not None:
        say(
            f"{data_dir} keeps the embedded database with which it was created; a new folder would "
            "use the mongod of this machine."
        )
    password = embedded.password_of(directory)
    child = children.database(directory, port, password=password)
    return child, embedded.uri(port, NAME, password=password)
