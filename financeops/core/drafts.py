"""From what a sender wrote to a valid `Draft`, or to an error that names the field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import astuple

from financeops.core.contract.requests import ImportRequest, PaymentRequest
from financeops.core.contract.texts import CONTROL, MAX_TEXT, TENANT_PATTERN, WORD_PATTERN
from financeops.core.errors import InvalidValue
from financeops.core.fields import Field, Kind, written
from financeops.core.money import check_currency, significant, to_minor
from financeops.core.payments import OPTIONAL, Draft, Source, Status, Tenant
from financeops.core.periods import EPOCH, floor_millisecond
from financeops.core.wire import timestamp

AHEAD = timedelta(minutes=5)
"""How far in the future `createdAt` may lie: clocks differ."""

TENANT_ID = re.compile(TENANT_PATTERN)
METHOD = re.compile(WORD_PATTERN)

_ALLOWED_TIME = "must lie between 1970 and 5 minutes from now"

_Request = TypeVar("_Request")
# Once: `fields` evaluates every annotation anew, which took longer than to record a payment.
_FIELDS = [(field.name, field.encode_name) for field in msgspec.structs.fields(PaymentRequest)]
_request_decoder = msgspec.json.Decoder(PaymentRequest)
_import_decoder = msgspec.json.Decoder(ImportRequest)
# As the decoder above, but for a name that is there twice, of which that one keeps the last.
_read_pairs = json.JSONDecoder(object_pairs_hook=list, parse_int=str, parse_float=str).decode

_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_QUOTED = re.compile(r"field `(?P<field>[^`]+)`")


def read_request(body: bytes) -> PaymentRequest:
    """Decode one payment's JSON.

    Raises
    ------
    InvalidValue
        When the text is not JSON, a field is missing, unknown, of the wrong type or there twice.
    """
    request = read_as(_request_decoder, body)
    _refuse_twice(request, body)
    return request


def read_import_request(body: bytes) -> ImportRequest:
    """Decode the JSON of one row of an import; raises as `read_request` does."""
    return read_once(_import_decoder, body)


def read_once(decoder: msgspec.json.Decoder[_Request], body: bytes) -> _Request:
    """Decode an object in which no name is there twice; raises as `read_request` does."""
    request = read_as(decoder, body)
    _refuse_names_twice(body)
    return request


def read_as(decoder: msgspec.json.Decoder[_Request], body: bytes) -> _Request:
    """Decode what a sender wrote; raises as `read_request` does."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        if not body.strip():
            raise InvalidValue("body", "is empty: it must be JSON") from None
        place = _PLACE.match(str(error))
        assert place is not None, "the pattern matches any text"
        field = (place["path"] or "").lstrip(".")
        named = _QUOTED.search(place["problem"])
        # An unknown field's name is the sender's: it may be as long as the body.
        raise InvalidValue(
            (field or (named["field"] if named else "body"))[:MAX_TEXT],
            _plainly(place["problem"])[: 2 * MAX_TEXT],
        ) from None
    except UnicodeDecodeError:
        raise InvalidValue("body", "must be UTF-8 text") from None
    except RecursionError:
        raise InvalidValue("body", "is nested too deeply") from None


def draft_of(
    request: PaymentRequest,
    *,
    tenant: Tenant,
    methods: Collection[str],
    now: datetime,
    source: str = Source.API,
) -> Draft:
    """Check a request against everything that is known, and fill in its defaults.

    Parameters
    ----------
    request : PaymentRequest
    tenant : Tenant
        Whose payment it is; gives the default currency.
    methods : collection of str
        The accepted payment methods.
    now : datetime
        The default of `createdAt`, and what it may exceed by 5 minutes at most.
    source : str
        Where the payment comes from. Only an import may carry status ``refunded``.

    Raises
    ------
    InvalidValue
        Naming the first field that is wrong.
    """
    currency = request.currency if request.currency is not None else tenant.currency
    amount = to_minor(_number(request.amount), currency)
    if request.method not in methods:
        raise InvalidValue("method", f"must be one of {', '.join(sorted(methods))}")
    status = _status(request.status, importing=source == Source.IMPORT)
    created_at = _instant("createdAt", request.created_at, now) or floor_millisecond(now)
    check_currency(currency, created_at)
    draft: Draft = _draft(request, tenant.id, amount, currency, status, created_at, now, source)
    return draft


def request_hash(request: PaymentRequest) -> str:
    """Digest of what was asked, before defaults: tells a repetition from another request.

    Two texts that mean the same (``1.0`` and ``1.00``, another order of fields, ``null`` or
    nothing) have the same digest.
    """
    said: dict[str, Any] = {}
    for name, encode_name in _FIELDS:
        value = getattr(request, name)
        if isinstance(value, Raw):
            value = significant(_number(value))
        elif isinstance(value, datetime):
            value = timestamp(_utc(encode_name, value))
        if value is not None and value is not UNSET:
            said[name] = value
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def check_tenant_id(tenant_id: str, field: str = "tenantId") -> str:
    """Return the id if it is one; raises `InvalidValue` naming `field`."""
    if not TENANT_ID.fullmatch(tenant_id):
        raise InvalidValue(field, "must be 1 to 64 letters, digits, '_', '-' or '.'")
    return tenant_id


def check_key(key: str, field: str) -> str:
    """Return an idempotency key, a reference or a customer if it may be one.

    Raises
    ------
    InvalidValue
        It has too few or too many characters, a control character, or blanks at its ends: to a
        person, and in a file, `` k1`` is ``k1``.
    """
    if not 1 <= len(key) <= MAX_TEXT:
        raise InvalidValue(field, f"must have 1 to {MAX_TEXT} characters")
    refuse_control_characters(key, field)
    if key != key.strip():
        raise InvalidValue(field, "must not begin or end with a blank: leave it out")
    return key


def refuse_control_characters(text: str, field: str) -> None:
    """Raise `InvalidValue` if a text holds one: what shows it might do as it says."""
    if found := CONTROL.search(text):
        raise InvalidValue(field, f"must not hold control characters: U+{ord(found[0]):04X} is one")


def _refuse_twice(request: PaymentRequest, body: bytes) -> None:
    """Refuse a name that is there twice: the decoder keeps the last one without a word."""
    values = astuple(request)
    given = len(values) - values.count(None) - values.count(UNSET)
    # Each field that was given is a name and a text, but for the amount's number. A text with just
    # the quotes that these need has no room for more: almost all are done with here.
    if body.count(b'"') != 2 * (2 * given - 1):
        _refuse_names_twice(body)


def _refuse_names_twice(body: bytes) -> None:
    try:
        names = [name for name, _ in _read_pairs(body.decode(errors="replace"))]
    except RecursionError:  # the decoder before it passes over what an amount holds
        raise InvalidValue("body", "is nested too deeply") from None
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise InvalidValue(twice, "is given more than once: give it once")


_KINDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "datetime": "a time",
}
_OF_KIND = re.compile(r"Expected `([^`]*)`, got `(\w+)`")
_BOUND = re.compile(r"Expected `(?:(str)` of length|\w+`) ([<>])= ([\d.]+)")
_A_TIME = "must be an ISO 8601 time with its zone, such as 2024-12-09T14:00:00Z"


def _plainly(problem: str) -> str:
    """What the decoder says, as we say it."""
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
        return f"must have {most} character{'s'[: number != 1]}" if text else f"must be {most}"
    if problem.endswith("a multiple of 1.0"):
        return "must be a whole number"
    if problem == "Input data was truncated":
        return "ends too early, or holds half of a surrogate pair such as \\ud800"
    if problem.startswith("Object missing required field"):
        return "is missing: a payment needs it"
    if problem.startswith("Object contains unknown field"):
        return "is no field of a payment"
    return problem.replace("`", "'")


def _number(raw: Raw) -> Decimal:
    text = bytes(raw)
    # Raw holds valid JSON: what does not begin like a number is a string, null, list or object.
    if text[:1] not in b"-0123456789":
        raise InvalidValue("amount", "must be a JSON number such as 1850.5")
    if len(text) > MAX_TEXT:
        raise InvalidValue("amount", f"must have at most {MAX_TEXT} characters")
    try:
        return Decimal(text.decode())
    except ArithmeticError:
        raise InvalidValue("amount", "must be a number such as 1850.5") from None


_RECORDED = {status.value: status for status in (Status.SUCCESS, Status.FAILED)}
_IMPORTED = {status.value: status for status in Status}


def _status(text: str, *, importing: bool) -> Status:
    allowed = _IMPORTED if importing else _RECORDED
    if (status := allowed.get(text)) is not None:
        return status
    if text == Status.REFUNDED:
        raise InvalidValue("status", "a payment becomes refunded by POST /payments/{id}/refund")
    raise InvalidValue("status", f"must be one of {', '.join(allowed)}")


def _instant(field: str, instant: datetime | None, now: datetime) -> datetime | None:
    if instant is None:
        return None
    utc = _utc(field, instant)
    if not EPOCH <= utc <= now + AHEAD:
        raise InvalidValue(field, _ALLOWED_TIME)
    return utc


def _utc(field: str, instant: datetime) -> datetime:
    try:
        return floor_millisecond(instant.astimezone(UTC))
    except OverflowError:  # in UTC it would lie before the year 1 or after 9999
        raise InvalidValue(field, _ALLOWED_TIME) from None


def _checked(field: Field, value: Any, status: Status, created_at: datetime, now: datetime) -> Any:
    """What a sender may leave out, as a draft has it."""
    if isinstance(value, datetime):
        value = _instant(field.json, value, now)
    if field.only is not None and status is not field.only:
        raise InvalidValue(field.json, f"is only for a {field.only} payment")
    if isinstance(value, datetime):
        if value < created_at:
            raise InvalidValue(field.json, "must not be before createdAt")
    elif field.choices is None:
        if (pattern := field.text.pattern) is None:
            check_key(value, field.json)
        elif not pattern.fullmatch(value):
            raise InvalidValue(field.json, field.text.problem)
    return value


def _optional(field: Field) -> str:
    value = f"request.{field.name}"
    checked = f"checked({field.name}_field, {value}, status, created_at, now)"
    return f"{field.name}={checked} if {value} is not None and {value} is not UNSET else None"


# Of several that are wrong the first of these is named: what other fields decide on comes first.
_CHECKED = sorted(
    OPTIONAL,
    key=lambda field: (
        field.kind is not Kind.INSTANT,
        field.only is None,
        field.text.pattern is None,
    ),
)
_draft = written(
    "request, tenant_id, amount, currency, status, created_at, now, source",
    "Draft(tenant_id=tenant_id, amount=amount, currency=currency, method=request.method, "
    "status=status, created_at=created_at, source=source, "
    f"{', '.join(map(_optional, _CHECKED))})",
    Draft=Draft,
    UNSET=UNSET,
    checked=_checked,
    **{f"{field.name}_field": field for field in OPTIONAL},
)
