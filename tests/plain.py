"""Compute what the API should answer from exported payments: slowly, plainly, without our code.

Terms are those of the contract. No function here knows rollups, pages or grains: time is looked up in a calendar,
payments are counted one by one, and rates are fractions that are rounded once.
"""

from __future__ import annotations

import calendar
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
DAYS = {"day": 1, "week": 7, "month": 30}
FEED = 100
STAGES = ["authentication", "blocked", "declined", "technical", "abandoned"]
DIMENSIONS = [
    *("method", "processor", "network", "funding"),
    *("country", "issuerCountry", "channel", "authentication"),
]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


class Act(NamedTuple):
    """Something that happened to a payment; `amount` in minor units."""

    kind: str
    at: datetime
    amount: int


class Row(NamedTuple):
    """One exported payment; `amount` in minor units."""

    id: str
    at: datetime
    amount: int
    currency: str
    method: str
    status: str
    decline: str
    back: int = 0
    attempt: int | None = None
    recovered: bool = False
    stage: str = "declined"
    kind: str | None = None
    dimensions: tuple = ()
    dispute: str | None = None
    disputed: int = 0
    fees: int = 0
    acts: tuple = ()


def row_of(document) -> Row:
    """Row from a line of an NDJSON export, with numbers read as `Decimal`."""
    units = 10 ** DECIMALS[document["currency"]]
    minor = Decimal(document["amount"]) * units
    assert minor == int(minor), document
    dispute = document.get("dispute", {})
    amount, back, fees = (
        int(Decimal(document.get(name, 0)) * units)
        for name in ("amount", "refundedAmount", "feeAmount")
    )
    return Row(
        id=document["_id"],
        at=datetime.fromisoformat(document["createdAt"]),
        amount=amount,
        currency=document["currency"],
        method=document["method"],
        status=document["status"],
        decline=document.get("declineGroup") or document.get("declineCode") or "unknown",
        back=back,
        attempt=document.get("attempt"),
        recovered=document.get("recoveredBy") is not None,
        stage=document.get("failureStage", "declined"),
        kind=document.get("declineKind"),
        dimensions=tuple(map(document.get, DIMENSIONS)),
        dispute=dispute.get("status"),
        disputed=int(Decimal(dispute.get("amount", 0)) * units),
        fees=fees,
        acts=tuple(acts_of(document, amount, back, fees, units)),
    )


def acts_of(document, amount: int, back: int, fees: int, units: int):
    """What happened to a payment, and when; without a time of its own, when the payment was made."""
    made = document["createdAt"]

    def act(kind, at, moved):
        return Act(kind, datetime.fromisoformat(at or made), int(Decimal(moved) * units))

    for name, kind, whole, when in (
        ("refunds", "refunded", back, document.get("refundedAt")),
        ("fees", "charged", fees, made),
    ):
        listed = [act(kind, each["at"], each["amount"]) for each in document.get(name, ())]
        yield from listed
        if rest := whole - sum(each.amount for each in listed):
            yield act(kind, when, 0)._replace(amount=rest)
    if dispute := document.get("dispute"):
        opened, closed = dispute.get("openedAt"), dispute.get("closedAt")
        yield act("opened", opened or closed, dispute["amount"])
        if dispute["status"] != "open":
            end = act(dispute["status"], closed or opened, dispute["amount"])
            taken = min(end.amount, amount - back) if end.kind == "lost" else end.amount
            yield end._replace(amount=taken)


# --- the calendar


@cache
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first second at which the clock in `zone` shows this day or a later one, by search."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - 16 * HOUR
    while at.astimezone(zone).date() < day:
        at += MINUTE
    while (at - timedelta(seconds=1)).astimezone(zone).date() >= day:
        at -= timedelta(seconds=1)
    return at


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The latest day that has begun."""
    day = at.astimezone(zone).date()
    return day + DAY if at >= start_of_day(day + DAY, zone) else day


def start_of_month(year: int, month: int, zone: ZoneInfo) -> datetime:
    """Start of a month; month 0 is December of the year before, and so on."""
    while month < 1:
        year, month = year - 1, month + 12
    while month > 12:
        year, month = year + 1, month - 12
    return start_of_day(date(year, month, 1), zone)


def since_full_hour(at: datetime, zone: ZoneInfo) -> timedelta:
    """Time since the last full hour by the clock in `zone`."""
    clock = at.astimezone(zone)
    return timedelta(minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def period_cuts(period: str, as_of: datetime, zone: ZoneInfo) -> list[datetime]:
    """Starts of the buckets of a period, and the end of the last one."""
    today = day_of(as_of, zone)
    if period == "day":
        hour = as_of - since_full_hour(as_of, zone)
        return [hour + n * HOUR for n in range(-23, 2)]
    if period == "year":
        return [start_of_month(today.year, today.month + n, zone) for n in range(-11, 2)]
    return [start_of_day(today + n * DAY, zone) for n in range(1 - DAYS[period], 2)]


def period_before(period: str, as_of: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The same buckets one period earlier, cut at `as_of` floored to the quarter hour."""
    quarter = as_of - (as_of - BEGINNING) % (15 * MINUTE)
    end = earlier(period, quarter, zone)
    today = day_of(as_of, zone)
    if period == "day":
        return earlier(period, period_cuts(period, as_of, zone)[0], zone), end
    if period == "year":
        return start_of_month(today.year, today.month - 23, zone), end
    return start_of_day(today - (2 * DAYS[period] - 1) * DAY, zone), end


def earlier(period: str, at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock in `zone` showed one period earlier."""
    clock = at.astimezone(zone)
    if period == "year":
        days = calendar.monthrange(clock.year - 1, clock.month)[1]
        shown = clock.replace(year=clock.year - 1, day=min(clock.day, days))
        return shown.astimezone(UTC)
    return days_before(at, DAYS[period], zone)


def days_before(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """When the clock in `zone` showed the same, some days before."""
    clock = at.astimezone(zone).replace(tzinfo=None) - days * DAY
    return clock.replace(tzinfo=zone).astimezone(UTC)


def window_before(start: datetime, end: datetime, as_of: datetime, zone: ZoneInfo):
    """As long a window before it, in days if it consists of days; what still runs is cut at `as_of`."""
    first, after = day_of(start, zone), day_of(end, zone)
    quarter = as_of - (as_of - BEGINNING) % (15 * MINUTE)
    begins = start - (end - start)
    cut = quarter - (end - start)
    if (start, end) == (start_of_day(first, zone), start_of_day(after, zone)):
        begins = start_of_day(first - (after - first), zone)
        cut = days_before(quarter, (after - first).days, zone)
    if not start <= as_of < end:
        return begins, start
    return begins, min(max(cut, begins), start)


def window_cuts(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Starts of the buckets of a window: hours up to 2 days, days up to 92, else months."""
    cuts = [start]
    while cuts[-1] < end:
        at = cuts[-1]
        day = day_of(at, zone)
        if end - start <= 2 * DAY:
            following = at - since_full_hour(at, zone) + HOUR
        elif end - start <= 92 * DAY:
            following = start_of_day(day + DAY, zone)
        else:
            following = start_of_month(day.year, day.month + 1, zone)
        cuts.append(min(following, end))
    return cuts


# --- the figures


def share(part: int, whole: int, times: int = 100) -> Decimal | None:
    """`part / whole * times`, rounded half-even to 6 decimals; None if `whole` is 0."""
    if not whole:
        return None
    return Decimal(round(Fraction(times * part * 10**6, whole))).scaleb(-6)


def major(amount: int, currency: str) -> Decimal:
    """An amount as in JSON."""
    return Decimal(amount).scaleb(-DECIMALS[currency])


def volume(rows) -> int:
    """Sum of the collected amounts, minor units."""
    return sum(row.amount for row in rows if row.status != "failed")


def success(rows) -> Decimal | None:
    """Share of attempts that succeeded, in percent."""
    return share(sum(row.status != "failed" for row in rows), len(rows))


def most(keys) -> list:
    """Keys by frequency, the smallest first on a tie."""
    counts = Counter(keys)
    return sorted(counts, key=lambda key: (-counts[key], key))


ACTS = {
    "refunds": "refunded",
    "disputesOpened": "opened",
    "disputesWon": "won",
    "disputesLost": "lost",
    "fees": "charged",
}


def activity(acts, currency: str) -> dict:
    """What happened, by kind."""
    parts = {name: [act for act in acts if act.kind == kind] for name, kind in ACTS.items()}
    return {
        name: {"count": len(part), "volume": major(sum(act.amount for act in part), currency)}
        for name, part in parts.items()
    }


def metrics(rows, currency: str, zone: ZoneInfo, acts=None) -> dict:
    """The key figures; `acts` are what happened then, by default all that happened to `rows`."""
    if acts is None:
        acts = [act for row in rows for act in row.acts]
    collected = [row for row in rows if row.status != "failed"]
    back = sum(row.back for row in rows)
    first = [row for row in rows if row.attempt in (None, 1)]
    at_once = [row for row in first if row.status != "failed"]
    recovered = sum(row.recovered for row in first)
    hours = most(hour_of(row.at, zone) for row in rows)
    methods_ = most(row.method for row in rows)
    disputes = [row for row in rows if row.dispute]
    won = sum(row.dispute == "won" for row in rows)
    closed = won + sum(row.dispute == "lost" for row in rows)
    # What was given back anyway is not lost once more.
    lost = sum(min(row.disputed, row.amount - row.back) for row in rows if row.dispute == "lost")
    fees = sum(row.fees for row in rows)
    average = share(volume(rows), len(collected) * 10 ** DECIMALS[currency], 1)
    return {
        "totalVolume": major(volume(rows), currency),
        "successRate": success(rows),
        "averageAmount": average,
        "peakHour": hours[0] if hours else None,
        "topPaymentMethod": methods_[0] if methods_ else None,
        "totalPayments": len(rows),
        "currency": currency,
        "timezone": zone.key,
        "succeededPayments": len(collected),
        "failedPayments": len(rows) - len(collected),
        "refundedPayments": sum(row.status == "refunded" or row.back > 0 for row in rows),
        "refundedVolume": major(back, currency),
        "netVolume": major(volume(rows) - back, currency),
        "refundRate": share(back, volume(rows)),
        "partiallyRefundedPayments": sum(0 < row.back < row.amount for row in rows),
        "disputedPayments": len(disputes),
        "disputedVolume": major(sum(row.disputed for row in disputes), currency),
        "openDisputes": sum(row.dispute == "open" for row in rows),
        "wonDisputes": won,
        "lostDisputes": closed - won,
        "lostVolume": major(lost, currency),
        "disputeRate": share(len(disputes), len(collected)),
        "winRate": share(won, closed),
        "feeVolume": major(fees, currency),
        "feeRate": share(fees, volume(rows)),
        "netRevenue": major(volume(rows) - back - lost - fees, currency),
        "authorizationRate": authorized(rows),
        "orders": len(first),
        "succeededOrders": len(at_once) + recovered,
        "orderSuccessRate": share(len(at_once) + recovered, len(first)),
        "firstAttemptRate": share(len(at_once), len(first)),
        "recoveredShare": share(recovered, len(first) - len(at_once)),
        "failures": {
            stage: sum(row.status == "failed" and row.stage == stage for row in rows)
            for stage in STAGES
        },
        "softDeclines": sum(row.status == "failed" and row.kind == "soft" for row in rows),
        "hardDeclines": sum(row.status == "failed" and row.kind == "hard" for row in rows),
        "activity": activity(acts, currency),
    }


def authorized(rows) -> Decimal | None:
    """Share of those that an issuer or bank decided on that succeeded, in percent."""
    decided = [row for row in rows if row.status != "failed" or row.stage == "declined"]
    return success(decided)


@lru_cache(maxsize=100_000)
def hour_of(at: datetime, zone: ZoneInfo) -> int:
    """Hour that the clock in `zone` shows."""
    return at.astimezone(zone).hour


def trends(rows, currency: str, cuts) -> list[dict]:
    """One element for every bucket."""
    return [
        {
            "timestamp": start,
            "amount": major(volume(inside), currency),
            "count": len(inside),
            "successRate": success(inside),
        }
        for start, end in pairwise(cuts)
        for inside in [between(rows, start, end)]
    ]


def methods(rows, currency: str) -> list[dict]:
    """Figures of each method, most attempts first."""
    by = {
        name: [row for row in rows if row.method == name] for name in most(r.method for r in rows)
    }
    return [
        {
            "method": name,
            "count": len(part),
            "volume": major(volume(part), currency),
            "successRate": success(part),
            "share": share(len(part), len(rows)),
        }
        for name, part in by.items()
    ]


def breakdown(rows, currency: str, by: str) -> list[dict]:
    """Figures of each value of a dimension, most attempts first, by the value on a tie, None last."""
    place = DIMENSIONS.index(by)
    values = Counter(row.dimensions[place] for row in rows)
    order = sorted(values, key=lambda value: (-values[value], value is None, value or ""))
    parts = {value: [row for row in rows if row.dimensions[place] == value] for value in order}
    return [
        {
            "value": value,
            "count": len(part),
            "volume": major(volume(part), currency),
            "successRate": success(part),
            "authorizationRate": authorized(part),
            "share": share(len(part), len(rows)),
        }
        for value, part in parts.items()
    ]


def declines(rows, currency: str) -> list[dict]:
    """Figures of each decline code, most failures first."""
    failed = [row for row in rows if row.status == "failed"]
    by = {
        code: [row for row in failed if row.decline == code]
        for code in most(r.decline for r in failed)
    }
    return [
        {
            "declineCode": code,
            "count": len(part),
            "volume": major(sum(row.amount for row in part), currency),
            "share": share(len(part), len(failed)),
        }
        for code, part in by.items()
    ]


def between(rows, start, end) -> list[Row]:
    """Payments or acts in ``[start, end)``; None is open."""
    return [row for row in rows if (start or BEGINNING) <= row.at < (end or END)]


# --- the answers


def answer(question, everything, *, currency: str, zone: ZoneInfo):
    """The right answer to a question, for a tenant with this currency and zone."""
    shown = question.currency or currency
    zone = ZoneInfo(question.timezone) if question.timezone else zone
    selected = [row for row in everything if question.method in (None, row.method)]
    for name, value in question.said:
        wanted = None if value == "-" else value
        place = DIMENSIONS.index(name)
        selected = [row for row in selected if row.dimensions[place] == wanted]
    rows = [row for row in selected if row.currency == shown]
    period, start, end, cuts = question.period, question.start, question.end, []
    if question.route in ("trends", "snapshot") and not start:
        period = period or "day"
    if period:
        cuts = period_cuts(period, question.as_of, zone)
        before = period_before(period, question.as_of, zone)
        start, end = cuts[0], cuts[-1]
    elif start and end:
        before = window_before(start, end, question.as_of, zone)
        cuts = window_cuts(start, end, zone) if question.route in ("trends", "snapshot") else []
    else:
        before = None
    inside = between(rows, start, end)
    currencies = sorted({row.currency for row in everything})

    def figures(part, first, last):
        window = {"from": first, "to": last, "currencies": currencies}
        acts = between([act for row in rows for act in row.acts], first, last)
        return metrics(part, shown, zone, acts) | window

    def compared():
        return figures(between(rows, *before), *before)

    match question.route:
        case "metrics":
            compare = {"previous": compared()} if question.compare else {}
            return figures(inside, start, end) | compare
        case "trends":
            return trends(inside, shown, cuts)
        case "methods":
            return methods(inside, shown)
        case "declines":
            return declines(inside, shown)
        case "breakdown":
            return breakdown(inside, shown, question.by)
        case "snapshot":
            feed = [row for row in selected if question.currency in (None, row.currency)]
            return {
                "metrics": figures(inside, start, end),
                "previous": compared(),
                "trends": trends(inside, shown, cuts),
                "methods": methods(inside, shown),
                "declines": declines(inside, shown),
                "payments": newest(feed, FEED),
            }
        case "payments":
            chosen = between(selected, start, end)
            if question.currency:
                chosen = [row for row in chosen if row.currency == question.currency]
            return newest(chosen, FEED)


def newest(rows, count: int) -> list[dict]:
    """The newest payments, newest first, at equal times by descending id."""
    found = sorted(rows, key=lambda row: (row.at, row.id), reverse=True)[:count]
    return [{"_id": row.id, "status": row.status} for row in found]
