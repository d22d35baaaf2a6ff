"""Payments in other currencies than their tenant's, as the figures of all currencies count them.

The amounts are computed from the payment's JSON, with fractions.
"""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from financeops.core.money import decimals_of
from financeops.core.rollup import Rollup, rollup_of
from tests.acts import acts_of


def counted(payment, zone, listed):
    """Currency, moment and rollup of the payment and of each act; nothing of those in their tenant's."""
    target = payment.reporting_currency
    if target is None:
        assert payment.reporting_amount is payment.rate is payment.rate_date is None
        return []
    place, made = f"reporting-{target}", payment.created_at
    if payment.reporting_amount is None:
        assert payment.rate is payment.rate_date is payment.rate_source is None
        path = (payment.method, payment.currency)
        return [(place, made, Rollup(further={"unconverted": {path: (1, payment.amount)}}))]
    share = Fraction(payment.reporting_amount, payment.amount) if payment.amount else Fraction(0)
    rate = Fraction(payment.rate) * Fraction(10) ** (
        decimals_of(target) - decimals_of(payment.currency)
    )
    # Python rounds fractions half-even.
    back = round(payment.returned * share)
    taken = round((payment.returned + payment.lost) * share) - back
    sums = {
        "partial": back,
        "fees": round((payment.fee_amount or 0) * rate),
        "lost": taken,
        "disputed": payment.dispute and round(payment.dispute.amount * share),
    }
    rollup = rollup_of(replace(payment, amount=payment.reporting_amount), zone, listed)
    own = rollup_of(payment, zone, listed)
    for name, part in own.further.items():
        if name in sums:
            rollup.further[name] = {path: (n, sums[name]) for path, (n, _) in part.items()}
        elif name == "revisions":
            rollup.further[name] = part
    found = [(place, made, rollup)]
    before = {"refunded": 0, "charged": 0}
    for act in acts_of(payment):
        scale = rate if act.kind == "charged" else share
        if act.kind in before:
            start = before[act.kind]
            before[act.kind] = end = start + act.amount
            amount = round(end * scale) - round(start * scale)
        else:
            amount = taken if act.kind == "lost" else round(act.amount * scale)
        part = {"activity": {(payment.method, act.kind): (1, amount)}}
        found.append((place, act.at, Rollup(further=part)))
    return found
