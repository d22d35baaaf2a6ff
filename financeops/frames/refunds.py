"""The share of payments refunded, by age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.errors import InvalidValue
from financeops.core.money import ratio
from financeops.core.payments import Status
from financeops.core.periods import DAY
from financeops.frames.engine.clock import MICROSECOND, micros
from financeops.frames.engine.folding import RETURNED, Keys, in_order
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.moments import first_moment, known_until, until
from financeops.frames.engine.results import INTEGER, REAL, collected, number
from financeops.frames.engine.schema import Names
from financeops.frames.statistics.survival import kaplan_meier

_SCHEMA = {
    "age": INTEGER,
    "at_risk": INTEGER,
    "refunded": INTEGER,
    "refunded_share": REAL,
    "low": REAL,
    "high": REAL,
    "undated": INTEGER,
}


def refund_curve(
    payments: IntoFrameT,
    *,
    as_of: datetime | None = None,
    step: timedelta = DAY,
    confidence: float = 0.95,
    by: str | Sequence[str] = (),
) -> IntoFrameT:
    """Share of succeeded payments that is refunded by a given age, young payments included.

    A payment counts as refunded when anything was given back of it for the first time.

    Parameters
    ----------
    payments : frame
        Payments; needs ``currency``, ``status``, ``created_at``, ``refunded_at``, and what `by`
        names; has ``refunds`` and ``refunded_amount`` where parts of payments were given back.
    as_of : datetime, optional
        Aware. Later payments are ignored, and payments refunded later count as not refunded.
        Default: the latest `created_at`.
    step : timedelta
        Unit of age.
    confidence : float
        Of the interval at each age, between 0 and 1.
    by : str or sequence of str
        Columns to compute a curve for each value of: ``"method"``, ``"country"``, ….

    Returns
    -------
    frame of the same kind
        One row per currency, value of `by` and age, sorted by them:

        ``age`` in steps, from 0 to the greatest at which any payment was observed;
        ``at_risk`` payments observed through the whole step that ends at this age, and not
        refunded before it;
        ``refunded`` those of them refunded in it;
        ``refunded_share`` share refunded by this age, percent;
        ``low``, ``high`` its interval, percent;
        ``undated`` refunded payments with neither ``refunded_at`` nor ``refunds``, the same number
        in all rows of a curve: it is unknown when they were refunded, so they are ignored, and a
        curve with many of them is too low.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, `as_of` is naive, `step` is not positive or
        `confidence` is not between 0 and 1.

    Notes
    -----
    A payment of yesterday may still be refunded. Simply dividing refunded by paid payments counts
    it as never refunded, so the share looks lower the more young payments there are. Here each
    payment counts for as long as it was observed: the Kaplan-Meier estimate with Greenwood's
    intervals (`financeops.frames.statistics.survival` has formulas and sources), which is the plain share
    when all payments are old enough. It assumes that young payments will behave as old ones did.

    Only whole steps count: a payment that is 2.7 days old has been observed for two days, and a
    refund at 1.2 days belongs to age 2. A refund before the payment's own time (clocks differ)
    belongs to age 1. Failed payments are ignored, and so are payments after `as_of`.
    A null in a column of `by` is a group of its own. Payments are counted, not weighted by amount:
    Greenwood's formula is for independent units, and there is no such interval for amounts.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.refunds import refund_curve
    >>> payments = pl.DataFrame({
    ...     "currency": "EUR", "status": ["success", "refunded", "success", "success"],
    ...     "created_at": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 1, 1, 3)],
    ...     "refunded_at": [None, datetime(2026, 1, 2, 12, tzinfo=UTC), None, None],
    ... })
    >>> curve = refund_curve(payments, as_of=datetime(2026, 1, 4, tzinfo=UTC))
    >>> curve.select("age", "at_risk", "refunded", "refunded_share").rows()
    [(0, 4, 0, 0.0), (1, 4, 0, 0.0), (2, 3, 1, 33.333333), (3, 2, 0, 33.333333)]
    """
    if step < MICROSECOND:
        raise InvalidValue("step", f"must be longer than 0, not {step!r}")
    if not 0 < confidence < 1:
        raise InvalidValue("confidence", f"must lie between 0 and 1, not {confidence!r}")
    columns = ("currency", "status", "created_at", "refunded_at")
    given = payments_of(payments, *columns, by=by, optional=(_REFUNDS, RETURNED))
    schema = {**given.groups, **_SCHEMA}
    frame = checked(given)
    known = known_until(frame, as_of)
    if known is None:
        return given.same_kind([], schema)

    keys = ("currency", *given.keys)
    curves: dict[Keys, dict[int, dict[int, int]]] = {}
    for part in _parts(frame):
        found = collected(_exits(part, keys, known.end, step // MICROSECOND))
        groups = zip(*(found[key] for key in keys), strict=True)
        counts = zip(groups, found["kind"], found["age"], found["n"], strict=True)
        for group, kind, age, n in counts:
            exits = curves.setdefault(group, {_EVENT: {}, _CENSORED: {}, _UNDATED: {}})
            ages = exits[int(kind)]
            ages[int(age)] = ages.get(int(age), 0) + int(n)
    rows: list[tuple[Any, ...]] = []
    for group in in_order(curves):
        exits = curves[group]
        undated = sum(exits[_UNDATED].values())
        for at in kaplan_meier(exits[_EVENT], exits[_CENSORED], confidence=confidence):
            share = number(ratio(100 * at.share.numerator, at.share.denominator))
            bounds = round(100 * at.low, 6), round(100 * at.high, 6)
            rows.append((*group, at.age, at.at_risk, at.events, share, *bounds, undated))
    return given.same_kind(rows, schema)


_CENSORED, _EVENT, _UNDATED = 0, 1, 2
_REFUNDS = "refunds"


def _parts(frame: nw.LazyFrame[Any]) -> list[nw.LazyFrame[Any]]:
    """The payments, each with ``refunded``, and with when that was for the first time if known.

    Those with a list of refunds are apart: reading it from text takes long, and few have one.
    """
    refunded = nw.col("status") == Status.REFUNDED.value
    names = frame.collect_schema().names()
    if RETURNED in names:
        part = (nw.col(RETURNED) > 0).fill_null(value=False)
        refunded = refunded | ((nw.col("status") == Status.SUCCESS.value) & part)
    if _REFUNDS not in names:
        return [frame.with_columns(refunded.alias("refunded"))]
    listed = ~nw.col(_REFUNDS).is_null()
    first = first_moment(_REFUNDS).alias("refunded_at")
    return [
        frame.filter(~listed).with_columns(refunded.alias("refunded")),
        frame.filter(listed).with_columns(nw.lit(value=True).alias("refunded"), first),
    ]


def _exits(frame: nw.LazyFrame[Any], keys: Names, as_of: datetime, step: int) -> nw.LazyFrame[Any]:
    """Number of payments by the age at which they were refunded or last observed."""
    refunded = nw.col("refunded")
    # Ask for null first: comparisons with it are not true.
    when = nw.when(nw.col("refunded_at").is_null()).then(nw.col("created_at"))
    waited = when.otherwise(nw.col("refunded_at")) - nw.col("created_at")
    steps = (nw.col("waited") + (step - 1)) // step
    in_time = nw.col("kind") == _EVENT
    return (
        frame.filter(nw.col("status") != Status.FAILED.value, until("created_at", as_of))
        .with_columns(
            waited.alias("waited"),
            ((micros(as_of) - nw.col("created_at")) // step).alias("watched"),
        )
        .with_columns(
            nw.when(nw.col("waited") > 0).then(steps).otherwise(nw.lit(1)).alias("steps"),
            nw.when(refunded & nw.col("refunded_at").is_null())
            .then(nw.lit(_UNDATED))
            .otherwise(nw.when(refunded).then(nw.lit(_EVENT)).otherwise(nw.lit(_CENSORED)))
            .alias("kind"),
        )
        # A refund in a step that is not over does not count yet.
        .with_columns(
            nw.when(in_time & (nw.col("steps") > nw.col("watched")))
            .then(nw.lit(_CENSORED))
            .otherwise(nw.col("kind"))
            .alias("kind")
        )
        .with_columns(
            nw.when(in_time).then(nw.col("steps")).otherwise(nw.col("watched")).alias("age")
        )
        .group_by(*keys, "kind", "age")
        .agg(nw.len().alias("n"))
    )
