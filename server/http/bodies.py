"""Request bodies: check their kind and read them as bytes, up to the limit."""

from __future__ import annotations

from email.message import Message

import msgspec
from fastapi import Request

from financeops.core.contract.agreements import JSON, NDJSON
from financeops.core.errors import InvalidValue
from server.dependencies import Here
from server.http.problems import TooLarge, WrongKind

_LINES = {NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"}
_UTF_8 = {"utf-8", "utf8", "us-ascii"}
_LONGEST = 1000
"""Characters of a `Content-Type`: the time to split a longer one into parameters grows with its square."""

_SHOWN = 100
"""Characters of a header that an answer repeats."""

_NOTHING = (b"", b"{}", b"null")

_array = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)


def refuse_large_body(request: Request, services: Here) -> None:
    """Refuse a body whose `Content-Length` exceeds the limit, before any of it is read."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > services.settings.max_body_bytes:
        raise TooLarge(services.settings.max_body_bytes)


async def read_json(request: Request, services: Here) -> bytes:
    """Return the JSON body of a request; raise `WrongKind` or `TooLarge`."""
    _kind_of_body(request)
    return await _read_body(request, limit=services.settings.max_body_bytes)


async def read_optional_json(request: Request, services: Here) -> bytes:
    """Return the JSON body of a request that may have none; its kind counts only if there is one."""
    body = await _read_body(request, limit=services.settings.max_body_bytes)
    if body.strip():
        _kind_of_body(request)
    return body


async def read_elements(request: Request, services: Here) -> list[bytes]:
    """Return the JSON text of each element of an array, or of each line of NDJSON.

    Raises
    ------
    WrongKind, TooLarge
    InvalidValue
        The body has neither form.
    """
    kind = _kind_of_body(request, lines=True)
    body = await _read_body(request, limit=services.settings.max_body_bytes)
    try:
        return _lines_of(body) if kind == NDJSON else _elements_of(body)
    except RecursionError:
        raise InvalidValue("body", "is nested too deeply") from None


async def refuse_body(request: Request, services: Here) -> None:
    """Refuse a body on a route that takes none, because it would be ignored."""
    body = await _read_body(request, limit=services.settings.max_body_bytes)
    if body.strip() not in _NOTHING:
        raise InvalidValue("body", "is not accepted by this route: send none")


def _kind_of_body(request: Request, *, lines: bool = False) -> str | None:
    """Return `JSON`, `NDJSON` (if `lines` are accepted), or None if the request does not say.

    Raises
    ------
    WrongKind
        If it names another kind, or an encoding, which would be misread.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise WrongKind(f"the body must be sent as it is, not encoded ({encoding[:50]})")
    kinds = request.headers.getlist("content-type")
    if not kinds:
        return None
    wanted = f"{JSON} or {NDJSON}" if lines else JSON
    sent = ", ".join(kinds)[:_SHOWN]
    refusal = f"the body must be {wanted} in UTF-8, not {sent}: name it in Content-Type"
    if len(kinds) > 1 or len(kinds[0]) > _LONGEST:
        raise WrongKind(refusal)
    header = Message()
    header["Content-Type"] = kinds[0]
    try:
        kind, parameters = header.get_content_type(), header.get_params([])
    except (TypeError, ValueError):  # numbered parts that are no numbers, or do not fit together
        raise WrongKind(refusal) from None
    charsets = [str(value).lower() for name, value in parameters if name.lower() == "charset"]
    if len(charsets) > 1 or not _UTF_8.issuperset(charsets):
        raise WrongKind(refusal)
    if lines and kind in _LINES:
        return NDJSON
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return JSON
    raise WrongKind(refusal)


async def _read_body(request: Request, *, limit: int) -> bytes:
    """Read the body; raise `TooLarge` as soon as it exceeds the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(limit)
        parts.append(part)
    return b"".join(parts)


def _lines_of(body: bytes) -> list[bytes]:
    # Ended by LF or CRLF, as in files; a lone CR is a blank of JSON, and ends nothing.
    return [line for line in body.split(b"\n") if line.strip()]


def _elements_of(body: bytes) -> list[bytes]:
    first = body.lstrip()[:1]
    if first == b"[":
        try:
            return [bytes(element) for element in _array.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidValue("body", f"is not a JSON array: {error}") from None
    if first != b"{" or _is_one_value(body):
        raise InvalidValue(
            "body",
            f"must be a JSON array, or NDJSON (one JSON object per line) with Content-Type {NDJSON}",
        )
    return _lines_of(body)  # NDJSON labelled as JSON


def _is_one_value(body: bytes) -> bool:
    try:
        _any.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
