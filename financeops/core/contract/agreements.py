"""What two sides must say alike, beside the types and the paths: names, limits, defaults."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_PORT = 3001
"""The server's."""

DEFAULT_URL = f"http://localhost:{DEFAULT_PORT}"
"""Where a server is looked for."""

DEFAULT_TENANT = "tenant_1"
"""Whose payments are meant where nobody is named."""

FEED_LENGTH = 100
"""Newest payments in a snapshot; fewer are all that there are."""

MAX_PAGE = 1000
"""Payments in one answer of the list."""

MAX_BATCH = 1000
"""Payments in one request of a batch."""

MAX_CHANGES = 10_000
"""About how many changes one answer may be asked for: whole transactions are read."""

JSON = "application/json"
NDJSON = "application/x-ndjson"

IDEMPOTENCY_KEY = "Idempotency-Key"
"""Header under which a payment counts once."""


class ExportFormat(StrEnum):
    """Files that payments are exported as."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"
