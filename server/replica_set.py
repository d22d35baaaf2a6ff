"""Make a replica set with a user of the mongod that `financeops up` started.

Run as `python -m server.replica_set`; FINANCEOPS_MONGODB_URI names the mongod and the user.
"""

from __future__ import annotations

import asyncio
import os
import sys

from financeops.core.errors import FinanceOpsError
from financeops.store.database.replica_set import make
from server.settings import PREFIX


def main(uri: str) -> int:
    """Set up the replica set; return the exit code."""
    try:
        asyncio.run(make(uri))
    except FinanceOpsError as error:
        sys.stderr.write(f"financeops: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ[f"{PREFIX}MONGODB_URI"]))
