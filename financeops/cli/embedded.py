"""How the embedded database is started: for a laptop, a demo and tests."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from financeops.core.errors import Misconfigured

HOST = "127.0.0.1"
URI_SETTING = "FINANCEOPS_MONGODB_URI"
"""Names a MongoDB to use instead of it."""

_GIB = 2**30


def command(directory: Path, port: int) -> tuple[str, ...]:
    """The command that runs it, on this machine only.

    Raises
    ------
    Misconfigured
        It is not installed.
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


def uri(port: int, database: str = "") -> str:
    """Where it listens."""
    return f"mongodb://{HOST}:{port}/{database}?directConnection=true"


def _cache_bytes() -> int:
    """As much memory as mongod allows itself, and at least its own default of 1 GiB.

    Once its data fill the cache (about 3 KB per payment) its writers wait for room for seconds:
    commits take longer than a transaction may.
    """
    return max(_GIB, (psutil.virtual_memory().total - _GIB) // 2)
