"""How to start the embedded database: for laptops, demos and tests."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import psutil

from financeops.cli.running import start
from financeops.core.errors import Misconfigured

HOST = "127.0.0.1"
URI_SETTING = "FINANCEOPS_MONGODB_URI"
"""Setting that names a MongoDB to use instead."""

USER = "financeops"
MADE, KEPT = "password.new", "password"
"""Files with the password of its user, before and after the user is created."""

_GIB = 2**30


def command(directory: Path, port: int) -> tuple[str, ...]:
    """Return the command that runs it, reachable from this machine only.

    Raises
    ------
    Misconfigured
        When it is not installed.
    """
    program = Path(sys.executable).with_name("secantusd-py")
    if not program.exists():
        raise Misconfigured(
            "the embedded database is not installed: pip install 'financeops[embedded]', or name "
            f"a MongoDB with {URI_SETTING}"
        )
    return (
        str(program),
        *("--host", HOST, "--port", str(port)),
        *("--storage-path", str(directory.resolve())),
        *("--config", str(Path(__file__).with_suffix(".toml"))),
        *("--cache-size", f"{_cache_bytes() // 2**20}M"),
    )


def guarded_command(directory: Path, port: int) -> tuple[str, ...]:
    """Return the command that runs it protected by a password: see `embedded_start`."""
    return (
        *start.command("financeops.cli.running.embedded_start", str(directory.resolve())),
        *command(directory, port),
    )


def uri(port: int, database: str = "", *, password: str = "") -> str:
    """Return the URI of the database, with user and password if it has one."""
    if not password:
        return f"mongodb://{HOST}:{port}/{database}?directConnection=true"
    return (
        f"mongodb://{USER}:{password}@{HOST}:{port}/{database}"
        "?directConnection=true&authSource=admin"
    )


def password_of(directory: Path) -> str:
    """Return the password of the database in a folder; create one if there is none.

    Raises
    ------
    Misconfigured
        When the folder cannot be read or written.
    """
    try:
        for file in (directory / KEPT, directory / MADE):
            if file.exists():
                return file.read_text("ascii")
        password = secrets.token_hex(32)  # of characters that a key of mongod may have, too
        # Under another name first, so that no incomplete password is ever used.
        written = directory / f"{MADE}.part"
        written.write_text(password, "ascii")
        written.chmod(0o600)
        written.rename(directory / MADE)
    except OSError as error:
        raise Misconfigured(
            f"cannot keep a password in {directory} ({error.strerror}): choose another folder with "
            "--data-dir"
        ) from None
    return password


def _cache_bytes() -> int:
    """As much memory as mongod would use, and at least the database's own default of 1 GiB.

    Once the data fill the cache (about 3 KB per payment), writers wait for room for seconds, and
    commits take longer than a transaction may.
    """
    return max(_GIB, (psutil.virtual_memory().total - _GIB) // 2)
