"""Check requests: from a request to a valid `Draft`, or to an error that names the field."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from financeops.core.checks import check_key, check_pairs, refuse_card_number
from financeops.core.choices import none_of
from financeops.core.contract.requests import PaymentRequest
from financeops.core.contract.texts import MAX_TEXT
from financeops.core.errors import InvalidValue
from financeops.core.fields import Field, Kind
from financeops.core.money import check_currency, significant, to_minor
from financeops.core.payments import OPTIONAL, Draft, Source, Status, Tenant
from financeops.core.periods import EPOCH, floor_millisecond
from financeops.core.wire import timestamp

AHEAD = timedelta(minutes=5)
"""How far in the future `createdAt` may lie: clocks differ."""

_ALLOWED_TIME = "must lie between 1970 and 5 minutes from now"

# Computed once: `fields` evaluates every annotation again, which took longer than recording.
_FIELDS = [(field.name, field.encode_name) for field in msgspec.structs.fields(PaymentRequest)]


def draft_of(
    request: PaymentRequest,
    *,
    tenant: Tenant,
    methods: Collection[str],
    now: datetime,
    source: str = Source.API,
) -> Draft:
    """Check a request, and fill in its defaults.

    Parameters
    ----------
    request : PaymentRequest
    tenant : Tenant
        Whose payment it is; gives the default currency.
    methods : collection of str
        The accepted payment methods.
    now : datetime
        The default of `createdAt`, which may exceed it by 5 minutes at most.
    source : str
        Where the payment comes from. Only an import may carry status ``refunded``.

    Raises
    ------
    InvalidValue
        Naming the first field that is wrong.
    """
    currency = request.currency if request.currency is not None else tenant.currency
    amount = to_minor(number_in(request.amount), currency)
    if request.method not in methods:
        raise none_of(sorted(methods), request.method, field="method")
    status = _status(request.status, importing=source == Source.IMPORT)
    created_at = checked_moment("createdAt", request.created_at, now) or floor_millisecond(now)
    check_currency(currency, created_at)
    others: dict[str, Any] = {}
    back = getattr(request, "refunded_amount")  # noqa: B009 - added by `with_fields`
    if back is not UNSET:
        if source != Source.IMPORT:
            raise InvalidValue(
                "refundedAmount", "is only for imports: use POST /payments/{id}/refund"
            )
        others["refunded_amount"] = _refunded(back, status, amount, currency)
    for field in _CHECKED:
        value = getattr(request, field.name)
        if value is not None and value is not UNSET:
            others[field.name] = _checked(field, value, status, created_at, now)
    return Draft(
        tenant_id=tenant.id,
        amount=amount,
        currency=currency,
        method=request.method,
        status=status,
        created_at=created_at,
        source=source,
        **others,
    )


def request_hash(request: PaymentRequest) -> str:
    """Digest of a request before defaults: tells a repetition from another request.

    Requests that mean the same (``1.0`` and ``1.00``, another order of fields, ``null`` or a field
    left out) have the same digest.
    """
    given: dict[str, Any] = {}
    for name, encode_name in _FIELDS:
        value = getattr(request, name)
        if isinstance(value, Raw):
            value = significant(number_in(value))
        elif isinstance(value, datetime):
            value = timestamp(_utc(encode_name, value))
        if value is not None and value is not UNSET:
            given[name] = value
    return hashlib.sha256(msgspec.json.encode(given, order="sorted")).hexdigest()


def number_in(raw: Raw, field: str = "amount") -> Decimal:
    """Return the number of a request exactly; raise `InvalidValue` naming `field` if it is none."""
    text = bytes(raw)
    # Raw holds valid JSON: unless it begins like a number, it is a string, null, list or object.
    if text[:1] not in b"-0123456789":
        raise InvalidValue(field, "must be a JSON number such as 1850.5")
    if len(text) > MAX_TEXT:
        raise InvalidValue(field, f"must have at most {MAX_TEXT} characters")
    try:
        return Decimal(text.decode())
    except ArithmeticError:
        raise InvalidValue(field, "must be a number such as 1850.5") from None


_RECORDED = {status.value: status for status in (Status.SUCCESS, Status.FAILED)}
_IMPORTED = {status.value: status for status in Status}


def _refunded(raw: Raw, status: Status, amount: int, currency: str) -> int | None:
    """What was given back of an imported payment; None if nothing was."""
    field = "refundedAmount"
    try:
        back = to_minor(number_in(raw), currency)
    except InvalidValue as error:
        raise InvalidValue(field, error.problem) from None
    least, most = {
        Status.FAILED: (0, 0),
        Status.SUCCESS: (0, max(amount - 1, 0)),
        Status.REFUNDED: (amount, amount),
    }[status]
    if not least <= back <= most:
        raise InvalidValue(
            field, "must be the amount of a refunded payment, less than that of a succeeded one"
        )
    return back or None


def _status(text: str, *, importing: bool) -> Status:
    allowed = _IMPORTED if importing else _RECORDED
    if (status := allowed.get(text)) is not None:
        return status
    if text == Status.REFUNDED:
        raise InvalidValue("status", "a payment becomes refunded by POST /payments/{id}/refund")
    raise none_of(allowed, text, field="status")


def checked_moment(field: str, instant: datetime | None, now: datetime) -> datetime | None:
    """Return a moment of a request in UTC; raise `InvalidValue` if it is before 1970 or to come."""
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
    """Return the value of an optional field as a draft holds it, or refuse it."""
    if isinstance(value, datetime):
        value = checked_moment(field.json, value, now)
    if field.only is not None and status is not field.only:
        raise InvalidValue(field.json, f"is only for a {field.only} payment")
    if isinstance(value, datetime):
        if value < created_at:
            raise InvalidValue(field.json, "must not be before createdAt")
    elif field.kind is Kind.PAIRS:
        return check_pairs(value, field.json)
    elif field.choices is None:
        if (pattern := field.text.pattern) is None:
            check_key(value, field.json)
        elif not pattern.fullmatch(value):
            raise InvalidValue(field.json, field.text.problem)
        else:
            refuse_card_number(value, field.json)
    return value


# If several fields are wrong, the first in this order is named: those that depend on other fields
# come first.
_CHECKED = sorted(
    (field for field in OPTIONAL if field.kind is not Kind.INTEGER),
    key=lambda field: (
        field.kind is not Kind.INSTANT,
        field.only is None,
        field.text.pattern is None,
    ),
)
