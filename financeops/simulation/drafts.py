"""Simulated payments one by one: as drafts, and what is told of them later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from financeops.core.disputes import Disputed
from financeops.core.fees import Fee, FeeKind
from financeops.core.payments import Draft, Funding, Status
from financeops.core.periods import EPOCH
from financeops.simulation.aftermath import REASONS
from financeops.simulation.columns import Columns, names, payout_names
from financeops.simulation.costs import DISPUTE_FEE, fixed_unit
from financeops.simulation.instruments import AUTHENTICATIONS, BINS, CHANNELS, NETWORKS, PROCESSORS
from financeops.simulation.population import Integers, customer_ids

PARTIAL = "changed their mind"
"""Why parts of payments are given back."""


class PartBack(NamedTuple):
    """A part of a payment that was given back: `amount` in minor units."""

    amount: int
    at: datetime


class Aftermath(NamedTuple):
    """What is told of one payment after it was made."""

    part_back: PartBack | None = None
    dispute: Disputed | None = None


def drafts_of(columns: Columns) -> list[Draft]:
    """The payments, oldest first, with fees and settlement; refunded if the whole was given back."""
    people, config, instruments = columns.people, columns.people.config, columns.instruments
    success, failed, refunded = Status
    whole = whole_refunds(columns)
    methods = [profile.name for profile in people.methods]
    fundings, channels = list(Funding), list(CHANNELS)
    fees = _fees(columns)
    payouts, settled, arrived = _settlements(columns)
    return [
        Draft(
            tenant_id=config.tenant_id,
            amount=amount,
            currency=config.currency,
            method=methods[method],
            status=failed if decline >= 0 else success if refund < 0 else refunded,
            created_at=EPOCH + timedelta(0, 0, 0, moment),
            source=config.source,
            customer_id=customer,
            country=people.countries[country],
            decline_code=columns.codes[decline] if decline >= 0 else None,
            refunded_at=EPOCH + timedelta(0, 0, 0, refund) if refund >= 0 else None,
            fee_amount=sum(fee.amount for fee in paid) if paid else None,
            fees=paid,
            payout_id=payout,
            settled_at=settled_at,
            settled_amount=amount_settled if payout else None,
            settled_currency=config.currency if payout else None,
            order_id=order,
            processor=PROCESSORS[processor],
            network=NETWORKS[network] if network >= 0 else None,
            funding=fundings[funding] if funding >= 0 else None,
            issuer_country=people.countries[issuer] if issuer >= 0 else None,
            bin=BINS[start] if start >= 0 else None,
            last4=f"{end:04d}" if end >= 0 else None,
            channel=channels[channel],
            authentication=AUTHENTICATIONS[said] if said >= 0 else None,
        )
        for (
            (moment, amount, method, country, decline, refund),
            (processor, network, funding, issuer, start, end, channel, said),
            customer,
            order,
            paid,
            payout,
            settled_at,
            amount_settled,
        ) in zip(
            zip(
                columns.moments.tolist(),
                columns.amounts.tolist(),
                columns.methods.tolist(),
                columns.countries.tolist(),
                columns.declines.tolist(),
                whole.tolist(),
                strict=True,
            ),
            zip(*(each.tolist() for each in instruments), strict=True),
            customer_ids(columns.customers),
            columns.order_ids,
            fees,
            payouts,
            settled,
            arrived,
            strict=True,
        )
    ]


def aftermath_of(columns: Columns) -> dict[int, Aftermath]:
    """What is told later of those payments that there is anything to tell of, by their places."""
    told = {
        place: Aftermath(
            part_back=PartBack(
                int(columns.refunds.amounts[place]),
                EPOCH + timedelta(0, 0, 0, int(columns.refunds.moments[place])),
            )
        )
        for place in np.flatnonzero(partial_refunds(columns)).tolist()
    }
    for place, dispute in disputes_of(columns).items():
        told[place] = told.get(place, Aftermath())._replace(dispute=dispute)
    return told


def disputes_of(columns: Columns) -> dict[int, Disputed]:
    """Disputes by the places of their payments."""
    disputes, reasons = columns.disputes, list(REASONS)
    places = disputes.places
    ids = names(columns.moments[places], columns.orders[places])
    left = columns.amounts[places] - columns.refunds.amounts[places]
    return {
        place: Disputed(
            id=f"dp_{name}",
            amount=amount,
            status=disputes.status(number),
            opened_at=EPOCH + timedelta(0, 0, 0, opened),
            closed_at=EPOCH + timedelta(0, 0, 0, closed) if closed >= 0 else None,
            reason=reasons[reason],
        )
        for number, (place, name, amount, opened, closed, reason) in enumerate(
            zip(
                places.tolist(),
                ids,
                left.tolist(),
                disputes.opened.tolist(),
                disputes.closed.tolist(),
                disputes.reasons.tolist(),
                strict=True,
            )
        )
    }


def whole_refunds(columns: Columns) -> Integers:
    """When the whole of each payment was given back, in milliseconds; -1 if it was not."""
    return np.where(columns.refunds.amounts == columns.amounts, columns.refunds.moments, -1)


def partial_refunds(columns: Columns) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a part of each payment was given back."""
    back = columns.refunds.amounts
    return (back > 0) & (back < columns.amounts)


def dispute_fee(columns: Columns) -> int:
    """What a dispute costs, in minor units."""
    return max(1, round(DISPUTE_FEE * fixed_unit(columns.people.config)))


def _fees(columns: Columns) -> list[tuple[Fee, ...] | None]:
    """Fees of each payment, earliest first; those of one moment by their kinds."""
    count = len(columns.moments)
    fees: list[tuple[Fee, ...] | None] = [None] * count
    costs = columns.costs
    if costs is None:
        return fees
    kinds = (FeeKind.INTERCHANGE, FeeKind.PROCESSING, FeeKind.SCHEME)
    paid = (costs.interchange.tolist(), costs.processing.tolist(), costs.scheme.tolist())
    for place, (moment, *amounts) in enumerate(zip(columns.moments.tolist(), *paid, strict=True)):
        if amounts[1]:
            at = EPOCH + timedelta(0, 0, 0, moment)
            fees[place] = tuple(
                Fee(at=at, kind=kind, amount=amount)
                for kind, amount in zip(kinds, amounts, strict=True)
                if amount
            )
    charged = dispute_fee(columns)
    for place, dispute in disputes_of(columns).items():
        assert dispute.opened_at is not None
        more = Fee(at=dispute.opened_at, kind=FeeKind.DISPUTE, amount=charged)
        fees[place] = (*(fees[place] or ()), more)
    return fees


def _settlements(
    columns: Columns,
) -> tuple[list[str | None], list[datetime | None], list[int]]:
    """The payout of each payment, when it arrived, and how much of it."""
    costs, count = columns.costs, len(columns.moments)
    if costs is None:
        return [None] * count, [None] * count, [0] * count
    named, places = payout_names(costs, columns.instruments.processors)
    payouts = [named[place] if place >= 0 else None for place in places.tolist()]
    settled = [
        EPOCH + timedelta(0, 0, 0, moment) if moment >= 0 else None
        for moment in costs.settled.tolist()
    ]
    return payouts, settled, (columns.amounts - costs.together).tolist()
