"""From the server's problem+json (RFC 9457) to the errors of core."""

from __future__ import annotations

from typing import Any

import msgspec

from financeops.core import wire
from financeops.core.errors import (
    Conflict,
    FinanceOpsError,
    InvalidValue,
    NotFound,
    Unavailable,
)


def error_of(status: int, body: bytes, *, url: str) -> FinanceOpsError:
    """Error that an answer other than 2xx stands for.

    Parameters
    ----------
    status : int
        HTTP status code.
    body : bytes
        What came with it; need not be problem+json, for another program may have answered.
    url : str
        Of the server that was asked.
    """
    problem = _problem(body)
    said = problem.get("detail") or problem.get("title") or _foreign(status, url)
    match status:
        case 400 | 413 | 415 | 422:
            field = problem.get("field") or "request"
            return InvalidValue(field, said.removeprefix(f"{field}: "))
        case 401:
            # Not of the server itself: it has no log-in.
            return FinanceOpsError(f"a proxy in front of the server asks for another token: {said}")
        case 404:
            return NotFound(said)
        case 409:
            return Conflict(said)
        case 429 | 502 | 503 | 504:
            return Unavailable(said)
        case _:
            return FinanceOpsError(said)


def _foreign(status: int, url: str) -> str:
    return f"{url} answered {status}, which is not from FinanceOps: is the server at that address?"


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = wire.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return problem if isinstance(problem, dict) else {}
