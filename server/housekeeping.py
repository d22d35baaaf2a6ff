"""Housekeeping: deletes what has expired."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from financeops.core.errors import Unavailable
from financeops.store.database.connection import Database
from financeops.store.database.expiry import delete_expired

logger = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two runs, the interval of mongod's own TTL monitor."""

MANY_GONE = 100
"""Clients that must have left before it is worth collecting garbage."""


async def collect_gone(gone: Callable[[], int], *, pause: float = PAUSE) -> None:
    """Free what many clients left behind, repeatedly until cancelled.

    Parts of a session refer to each other, so that only the garbage collector frees them; the
    server lets it run rarely.
    """
    collected = 0
    while True:
        await asyncio.sleep(pause)
        if (now := gone()) - collected >= MANY_GONE:
            collected = now
            gc.collect()


async def keep_house(
    db: Database, *, now: Callable[[], datetime], changes_ttl: timedelta, pause: float = PAUSE
) -> None:
    """Delete what has expired, repeatedly until cancelled."""
    while True:
        await asyncio.sleep(pause)
        try:
            await delete_expired(db, now=now(), changes_ttl=changes_ttl)
        except Unavailable:
            continue  # the next run deletes it
        except Exception:  # payments go on without it
            logger.exception("cannot delete what has expired")
