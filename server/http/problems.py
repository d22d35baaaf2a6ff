"""Errors as `application/problem+json` (RFC 9457): here, and nowhere else, they become answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from financeops.core.card_numbers import without_card_numbers
from financeops.core.contract.problems import FieldProblem, Problem
from financeops.core.contract.texts import PAYMENT_ID_PATTERN
from financeops.core.errors import (
    Conflict,
    FinanceOpsError,
    InvalidValue,
    Misconfigured,
    NotFound,
    Unavailable,
    Unsure,
)
from financeops.core.wire import encode
from server.wording import in_words

logger = logging.getLogger(__name__)

RETRY_AFTER = 2
"""Seconds after which to try again if something is unavailable."""

MOST_NAMED = 10
"""How many wrong parameters an answer names; of the others it says how many they are."""
_MOST_LETTERS = 64

UNEXPECTED = "the server failed; its log has the details"


class TooLarge(FinanceOpsError):
    """A request body beyond the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body must not be larger than {limit} bytes; send it in parts")


class WrongKind(FinanceOpsError):
    """A request body of a kind that the route does not accept."""


class NotVerified(FinanceOpsError):
    """A webhook that none of its tenant's secrets signed, or too long ago."""

    def __init__(self) -> None:
        super().__init__(
            "the signature does not fit: check the secret, the clock, and that the body arrives as it was sent"
        )


class Misdirected(FinanceOpsError):
    """A request for another host."""


class HalfUpgrade(FinanceOpsError):
    """An incomplete request for a WebSocket."""


class Over(FinanceOpsError):
    """A request in a session that is closed."""


class Forbidden(FinanceOpsError):
    """A request that its sender may not make."""


def status_of(error: FinanceOpsError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    match error:
        case InvalidValue():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case NotFound():
            return HTTPStatus.NOT_FOUND
        case Conflict():
            return HTTPStatus.CONFLICT
        case TooLarge():
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        case WrongKind():
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        case Misdirected():
            return HTTPStatus.MISDIRECTED_REQUEST
        case HalfUpgrade() | Over() | NotVerified():
            return HTTPStatus.BAD_REQUEST
        case Forbidden():
            return HTTPStatus.FORBIDDEN
        case Unavailable() | Misconfigured():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: FinanceOpsError) -> Problem:
    """Return the problem document of an error."""
    field = error.field if isinstance(error, InvalidValue | Conflict) else None
    return _problem(
        status_of(error),
        str(error),
        field=field,
        payments=error.payment_ids if isinstance(error, Unsure) else None,
    )


def problem_response(error: FinanceOpsError) -> Response:
    """Return the answer for an error."""
    # Clients must not automatically repeat what may then count twice.
    later = isinstance(error, Unavailable) and error.repeatable
    return _response(problem_of(error), {"Retry-After": str(RETRY_AFTER)} if later else None)


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""

    @app.exception_handler(FinanceOpsError)
    async def on_own(_: Request, error: FinanceOpsError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def on_parameters(_: Request, error: RequestValidationError) -> Response:
        return _response(_parameters_problem(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        headers = dict(error.headers or {})
        match status:
            case HTTPStatus.NOT_FOUND:
                detail = f"there is no {request.url.path}; GET /docs lists every route"
            case HTTPStatus.METHOD_NOT_ALLOWED:
                headers["Allow"] = ", ".join(sorted(_methods_of(request)))
                detail = f"{request.url.path} takes {headers['Allow']}, not {request.method}"
            case _:
                detail = str(error.detail)
        return _response(_problem(status, detail), headers)

    @app.exception_handler(ClientDisconnect)
    async def on_gone(_: Request, error: ClientDisconnect) -> Response:
        # The client is gone. This keeps the log from reporting an error of the server.
        del error
        return _response(_problem(HTTPStatus.BAD_REQUEST, "the body is incomplete"))

    @app.exception_handler(Exception)
    async def on_unexpected(_: Request, error: Exception) -> Response:
        # The web server logs the error itself.
        del error
        return _response(_problem(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED))


def _methods_of(request: Request) -> set[str]:
    """Return all methods of the path: several routes may share it."""
    app: FastAPI = request.app
    return {
        method
        for route in iter_route_contexts(app.routes)
        if route.path_regex.match(request.scope["path"])
        for method in route.methods or {"GET", "HEAD"}  # a route to static files has none
    }


def _parameters_problem(error: RequestValidationError) -> Problem:
    found = error.errors()
    wrong = [
        FieldProblem(field=_short(str(each["loc"][-1])), problem=_what_is_wrong(each))
        for each in found[:MOST_NAMED]
    ]
    said = [f"{each.field}: {each.problem}" for each in wrong]
    if len(found) > MOST_NAMED:
        said.append(f"and {len(found) - MOST_NAMED} more")
    detail = "; ".join(said)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, detail, field=wrong[0].field, errors=wrong)


def _short(name: str) -> str:
    """Return a name that a sender has chosen, without what no parameter's name is long enough for."""
    name = without_card_numbers(name)
    return name if len(name) <= _MOST_LETTERS else f"{name[:_MOST_LETTERS]}…"


def _what_is_wrong(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "is not a parameter of this route"
        case "missing":
            return "is missing: this route needs it"
        case "string_pattern_mismatch" if error["ctx"]["pattern"] == PAYMENT_ID_PATTERN:
            return "must be an id: 24 hexadecimal digits"
        case _:
            return in_words(error)


def _problem(
    status: HTTPStatus,
    detail: str,
    *,
    field: str | None = None,
    errors: list[FieldProblem] | None = None,
    payments: Sequence[str] | None = None,
) -> Problem:
    # What it repeats of a request may be anything: also the name of a parameter, and a path.
    return Problem(
        type="about:blank",
        title=status.phrase,
        status=status.value,
        detail=without_card_numbers(detail),
        field=None if field is None else without_card_numbers(field),
        errors=errors,
        payments=payments,
    )


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        encode(problem),
        status_code=problem.status,
        headers=headers,
        media_type="application/problem+json",
    )
