"""Convert the server's problem+json (RFC 9457) to the errors of core."""

from __future__ import annotations

from typing import Any

import msgspec

from financeops.core import wire
from financeops.core.errors import (
    Busy,
    Conflict,
    FinanceOpsError,
    InvalidValue,
    NotFound,
    Unavailable,
)


def error_of(status: int, body: bytes, *, url: str) -> FinanceOpsError:
    """Error for an answer other than 2xx.

    Parameters
    ----------
    status : int
        HTTP status code.
    body : bytes
        Body of the answer; it may be other than problem+json, if another program answered.
    url : str
        URL of the server.
    """
    problem = _problem(body)
    detail = problem.get("detail") or problem.get("title") or _foreign(status, url)
    match status:
        case 400 | 413 | 415 | 422:
            field = problem.get("field") or "request"
            return InvalidValue(field, detail.removeprefix(f"{field}: "))
        case 401:
            # This cannot come from the server itself, which has no login.
            return FinanceOpsError(
                f"a proxy in front of the server asks for another token: {detail}"
            )
        case 404:
            return NotFound(detail)
        case 409:
            return Conflict(detail)
        case 429 | 503 if "detail" in problem:
            return Busy(detail)
        case 429 | 502 | 503 | 504:  # of a proxy
            return Unavailable(detail)
        case _:
            return FinanceOpsError(detail)


def _foreign(status: int, url: str) -> str:
    return f"{url} answered {status}, which is not from FinanceOps: is the server at that address?"


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = wire.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return problem if isinstance(problem, dict) else {}
