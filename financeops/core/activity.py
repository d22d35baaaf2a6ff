"""What happened to payments, each act by itself and at its own moment.

An act whose moment nobody told counts when its payment was made, or, if it is known, when what it is
a part of was over. So acts of all time add up to the figures by creation, without exception.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from financeops.core.disputes import DisputeStatus
from financeops.core.payments import Payment, Status


class ActKind(StrEnum):
    """What happened."""

    REFUNDED = "refunded"
    OPENED = "opened"
    WON = "won"
    LOST = "lost"
    CHARGED = "charged"


class Act(NamedTuple):
    """Something that happened to a payment; `amount` in minor units.

    That of a lost dispute is what it took, as `Payment.lost` says; a credit is a negative fee.
    """

    kind: ActKind
    at: datetime
    amount: int


def acts_of(payment: Payment) -> list[Act]:
    """All that happened to a payment, in no particular order; most payments have nothing."""
    if not happened(payment):
        return []
    acts = _refunds(payment) + _fees(payment)
    if (dispute := payment.dispute) is not None:
        opened, closed = dispute.opened_at, dispute.closed_at
        first = opened or closed or payment.created_at
        acts.append(Act(ActKind.OPENED, first, dispute.amount))
        last = closed or opened or payment.created_at
        if dispute.status is DisputeStatus.WON:
            acts.append(Act(ActKind.WON, last, dispute.amount))
        elif dispute.status is DisputeStatus.LOST:
            acts.append(Act(ActKind.LOST, last, payment.lost))
    return acts


def happened(payment: Payment) -> bool:
    """Whether a payment has any acts."""
    # In one look, for most payments have none of it.
    if _told_of(payment) == _NOTHING:
        return payment.status is Status.REFUNDED
    return True


_told_of = attrgetter("refunded_amount", "fee_amount", "fees", "dispute")
_NOTHING = (None, None, None, None)


def _refunds(payment: Payment) -> list[Act]:
    acts = [Act(ActKind.REFUNDED, each.at, each.amount) for each in payment.refunds or ()]
    # A whole that was given back at once is not listed, nor is what an import brought.
    if rest := payment.returned - sum(act.amount for act in acts):
        acts.append(Act(ActKind.REFUNDED, payment.refunded_at or payment.created_at, rest))
    return acts


def _fees(payment: Payment) -> list[Act]:
    acts = [Act(ActKind.CHARGED, each.at, each.amount) for each in payment.fees or ()]
    if rest := (payment.fee_amount or 0) - sum(act.amount for act in acts):
        acts.append(Act(ActKind.CHARGED, payment.created_at, rest))
    return acts
