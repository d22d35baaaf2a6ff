"""Hypothesis strategies for the values of the domain."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from iso4217 import raw_table
from msgspec.structs import replace

from financeops.core.activity import ActKind
from financeops.core.acts import GivenBack, in_order
from financeops.core.contract.texts import CONTROL
from financeops.core.declines import Authentication, DeclineKind, FailureStage
from financeops.core.dimensions import Dimension, Outcome
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.fees import Fee, FeeKind, fees_in_order
from financeops.core.money import MAX_MINOR
from financeops.core.payments import (
    UNKNOWN_KIND,
    Change,
    Earlier,
    Funding,
    Payment,
    Source,
    Status,
    earlier_of,
)
from financeops.core.periods import MILLISECOND, Window
from financeops.core.reporting import LARGEST
from financeops.core.rollup import FURTHER, Rollup

ZONES = [
    "UTC",
    "Africa/Cairo",  # changes its clock at midnight
    "Africa/Casablanca",  # clock changes around Ramadan
    "America/Caracas",  # moved by half an hour in 2007 and 2016
    "America/Havana",  # the day of the change begins at 1:00
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",  # changed at midnight until 2019
    "America/St_Johns",  # half past; changed at 0:01 until 2011
    "Asia/Beirut",  # changes at midnight
    "Asia/Kathmandu",  # +5:45
    "Asia/Kolkata",  # +5:30
    "Asia/Tehran",  # half past, changed at midnight until 2022
    "Asia/Tokyo",
    "Australia/Adelaide",  # half past with clock changes
    "Australia/Lord_Howe",  # the clock changes by half an hour
    "Europe/Berlin",
    "Europe/London",
    "Pacific/Apia",  # skipped 30 December 2011
    "Pacific/Chatham",  # +12:45 with clock changes
]
"""Twenty zones, odd ones among them."""

CURRENCIES = sorted(
    code for code, row in raw_table.items() if str(row.get("CcyMnrUnts", "")).isdigit()
)
"""Every ISO 4217 currency that has a minor unit."""

METHODS = ["card", "bank_transfer", "crypto", "paypal"]
DECLINE_CODES = ["insufficient_funds", "do_not_honor", "expired_card", "issuer_unavailable"]

currencies = st.sampled_from(CURRENCIES)
methods = st.sampled_from(METHODS)
zones = st.sampled_from(ZONES).map(ZoneInfo)
amounts = st.one_of(st.integers(0, 100_000), st.integers(0, MAX_MINOR))
ids = st.integers(0, 16**24 - 1).map("{:024x}".format)
minor_sums = st.integers(0, 10**24)

_words = st.text(ascii_lowercase + digits + "_", min_size=1, max_size=12)
_texts = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
    .map(lambda text: CONTROL.sub("", text).strip())
    .filter(bool)
)

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2030, 1, 1, tzinfo=UTC)


def instants(earliest=EARLIEST, latest=LATEST):
    """Moments in UTC to the millisecond, both ends included."""
    return st.integers(0, (latest - earliest) // MILLISECOND).map(
        lambda n: earliest + n * MILLISECOND
    )


@st.composite
def windows(draw, longest=timedelta(days=800)):
    """Windows of any length up to `longest`, never empty."""
    start = draw(instants())
    lengths = st.one_of(
        st.integers(1, timedelta(hours=1) // MILLISECOND),
        st.integers(1, timedelta(days=3) // MILLISECOND),
        st.integers(1, longest // MILLISECOND),
    )
    return Window(start, start + draw(lengths) * MILLISECOND)


_countries = st.text(ascii_uppercase, min_size=2, max_size=2)
_details = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        "order_id": _texts,
        "processor": _words,
        "network": _words,
        "funding": st.sampled_from(Funding),
        "issuer_country": _countries,
        "bin": st.text(digits, min_size=6, max_size=8),
        "last4": st.text(digits, min_size=4, max_size=4),
        "channel": _words,
        "authentication": st.sampled_from(Authentication),
        "metadata": st.dictionaries(_texts, st.just("") | _texts, min_size=1, max_size=3),
    },
)
"""What most payments do not say of themselves."""


@st.composite
def refunds_of(draw, returned, since):
    """Refunds of parts that add up to what was given back."""
    cuts = draw(st.sets(st.integers(1, returned - 1), max_size=3)) if returned > 1 else set()
    edges = [0, *sorted(cuts), returned]
    return in_order(
        GivenBack(
            at=draw(instants(since, since + timedelta(days=90))),
            id=draw(ids),
            amount=end - start,
            reason=draw(st.none() | _words),
        )
        for start, end in pairwise(edges)
    )


def fees_since(since, amount):
    """Some fees of a payment of this amount."""
    moments = instants(since, since + timedelta(days=90))
    sums = st.integers(-amount, amount)
    fees = st.builds(Fee, at=moments, kind=st.sampled_from(FeeKind), amount=sums)
    return st.lists(fees, min_size=1, max_size=3).map(fees_in_order)


@st.composite
def told_of(draw, amount, since, *, failed):
    """What became of the money of a payment: of most, nothing is told."""
    if draw(st.integers(0, 2)):
        return {}
    told = {"revision": draw(st.none() | st.integers(1, 9))}
    moments = instants(since, since + timedelta(days=90))
    if not failed and draw(st.booleans()):
        status = draw(st.sampled_from(DisputeStatus))
        opened = draw(moments if status is DisputeStatus.OPEN else st.none() | moments)
        closed = None if status is DisputeStatus.OPEN else draw(moments)
        if opened and closed:
            opened, closed = sorted([opened, closed])
        told["dispute"] = Disputed(
            id=draw(_texts),
            amount=draw(st.integers(0, amount)),
            status=status,
            opened_at=opened,
            closed_at=closed,
            reason=draw(st.none() | _texts),
        )
    if draw(st.booleans()):
        told["fees"] = draw(fees_since(since, amount))
        told["fee_amount"] = sum(each.amount for each in told["fees"])
    if not failed and draw(st.booleans()):
        told |= {"payout_id": draw(_texts), "settled_at": draw(moments)}
        if draw(st.booleans()):
            told["settled_amount"] = draw(st.integers(-amount, amount))
            told["settled_currency"] = draw(currencies)
    return told


@st.composite
def reporting(draw, *, currencies=currencies, but=None):
    """What the ledger says of a payment in another currency than its tenant's; of most, nothing."""
    target = draw(currencies)
    said = draw(st.sampled_from(["", "", "waits", "converted"]))
    if not said or target == but:
        return {}
    if said == "waits":
        return {"reporting_currency": target}
    return {
        "reporting_currency": target,
        "reporting_amount": draw(st.integers(0, LARGEST)),
        "rate": format(Decimal(draw(st.integers(1, 10**12))).scaleb(-6), "f"),
        "rate_date": str(draw(st.dates(date(1970, 1, 1), date(2099, 12, 31)))),
        "rate_source": draw(_words),
    }


@st.composite
def payments(draw, *, currencies=currencies, created=None, amounts=amounts):
    """Any payment that may be in the ledger."""
    status = draw(st.sampled_from(Status))
    created_at = draw(instants() if created is None else created)
    refunded_at = None
    if status is Status.REFUNDED:
        refunded_at = draw(st.none() | instants(created_at, created_at + timedelta(days=90)))
    failed = status is Status.FAILED
    amount = draw(amounts)
    returned = amount if status is Status.REFUNDED else None
    if status is Status.SUCCESS and amount > 1:
        returned = draw(st.none() | st.integers(1, amount - 1))
    refunds = draw(st.none() | refunds_of(returned, created_at)) if returned else None
    if refunds and status is Status.REFUNDED:
        refunded_at = refunds[-1].at
    details = draw(_details)
    currency = draw(currencies)
    attempt = recovered_by = None
    if "order_id" in details:
        attempt = draw(st.none() | st.integers(1, 3))
    if failed and attempt == 1:
        recovered_by = draw(st.none() | st.integers(2, 4))
    return Payment(
        id=draw(ids),
        attempt=attempt,
        recovered_by=recovered_by,
        tenant_id="tenant_1",
        amount=amount,
        currency=currency,
        method=draw(methods),
        status=status,
        created_at=created_at,
        updated_at=refunded_at or created_at,
        source=draw(st.sampled_from(Source)).value,
        reference=draw(st.none() | _texts),
        customer_id=draw(st.none() | _texts),
        country=draw(st.none() | _countries),
        decline_code=draw(st.none() | st.sampled_from(DECLINE_CODES) | _words) if failed else None,
        decline_group=draw(st.none() | st.just("other")) if failed else None,
        refunded_at=refunded_at,
        refunded_amount=returned,
        refunds=refunds,
        failure_stage=draw(st.none() | st.sampled_from(FailureStage)) if failed else None,
        decline_kind=draw(st.none() | st.sampled_from(DeclineKind)) if failed else None,
        **details,
        **draw(told_of(amount, created_at, failed=failed)),
        **draw(reporting(currencies=currencies, but=currency)),
    )


_earlier = st.builds(
    Earlier,
    refunded_at=st.none() | instants(),
    refunds=st.none() | refunds_of(1850, EARLIEST),
    fees=st.none() | fees_since(EARLIEST, 1850),
    dispute=st.none()
    | st.builds(
        Disputed,
        id=_texts,
        amount=st.integers(0, MAX_MINOR),
        status=st.sampled_from(DisputeStatus),
        opened_at=st.none() | instants(),
    ),
    fee_amount=st.none() | st.integers(-MAX_MINOR, MAX_MINOR),
    revision=st.none() | st.integers(1, 9),
    attempt=st.none() | st.integers(1, 6),
    recovered_by=st.none() | st.integers(2, 6),
)
_counted = ("reporting_currency", "reporting_amount", "rate")
earlier = st.tuples(_earlier, reporting()).map(
    lambda both: replace(both[0], **{name: both[1].get(name) for name in _counted})
)
"""How a payment was counted before."""


@st.composite
def changes(draw, payments=payments()):  # noqa: B008 - a strategy is a value
    """A new payment, the refund of an earlier one, or the removal of either."""
    changed = draw(payments)
    previous = returned = None
    removed = draw(st.booleans())
    if removed:
        previous, returned = changed.status, changed.refunded_amount
    elif changed.returned and draw(st.booleans()):
        previous = Status.SUCCESS
        returned = draw(st.integers(0, changed.returned - 1)) or None
    elif changed.status is Status.SUCCESS and draw(st.booleans()):
        previous, returned = Status.REFUNDED, changed.amount
    return Change(
        seq=draw(st.integers(1, 2**63 - 1)),
        at=draw(instants(changed.updated_at, changed.updated_at + timedelta(minutes=1))),
        payment=changed,
        previous_status=previous,
        previous_refunded=returned,
        earlier=draw(earlier) if previous and not removed and draw(st.booleans()) else None,
        removed=removed,
    )


def left_after(history):
    """Payments as they are after changes."""
    payments = {}
    for each in history:
        payments[each.payment.id] = each.payment
        if each.removed:
            del payments[each.payment.id]
    return list(payments.values())


@st.composite
def histories(draw, *, created=None, currencies=st.just("USD")):  # noqa: B008 - a value
    """Changes of one tenant in order: payments come in, some are refunded, some taken back.

    Some are refunded in parts, and some refunds of the whole are taken back to a part; some get another
    number in their order; of some it is told later that they were disputed, what they cost, or how that
    ended.
    """
    recorded = draw(
        st.lists(
            payments(currencies=currencies, created=created),
            min_size=1,
            max_size=12,
            unique_by=lambda payment: payment.id,
        )
    )
    events = [(payment, None, False) for payment in recorded]
    for payment in recorded:
        if payment.attempt is not None and draw(st.booleans()):
            first = payment
            payment = replace(first, attempt=first.attempt + 1, recovered_by=None)  # noqa: PLW2901
            events.append((payment, first, False))
        last = payment
        if payment.status is Status.SUCCESS and payment.amount > 1 and draw(st.booleans()):
            more = draw(st.integers(payment.returned, payment.amount - 1)) or None
            if more != payment.refunded_amount:
                last = replace(payment, refunded_amount=more, refunds=None)
                events.append((last, payment, False))
        part = last
        if payment.status is Status.SUCCESS and draw(st.booleans()):
            whole = {"status": Status.REFUNDED, "refunded_amount": payment.amount, "refunds": None}
            last = replace(part, **whole, refunded_at=payment.created_at)
            events.append((last, part, False))
            if draw(st.booleans()):
                last = part
                events.append((last, replace(part, **whole), False))
        for _ in range(draw(st.integers(0, 2))):
            fresh = {"dispute": None, "fees": None, "fee_amount": None, "revision": None}
            since = payment.created_at
            failed = payment.status is Status.FAILED
            fresh |= draw(told_of(payment.amount, since, failed=failed))
            told = replace(last, **fresh)
            if told != last:
                events.append((told, last, False))
                last = told
        if draw(st.integers(0, 3)) == 0:
            events.append((last, last, True))
    return [
        Change(
            seq=seq,
            at=payment.updated_at,
            payment=payment,
            previous_status=before and before.status,
            previous_refunded=before and before.refunded_amount,
            earlier=before and earlier_of(before, payment),
            removed=removed,
        )
        for seq, (payment, before, removed) in enumerate(events, start=1)
    ]


_counts = st.tuples(st.integers(-1000, 1000), st.integers(-(10**15), 10**15))

_LEVELS = {
    "method": methods,
    "stage": st.sampled_from(FailureStage).map(str),
    "status": st.sampled_from(DisputeStatus).map(str),
    "act": st.sampled_from(ActKind).map(str),
    "currency": currencies,
    "kind": st.sampled_from([*DeclineKind, UNKNOWN_KIND]).map(str),
    "dimension": st.sampled_from([each.value for each in Dimension if each != "method"]),
    "value": _words | _countries,
    "outcome": st.sampled_from(Outcome).map(str),
}
"""Values of each level of the further parts of a rollup."""

_further = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.tuples(*map(_LEVELS.get, levels)), _counts, max_size=3)
        for name, levels in FURTHER.items()
    },
)

rollups = st.builds(
    Rollup,
    st.dictionaries(st.tuples(methods, st.sampled_from(Status)), _counts, max_size=6),
    st.dictionaries(st.tuples(methods, st.sampled_from(DECLINE_CODES)), _counts, max_size=6),
    st.dictionaries(st.tuples(methods, st.integers(0, 23)), st.integers(-1000, 1000), max_size=6),
    _further,
)
"""Any rollup, differences included: counts may be negative."""
