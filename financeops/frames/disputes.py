"""Disputes, one by one: from the payment to the verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.disputes import dispute_from
from financeops.core.errors import InvalidValue
from financeops.core.periods import Period, Window, zone_of
from financeops.frames.engine.clock import instant
from financeops.frames.engine.folding import chosen, payments_in
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INSTANT, INTEGER, TEXT, collected

_DISPUTES = {
    "id": TEXT,
    "currency": TEXT,
    "created_at": INSTANT,
    "amount": INTEGER,
    "dispute_id": TEXT,
    "disputed_amount": INTEGER,
    "status": TEXT,
    "opened_at": INSTANT,
    "closed_at": INSTANT,
    "reason": TEXT,
}


def disputes(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Disputes as a frame: which payments are or were disputed, when, why, and how it ended.

    Parameters
    ----------
    payments : frame
        Payments; needs ``id``, ``currency``, ``created_at``, ``amount`` and ``dispute``.
    window, period, as_of, timezone
        As in `metrics`: which payments, by when they were created.

    Returns
    -------
    frame of the same kind
        One row per disputed payment, by ``created_at`` and ``id``:

        ``id``, ``currency``, ``created_at``, ``amount`` of the payment, minor units;
        ``dispute_id`` the sender's name for the dispute;
        ``disputed_amount`` minor units;
        ``status`` ``open``, ``won`` or ``lost``;
        ``opened_at`` null if only its end was told;
        ``closed_at`` null while it is open;
        ``reason`` null if none was told.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, or a text of ``dispute`` is not the JSON of one.

    Notes
    -----
    What is open may still be lost: shares of won or lost among all disputes are too low for young
    payments. `refund_curve` shows how such censoring is treated.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.core.disputes import Disputed, DisputeStatus, dispute_text
    >>> from financeops.frames.disputes import disputes
    >>> at = datetime(2026, 3, 10, tzinfo=UTC)
    >>> lost = Disputed(id="dp_1", amount=800, status=DisputeStatus.LOST, closed_at=at)
    >>> payments = pl.DataFrame({
    ...     "id": ["a", "b"], "amount": [1000, 400], "currency": "EUR", "created_at": at,
    ...     "dispute": [dispute_text(lost), None],
    ... })
    >>> disputes(payments).select("id", "disputed_amount", "status", "opened_at").rows()
    [('a', 800, 'lost', None)]
    """
    zone = zone_of(timezone)
    given = payments_of(payments, "id", "currency", "created_at", "amount", "dispute")
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    frame = payments_in(given, *given.columns, window=which.window)
    table = collected(frame.filter(~nw.col("dispute").is_null()))
    rows = sorted(
        (_row(values) for values in zip(*map(table.get, given.columns), strict=True)),
        key=lambda row: (row[2], row[0]),
    )
    return given.same_kind(rows, _DISPUTES)


def _row(values: tuple[Any, ...]) -> tuple[Any, ...]:
    payment_id, currency, created, amount, text = values
    try:
        dispute = dispute_from(str(text))
    except msgspec.DecodeError:
        raise InvalidValue("dispute", f"must be the JSON of a dispute, not {text!r}") from None
    return (
        *(str(payment_id), str(currency), instant(int(created)), int(amount)),
        *(dispute.id, dispute.amount, str(dispute.status)),
        *(dispute.opened_at, dispute.closed_at, dispute.reason),
    )
