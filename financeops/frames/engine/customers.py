"""What known customers have paid, up to a moment."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.frames.engine.moments import known_until, until
from financeops.frames.engine.schema import payments_of


def bought(payments: Any, as_of: Any) -> tuple[nw.LazyFrame[Any], Window] | None:
    """Succeeded payments of known customers up to a moment.

    Parameters
    ----------
    payments : frame
    as_of : datetime or None
        As of `known_until`.

    Returns
    -------
    tuple of narwhals.LazyFrame and Window, or None
        ``currency``, ``customer_id``, ``status``, ``created_at`` and ``amount``; and from the
        first payment, of whatever customer and status, to the moment. None when there is no
        payment up to then.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, or `as_of` is naive.
    """
    frame = payments_of(payments, "currency", "customer_id", "status", "created_at", "amount")
    known = known_until(frame, as_of)
    if known is None:
        return None
    succeeded = frame.filter(
        nw.col("status") != Status.FAILED.value,
        ~nw.col("customer_id").is_null(),
        until("created_at", known.end),
    )
    return succeeded, known
