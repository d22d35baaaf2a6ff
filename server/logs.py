"""What the server logs: each line with its time (UTC) and level, on standard error."""

from __future__ import annotations

import logging
import time

from financeops.core.errors import Unavailable

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s"
_OWN = ("server", "financeops", "uvicorn")


def formatter() -> logging.Formatter:
    """Return what gives a line its time and level."""
    lines = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    lines.converter = time.gmtime
    return lines


def configure(level: str) -> None:
    """Log what the server itself says from this level on, and warnings of libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter())
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _number(level)))
    for name in _OWN:
        logging.getLogger(name).setLevel(_number(level))
    for name in ("engineio.server", "socketio.server"):
        # With a level they get no handler of their own, whose lines have no time.
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_in_one_line)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _in_one_line(record: logging.LogRecord) -> bool:
    """Give the reason alone when an answer broke off because the database did.

    uvicorn then closes the connection, so that the client does not take a part for all. What fails
    before an answer has begun is answered, and never gets here.
    """
    error = record.exc_info[1] if record.exc_info else None
    for each in (error, None if error is None else error.__cause__):
        if isinstance(each, Unavailable):
            record.msg, record.args = "an answer broke off: %s", (each,)
            record.exc_info = record.exc_text = None
    return True
