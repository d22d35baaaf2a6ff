"""What client and server must agree on besides types and paths: names, limits, defaults."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_PORT = 3001
"""Port of the server."""

DEFAULT_URL = f"http://localhost:{DEFAULT_PORT}"
"""URL of the server unless another is given."""

DEFAULT_TENANT = "tenant_1"
"""Tenant whose payments are meant unless another is named."""

FEED_LENGTH = 100
"""Number of newest payments in a snapshot, which holds fewer only if there are no more."""

MAX_PAGE = 1000
"""Most payments on one page of a list."""

MAX_BATCH = 1000
"""Most payments in one batch."""

MAX_RATE_DAYS = 1000
"""Most days of rates in one request or on one page."""

MAX_REFUNDS = 200
"""Most refunds of parts of one payment; the one after them must be of all that is left."""

MAX_FEES = 200
"""Most fees of one payment."""

MAX_TOLD_FEES = 20
"""Most fees in one request."""

MAX_CHANGES = 10_000
"""Most changes that one request may ask for; an answer may hold a few more, to keep transactions
whole."""

JSON = "application/json"
NDJSON = "application/x-ndjson"

IDEMPOTENCY_KEY = "Idempotency-Key"
"""Header whose value makes a payment count once, however often it is sent."""


class ExportFormat(StrEnum):
    """File formats of exports."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"
