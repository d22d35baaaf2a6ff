"""Check requests: from a request to a valid `Draft`, or to an error that names the field."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from financeops.core.checks import check_key, check_pairs, refuse_card_number
from financeops.core.choices import none_of
from financeops.core.contract.requests import FeeRequest, PaymentRequest
from financeops.core.costs import COSTS, costs_of
from financeops.core.errors import InvalidValue
from financeops.core.fields import Field, Kind
from financeops.core.money import check_currency, significant, to_minor
from financeops.core.numbers import checked_moment, number_in, utc_of
from financeops.core.payments import OPTIONAL, Draft, Source, Status, Tenant
from financeops.core.periods import floor_millisecond
from financeops.core.wire import timestamp

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
    others |= costs_of(
        request,
        currency=currency,
        status=status,
        created_at=created_at,
        now=now,
        importing=source == Source.IMPORT,
    )
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
        value = _said(getattr(request, name), encode_name)
        if value is not None and value is not UNSET:
            given[name] = value
    return hashlib.sha256(msgspec.json.encode(given, order="sorted")).hexdigest()


def _said(value: Any, field: str) -> Any:
    match value:
        case Raw() if bytes(value) == b"null":
            return None
        case Raw():
            return significant(number_in(value, field))
        case datetime():
            return timestamp(utc_of(field, value))
        case [FeeRequest(), *_]:
            named = [(each.kind, each.amount, each.at) for each in value]
            return [[_said(part, field) for part in each] for each in named]
        case []:
            return None
        case _:
            return value


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
    (field for field in OPTIONAL if field.kind is not Kind.INTEGER and field.name not in COSTS),
    key=lambda field: (
        field.kind is not Kind.INSTANT,
        field.only is None,
        field.text.pattern is None,
    ),
)
