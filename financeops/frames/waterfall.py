"""Where the money goes: from what was sold to what is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent, ratio
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Rollup
from financeops.frames.engine.disputes import DISPUTE, with_disputes
from financeops.frames.engine.folding import FEE_AMOUNT, RETURNED, chosen, dated, in_order, rollups
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, number

_STEPS = {"step": TEXT, "volume": INTEGER, "left": INTEGER, "share": REAL}


def waterfall(
    payments: IntoFrameT,
    *,
    by: str | Iterable[str] = (),
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """What is sold, what refunds, lost disputes and fees take of it, and what is kept.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, what `by` names, and ``created_at``
        for a window or a period; has ``refunded_amount``, ``dispute`` and ``fee_amount`` where
        there are any.
    by : str or sequence of str
        Columns to compute it for each value of: ``"method"``, ``"country"``, ….
    window, period, as_of, timezone
        As in `metrics`.

    Returns
    -------
    frame of the same kind
        Five rows per currency and value of `by`, in this order of ``step``: ``total``,
        ``refunds``, ``disputes``, ``fees``, ``net``:

        ``volume`` minor units: what is sold, what the step takes (negative), what is kept;
        ``left`` what is left after the step, minor units;
        ``share`` volume / total x 100; null when there is no volume.

    Raises
    ------
    InvalidValue
        As in `metrics`; when a column of `by` is missing, named twice, or has the name of a column
        of the result.

    Notes
    -----
    All of it is dated by when the payment was created, whenever its refund, dispute or fee came. A
    lost dispute takes at most what had not been given back anyway, so that no payment loses more
    than its amount and its fees. ``net`` is the ``net_revenue`` of `metrics`.

    Examples
    --------
    >>> import polars as pl
    >>> from financeops.frames.waterfall import waterfall
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 150], "currency": "EUR",
    ...     "status": ["success", "failed", "refunded"], "fee_amount": [55, 10, 5],
    ... })
    >>> waterfall(payments).select("step", "volume", "left", "share").rows()
    [('total', 2000, 2000, 100.0), ('refunds', -150, 1850, -7.5), ('disputes', 0, 1850, 0.0), \
('fees', -70, 1780, -3.5), ('net', 1780, 1780, 89.0)]
    """
    zone = zone_of(timezone)
    columns = ("status", "currency", "amount", *dated(window, period))
    given = payments_of(payments, *columns, by=by, optional=(RETURNED, DISPUTE, FEE_AMOUNT))
    if taken := [name for name in given.by if name in _STEPS]:
        raise InvalidValue("by", f"must not name {taken[0]}: that is a column of the result")
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = with_disputes(given, which, rollups(given, which, methods=False, hours=False))
    rows = ((*group, *step) for group in in_order(found) for step in _steps(found[group], group[0]))
    return given.same_kind(rows, {**given.groups, **_STEPS})


def _steps(rollup: Rollup, currency: str) -> Iterable[tuple[Any, ...]]:
    exponent(currency)
    whole = left = core.total_volume(rollup)
    yield "total", whole, left, number(ratio(100 * whole, whole))
    for step, taken in (
        ("refunds", core.refunded_volume(rollup)),
        ("disputes", core.lost_volume(rollup)),
        ("fees", core.fee_volume(rollup)),
    ):
        left -= taken
        yield step, -taken, left, number(ratio(-100 * taken, whole))
    yield "net", left, left, number(ratio(100 * left, whole))
