"""From a request to a valid `Draft`, or to an error that names the field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from financeops.core.checks import check_key
from financeops.core.contract.requests import PaymentRequest
from financeops.core.contract.texts import COUNTRY_PATTERN, MAX_TEXT, WORD_PATTERN
from financeops.core.errors import InvalidValue
from financeops.core.money import check_currency, significant, to_minor
from financeops.core.payments import Draft, Source, Status, Tenant
from financeops.core.periods import EPOCH, floor_millisecond
from financeops.core.wire import timestamp

AHEAD = timedelta(minutes=5)
"""How far in the future `createdAt` may lie: clocks differ."""

_DECLINE_CODE = re.compile(WORD_PATTERN)
_COUNTRY = re.compile(COUNTRY_PATTERN)

_ALLOWED_TIME = "must lie between 1970 and 5 minutes from now"

# Once: `fields` evaluates every annotation anew, which took longer than to record a payment.
_FIELDS = [(field.name, field.encode_name) for field in msgspec.structs.fields(PaymentRequest)]


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
    refunded = None if request.refunded_at is UNSET else request.refunded_at
    refunded_at = _instant("refundedAt", refunded, now)
    if refunded_at is not None and status is not Status.REFUNDED:
        raise InvalidValue("refundedAt", "is only for a refunded payment")
    if refunded_at is not None and refunded_at < created_at:
        raise InvalidValue("refundedAt", "must not be before createdAt")
    if request.decline_code is not None:
        if status is not Status.FAILED:
            raise InvalidValue("declineCode", "is only for a failed payment")
        if not _DECLINE_CODE.fullmatch(request.decline_code):
            raise InvalidValue("declineCode", "must be 1 to 64 of a-z, 0-9 and _")
    if request.country is not None and not _COUNTRY.fullmatch(request.country):
        raise InvalidValue("country", "must be an ISO 3166 code such as 'DE'")
    return Draft(
        tenant_id=tenant.id,
        amount=amount,
        currency=currency,
        method=request.method,
        status=status,
        created_at=created_at,
        source=source,
        reference=_text("reference", request.reference),
        customer_id=_text("customerId", request.customer_id),
        country=request.country,
        decline_code=request.decline_code,
        refunded_at=refunded_at,
    )


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


def _status(text: str, *, importing: bool) -> Status:
    allowed = [Status.SUCCESS, Status.FAILED, *([Status.REFUNDED] if importing else [])]
    if text in allowed:
        return Status(text)
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


def _text(field: str, text: str | None) -> str | None:
    return text if text is None else check_key(text, field)
