"""Makes the mongod that `financeops up` started a replica set: `python -m server.replica_set HOST PORT`."""

from __future__ import annotations

import asyncio
import sys

from financeops.core.errors import FinanceOpsError
from financeops.store.replica_set import make


def main(host: str, port: str) -> int:
    """Do it; returns the exit code."""
    try:
        asyncio.run(make(host, int(port)))
    except FinanceOpsError as error:
        sys.stderr.write(f"financeops: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
