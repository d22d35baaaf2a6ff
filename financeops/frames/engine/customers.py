"""Payments of known customers up to a moment."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.frames.engine.given import Payments, checked
from financeops.frames.engine.moments import known_until, until

NEEDED = ("currency", "customer_id", "status", "created_at", "amount")


def bought(given: Payments[Any], as_of: Any) -> tuple[nw.LazyFrame[Any], Window] | None:
    """Succeeded payments of known customers up to a moment.

    Parameters
    ----------
    given : Payments
        With the columns `NEEDED`.
    as_of : datetime or None
        As in `known_until`.

    Returns
    -------
    tuple of narwhals.LazyFrame and Window, or None
        The columns `NEEDED`; and the time from the first payment, of any customer and status, to
        the moment. None when there is no payment up to then.

    Raises
    ------
    InvalidValue
        When a value is invalid or `as_of` is naive.
    """
    frame = checked(given)
    known = known_until(frame, as_of)
    if known is None:
        return None
    succeeded = frame.filter(
        nw.col("status") != Status.FAILED.value,
        ~nw.col("customer_id").is_null(),
        until("created_at", known.end),
    )
    return succeeded, known
