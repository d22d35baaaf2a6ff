"""Rollups of what happened to payments, by the plain recomputation of it."""

from __future__ import annotations

from financeops.core.rollup import Rollup, total
from financeops.core.wire import decode, encode, payment_document
from tests import plain


def acts_of(payment):
    """Acts as `plain.Act`, from the payment's JSON."""
    return plain.row_of(decode(encode(payment_document(payment)))).acts


def acts_in(payments, window=None):
    """The rollup of what happened in a window, whenever these payments were made."""
    return total(
        Rollup(further={"activity": {(payment.method, act.kind): (1, act.amount)}})
        for payment in payments
        for act in acts_of(payment)
        if window is None or act.at in window
    )
