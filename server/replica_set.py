"""Makes the mongod that `financeops up` started a replica set: `python -m server.replica_set`.

FINANCEOPS_MONGODB_URI names it, with its address and nothing else of interest.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

from financeops.core.errors import FinanceOpsError
from financeops.store.replica_set import make
from server.settings import read_settings


def main() -> int:
    """Do it; returns the exit code."""
    try:
        address = urlsplit(read_settings().mongodb_uri.get_secret_value())
        if address.hostname is None or address.port is None:
            raise FinanceOpsError("FINANCEOPS_MONGODB_URI names no address of one database")
        asyncio.run(make(address.hostname, address.port))
    except FinanceOpsError as error:
        sys.stderr.write(f"financeops: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
