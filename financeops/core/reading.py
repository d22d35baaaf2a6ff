"""Read requests: from a sender's JSON to a request, or to an error that names the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from financeops.core.card_numbers import without_card_numbers
from financeops.core.choices import none_of
from financeops.core.contract.rates import RatesRequest
from financeops.core.contract.requests import (
    DisputeRequest,
    FeesRequest,
    ImportRequest,
    PaymentRequest,
    RefundRequest,
    SettlementRequest,
)
from financeops.core.contract.texts import MAX_TEXT, OPTION_PATTERN, PAYMENT_ID_PATTERN
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.payments import OPTIONAL

_Request = TypeVar("_Request")
_request_decoder = msgspec.json.Decoder(PaymentRequest)
_import_decoder = msgspec.json.Decoder(ImportRequest)
_refund_decoder = msgspec.json.Decoder(RefundRequest)
_dispute_decoder = msgspec.json.Decoder(DisputeRequest)
_fees_decoder = msgspec.json.Decoder(FeesRequest)
_settlement_decoder = msgspec.json.Decoder(SettlementRequest)
_rates_decoder = msgspec.json.Decoder(RatesRequest)
# The decoders above keep the last value of a repeated name; this one shows all names.
_read_pairs = json.JSONDecoder(object_pairs_hook=list, parse_int=str, parse_float=str).decode

_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_QUOTED = re.compile(r"field `(?P<field>[^`]+)`")
_VALUE = re.compile(r"'(?P<value>.*)'", re.DOTALL)
_LAST = re.compile(r"^.*\.")
_CHOICES: dict[str, type[StrEnum]] = {
    **{field.json: field.choices for field in OPTIONAL if field.choices is not None},
    "kind": FeeKind,
    "status": DisputeStatus,
}
"""The fields of requests that are one of a few texts; a payment's own status is checked with it."""
_KINDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "dict": "an object",
    "array": "an array",
    "datetime": "a time",
}
_OF_KIND = re.compile(r"Expected `([^`]*)`, got `(\w+)`")
_BOUND = re.compile(r"Expected `(?:(str|array|object)` of length|\w+`) ([<>])= ([\d.]+)")
_PATTERNS = {
    f"Expected `str` matching regex {OPTION_PATTERN!r}": "must have names of 1 to 64 of a-z and -",
    f"Expected `str` matching regex {PAYMENT_ID_PATTERN!r}": (
        "must be the id of a payment: 24 hexadecimal digits"
    ),
}
_A_TIME = "must be an ISO 8601 time with its zone, such as 2024-12-09T14:00:00Z"


def read_request(body: bytes) -> PaymentRequest:
    """Decode one payment's JSON.

    Raises
    ------
    InvalidValue
        When the text is not JSON, or a field is missing, unknown, repeated or of the wrong type.
    """
    request = _decode(_request_decoder, body)
    _refuse_repeated_fields(request, body)
    return request


def read_import_request(body: bytes) -> ImportRequest:
    """Decode the JSON of one row of an import; raises as `read_request` does."""
    return read_once(_import_decoder, body)


def read_refund_request(body: bytes) -> RefundRequest:
    """Decode the JSON of a refund; raises as `read_request` does. Nothing, or null, says nothing."""
    if body.strip() in (b"", b"null"):
        return RefundRequest()
    return read_once(_refund_decoder, body)


def read_dispute_request(body: bytes) -> DisputeRequest:
    """Decode the JSON of what is told of a dispute; raises as `read_request` does."""
    return read_once(_dispute_decoder, body)


def read_fees_request(body: bytes) -> FeesRequest:
    """Decode the JSON of fees; raises as `read_request` does."""
    return read_once(_fees_decoder, body)


def read_settlement_request(body: bytes) -> SettlementRequest:
    """Decode the JSON of a settlement; raises as `read_request` does."""
    return read_once(_settlement_decoder, body)


def read_rates_request(body: bytes) -> RatesRequest:
    """Decode the JSON of a day's rates; raises as `read_request` does."""
    return read_once(_rates_decoder, body)


def read_once(decoder: msgspec.json.Decoder[_Request], body: bytes) -> _Request:
    """Decode an object in which no name is repeated; raises as `read_request` does."""
    request = _decode(decoder, body)
    _refuse_repeated_names(body)
    return request


def _decode(decoder: msgspec.json.Decoder[_Request], body: bytes) -> _Request:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        if not body.strip():
            raise InvalidValue("body", "is empty: it must be JSON") from None
        place = _PLACE.match(str(error))
        assert place is not None, "the pattern matches any text"
        # The decoder does not tell which name of an object with free names it means.
        field = (place["path"] or "").lstrip(".").partition("[...]")[0]
        named = _QUOTED.search(place["problem"])
        if field.endswith("]") and named:
            field = f"{field}.{named['field']}"
        if place["problem"].startswith("Invalid enum value") and (known := _choices_of(field)):
            value = _VALUE.search(place["problem"])
            raise none_of(known, value["value"] if value else "", field=field) from None
        # The name of an unknown field is the sender's, and so is a text that is no choice: they
        # may be as long as the body.
        raise InvalidValue(
            without_card_numbers(field or (named["field"] if named else "body"))[:MAX_TEXT],
            without_card_numbers(_plainly(place["problem"]))[: 2 * MAX_TEXT],
        ) from None
    except UnicodeDecodeError:
        raise InvalidValue("body", "must be UTF-8 text") from None
    except RecursionError:
        raise InvalidValue("body", "is nested too deeply") from None


def _refuse_repeated_fields(request: PaymentRequest, body: bytes) -> None:
    """Refuse a repeated name, without decoding again a body that has no room for one."""
    values = astuple(request)
    given = len(values) - values.count(None) - values.count(UNSET)
    # Each given field has a name and a text value, except the amount, which is a number. A body
    # with only the quotes that these need holds no other name, which is true of almost all; pairs
    # are an object of their own, with names of their own.
    if body.count(b'"') != 2 * (2 * given - 1) or body.count(b"{") > 1:
        _refuse_repeated_names(body)


def _refuse_repeated_names(body: bytes) -> None:
    try:
        pairs = _read_pairs(body.decode(errors="replace"))
    except RecursionError:  # the first decoder skips the value of the amount, whatever it is
        raise InvalidValue("body", "is nested too deeply") from None
    for within in _objects(pairs):
        names = [name for name, _ in within]
        if len(set(names)) < len(names):
            repeated = next(name for place, name in enumerate(names) if name in names[:place])
            raise InvalidValue(
                without_card_numbers(repeated)[:MAX_TEXT], "is given more than once: give it once"
            )


def _objects(value: object) -> Iterator[list[tuple[str, object]]]:
    """The objects in a value of `_read_pairs`; an empty array counts as one."""
    left = [value]
    while left:  # not recursive: it may be nested deeply
        within = left.pop()
        if not isinstance(within, list):
            continue
        if all(isinstance(each, tuple) for each in within):
            yield within
            left += (inner for _, inner in within)
        else:
            left += within


def _choices_of(field: str) -> list[str]:
    """The values that a field may have, if it is one of a few texts."""
    choices = _CHOICES.get(_LAST.sub("", field))
    return [each.value for each in choices or ()]


def _plainly(problem: str) -> str:
    """Reword the decoder's message in the terms of this API."""
    if "RFC3339" in problem or "timezone component" in problem:
        return _A_TIME
    if mismatch := _OF_KIND.fullmatch(problem):
        wanted, got = mismatch.groups()
        kinds = [_KINDS.get(kind, kind) for kind in wanted.split(" | ")]
        return f"must be {' or '.join(kinds)}, not {_KINDS.get(got, got)}"
    if bound := _BOUND.fullmatch(problem):
        text, side, limit = bound.groups()
        number = int(float(limit))
        most = f"at {'least' if side == '>' else 'most'} {number:,}"
        unit = {"str": "character", "array": "element", "object": "member"}.get(text)
        return f"must have {most} {unit}{'s'[: number != 1]}" if unit else f"must be {most}"
    if problem.endswith("a multiple of 1.0"):
        return "must be a whole number"
    if problem in _PATTERNS:
        return _PATTERNS[problem]
    if problem == "Input data was truncated":
        return "ends too early, or holds half of a surrogate pair such as \\ud800"
    if problem.startswith("Object missing required field"):
        return "is missing"
    if problem.startswith("Object contains unknown field"):
        return "is not a known field"
    return problem.replace("`", "'")
