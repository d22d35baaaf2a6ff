"""How far payments come."""

from __future__ import annotations

from datetime import datetime

from narwhals.typing import IntoFrameT

from financeops.core.funnel import funnel as steps_of
from financeops.core.periods import Period, Window, zone_of
from financeops.frames.engine.disputes import DISPUTE, with_disputes
from financeops.frames.engine.failures import STAGE, with_failures
from financeops.frames.engine.folding import RETURNED, chosen, dated, in_order, rollups
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, numbers

_SCHEMA = {
    "currency": TEXT,
    "step": TEXT,
    "count": INTEGER,
    "volume": INTEGER,
    "share": REAL,
    "share_of_previous": REAL,
}


def funnel(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """How far payments come: created, authenticated, authorised, succeeded, kept.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, and ``created_at`` for a window or a
        period; has ``failure_stage`` where it is known at which stage they failed,
        ``refunded_amount`` and ``dispute`` where parts were given back and payments disputed.
    window, period, as_of, timezone
        As in `metrics`.

    Returns
    -------
    frame of the same kind
        Five rows per currency, in the order of the steps: ``currency``, ``step``, ``count`` and
        ``volume`` (minor units) of the payments that came so far or further, ``share`` percent of
        all of the currency, ``share_of_previous`` percent of the step before; null when there are
        none.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong; it is named.

    Notes
    -----
    Payments that failed at the stages ``authentication`` or ``abandoned`` were not authenticated,
    those that failed at ``blocked`` or ``declined`` not authorised; a ``technical`` failure came as
    far as that, but did not succeed. Without a stage, a failure was ``declined``. A payment is kept
    unless it was refunded as a whole or its dispute was lost; the volume kept is what is left of all
    that succeeded: less refunds, of parts too, and what lost disputes took.

    Examples
    --------
    >>> import polars as pl
    >>> from financeops.frames.funnel import funnel
    >>> payments = pl.DataFrame({
    ...     "amount": [100, 200, 300, 400], "currency": "USD",
    ...     "status": ["failed", "failed", "success", "refunded"],
    ...     "failure_stage": ["authentication", "declined", None, None],
    ... })
    >>> funnel(payments).select("step", "count", "share").rows()
    [('created', 4, 100.0), ('authenticated', 3, 75.0), ('authorised', 2, 50.0), \
('succeeded', 2, 50.0), ('kept', 1, 25.0)]
    """
    zone = zone_of(timezone)
    columns = ("status", "currency", "amount", *dated(window, period))
    given = payments_of(payments, *columns, optional=(RETURNED, STAGE, DISPUTE))
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = with_failures(given, which, rollups(given, which, methods=False, hours=False))
    found = with_disputes(given, which, found)
    rows = (
        (
            *key,
            each.step.value,
            *numbers((each.count, each.volume, each.share, each.share_of_previous)),
        )
        for key in in_order(found)
        for each in steps_of(found[key])
    )
    return given.same_kind(rows, _SCHEMA)
