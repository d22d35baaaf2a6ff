"""Ask a busy server again: at the first error a whole notebook would end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from financeops.core.errors import Busy

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PATIENCE = 60.0
"""Seconds for which a server may be busy before loading from it fails."""

_PAUSE = 1.0


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask until the server is not busy, as a whole each time; tell once that it is tried again.

    Raises
    ------
    Unavailable
        The server is still busy `PATIENCE` seconds after it first said so, or it is away.
    """
    deadline = None
    while True:
        try:
            return ask()
        except Busy as error:
            # Not from the first question on: what broke off after a long time would never be asked again.
            if deadline is None:
                deadline = time.monotonic() + PATIENCE
                logger.warning("%s; trying again for %.0f s", error, PATIENCE)
            elif time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)
