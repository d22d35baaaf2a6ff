"""Attempts of one order: their numbers, and which of them brought it about.

What is known of an order is a part of its payments, so that each payment is counted by itself: the
first attempt counts as the order, the others as retries.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from financeops.core.payments import Payment, Status

MAX_ATTEMPTS = 1000
"""Most attempts of one order, so that a transaction can number all of them anew.

What has more, from before there was a limit, is not numbered: each of its payments counts by itself.
"""


class Attempt(NamedTuple):
    """What decides the number of an attempt: attempts sort by it, of one moment by their ids."""

    created_at: datetime
    id: str
    failed: bool


class Numbered(NamedTuple):
    """The values that an order gives to one of its payments; both None without an order."""

    attempt: int | None = None
    recovered_by: int | None = None


NOT_NUMBERED = Numbered()


def attempt_of(payment: Payment) -> Attempt:
    """A payment as an attempt of its order."""
    return Attempt(payment.created_at, payment.id, payment.status is Status.FAILED)


def numbers_of(payment: Payment) -> Numbered:
    """The values that a payment has of its order."""
    return Numbered(payment.attempt, payment.recovered_by)


def numbered(attempts: Iterable[Attempt]) -> dict[str, Numbered]:
    """Values that an order gives to its payments, by their ids.

    Parameters
    ----------
    attempts : iterable of Attempt
        All of one order, in any order.

    Returns
    -------
    dict of id to Numbered
        ``attempt`` is 1 for the earliest, then 2 …; of equal times the id decides. The first one,
        if it failed, also has ``recovered_by``: the number of the first attempt that succeeded.
    """
    in_time = sorted(attempts)
    if len(in_time) > MAX_ATTEMPTS:
        return {each.id: NOT_NUMBERED for each in in_time}
    success = next((n for n, each in enumerate(in_time, 1) if not each.failed), 1)
    return {
        each.id: Numbered(n, success if n == 1 and success > 1 else None)
        for n, each in enumerate(in_time, 1)
    }
