"""What follows a failed payment: whether it is retried, and whether the money is recovered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.errors import InvalidValue
from financeops.core.money import ratio
from financeops.core.payments import UNKNOWN_DECLINE, Status
from financeops.core.periods import DAY
from financeops.frames.engine.clock import MICROSECOND, micros
from financeops.frames.engine.folding import Keys, in_order
from financeops.frames.engine.given import Payments, checked, payments_of
from financeops.frames.engine.moments import known_until, until
from financeops.frames.engine.purchases import failed_purchases, when
from financeops.frames.engine.results import INTEGER, REAL, collected, number
from financeops.frames.engine.schema import Names

_Sums = dict[Keys, dict[str, int]]
"""Counts by name, by currency and values of `by`."""

_NEEDED = ("id", "currency", "customer_id", "status", "created_at", "amount")

_CODES = ("decline_group", "decline_code")
"""A failure is counted under the first of these that is not null."""

_COUNTS = (
    *("failures", "retried", "attempts", "recovered", "failed_volume", "recovered_volume"),
    *("waiting", "pending", "without_customer"),
)

_RATES = {
    "retry_rate": ("retried", "failures"),
    "recovery_rate": ("recovered", "failures"),
    "volume_recovery_rate": ("recovered_volume", "failed_volume"),
}

_SCHEMA = {
    "failures": INTEGER,
    "retried": INTEGER,
    "retry_rate": REAL,
    "attempts": INTEGER,
    "recovered": INTEGER,
    "recovery_rate": REAL,
    "failed_volume": INTEGER,
    "recovered_volume": INTEGER,
    "volume_recovery_rate": REAL,
    "minutes_to_recovery": REAL,
    "pending": INTEGER,
    "without_customer": INTEGER,
}


def retries(
    payments: IntoFrameT,
    *,
    within: timedelta = DAY,
    as_of: datetime | None = None,
    same_amount: bool = False,
    by: str | Sequence[str] = (),
) -> IntoFrameT:
    """Retries of customers after a failure, and what they recover.

    Parameters
    ----------
    payments : frame
        Payments; needs ``id``, ``currency``, ``customer_id``, ``status``, ``created_at``,
        ``amount``, and what `by` names.
    within : timedelta
        How long after a failure an attempt counts as its retry; longer than 0.
    as_of : datetime, optional
        Aware; later payments are left out. Default: the latest `created_at`.
    same_amount : bool
        Whether an attempt must be for the same amount to count as a retry.
    by : str or sequence of str
        Columns to group failures by, with their values in the first failure:
        ``"decline_code"``, ``"method"``, ``"country"``, ….

    Returns
    -------
    frame of the same kind
        One row per currency and value of `by`, sorted by them:

        ``failures`` purchases whose first attempt failed and whose time to recover was over at
        `as_of`;
        ``retried`` of these, followed by another attempt in time;
        ``retry_rate`` retried / failures x 100;
        ``attempts`` total of their further attempts in time;
        ``recovered`` of these, followed by a success in time;
        ``recovery_rate`` recovered / failures x 100;
        ``failed_volume`` sum of the amounts of the first failures, minor units;
        ``recovered_volume`` sum of the amounts of the successes, each at most the amount of the
        first failure, minor units;
        ``volume_recovery_rate`` recovered volume / failed volume x 100;
        ``minutes_to_recovery`` mean time from the first failure to the success, minutes;
        ``pending`` purchases whose time was not over at `as_of`: they count in none of the columns
        before, whether recovered already or not;
        ``without_customer`` failed payments without ``customer_id``, which cannot be followed: they
        count in no other column.

        Rates and means are null where there is nothing to divide by.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, `within` is not positive or `as_of` is naive.

    Notes
    -----
    Attempts of a customer in one currency (and, if `same_amount`, of one amount) are sorted by time
    and id. A failure begins a *purchase* unless it comes within `within` after another
    failure directly before it. A purchase lasts through the failures that follow directly, each
    within `within` of the one before, and ends with the first success in that time. So a customer
    who fails three times and then pays is one failure recovered once, and no amount is counted
    twice. It counts as recovered, and an attempt as a retry, when it lies at most `within` after
    the purchase's *first* failure. Each purchase gets the same time, and those that have had less at
    `as_of` are counted as ``pending``: otherwise the newest would look worse.

    ``by="decline_code"`` groups as `declines` does: by ``decline_group`` where there is one, by
    ``unknown`` where the code is null. A null in other columns is a group of its own.

    Window functions do the work where the frame lives. PyArrow has none with partitions: there the
    whole table is sorted by customer and time.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime, timedelta
    >>> from financeops.frames.retries import retries
    >>> payments = pl.DataFrame({
    ...     "id": ["1", "2", "3", "4"], "currency": "EUR", "amount": [1000, 1000, 1000, 700],
    ...     "customer_id": ["ada", "ada", "ada", "bob"],
    ...     "status": ["failed", "failed", "success", "failed"],
    ...     "created_at": [datetime(2026, 1, 5, 12, minute, tzinfo=UTC) for minute in range(4)],
    ... })
    >>> table = retries(payments, as_of=datetime(2026, 1, 7, tzinfo=UTC))
    >>> table.select("failures", "attempts", "recovered", "recovered_volume").rows()
    [(2, 2, 1, 1000)]
    >>> table["volume_recovery_rate"].to_list()
    [58.823529]
    """
    if within < MICROSECOND:
        raise InvalidValue("within", f"must be longer than 0, not {within!r}")
    names = (by,) if isinstance(by, str) else tuple(by)
    codes = _CODES if "decline_code" in names else ()
    given = payments_of(payments, *_NEEDED, by=names, optional=codes)
    schema = {**given.groups, **_SCHEMA}
    attempts = _attempts(given)
    known = known_until(attempts, as_of)
    if known is None:
        return given.same_kind([], schema)
    attempts = attempts.filter(until("created_at", known.end))
    keys = given.keys
    purchases = failed_purchases(
        attempts, within=within // MICROSECOND, same_amount=same_amount, by=keys
    )
    sums: _Sums = {}
    _add(sums, _outcomes(purchases, keys, micros(known.end - within)), keys)
    _add(sums, _unfollowed(attempts, keys), keys)

    rows = []
    for group in in_order(sums):
        counts: dict[str, Any] = sums[group]
        rates = {
            rate: number(ratio(100 * counts[n], counts[of])) for rate, (n, of) in _RATES.items()
        }
        minutes = number(ratio(counts["waiting"], counts["recovered"] * 60 * 10**6))
        figures = {**counts, **rates, "minutes_to_recovery": minutes}
        rows.append((*group, *(figures[name] for name in _SCHEMA)))
    return given.same_kind(rows, schema)


def _attempts(given: Payments[Any]) -> nw.LazyFrame[Any]:
    """The columns needed and those to group by, among them the code that a failure counts under."""
    keys = {key: nw.col(key) for key in given.keys}
    if codes := [name for name in _CODES if name in given.columns]:
        counted = nw.coalesce(*map(nw.col, codes), nw.lit(UNKNOWN_DECLINE))
        keys[given.keys[given.by.index("decline_code")]] = counted
    columns = (expr.alias(key) for key, expr in keys.items())
    return checked(given).select(*map(nw.col, _NEEDED), *columns)


def _outcomes(purchases: nw.LazyFrame[Any], keys: Names, latest: int) -> nw.LazyFrame[Any]:
    """Purchases added up; those that failed after `latest` are still pending."""
    over = nw.col("began") <= latest
    recovered = over & (nw.col("pays") == 1)
    less = nw.col("paid") < nw.col("owed")
    collects = nw.when(less).then(nw.col("paid")).otherwise(nw.col("owed"))
    sums = {
        "failures": when(over, nw.lit(1)),
        "retried": when(over & (nw.col("again") > 0), nw.lit(1)),
        "attempts": when(over, nw.col("again")),
        "recovered": when(recovered, nw.lit(1)),
        "failed_volume": when(over, nw.col("owed")),
        "recovered_volume": when(recovered, collects),
        "waiting": when(recovered, nw.col("waited")),
        "pending": when(~over, nw.lit(1)),
    }
    counted = purchases.with_columns(*(expr.alias(name) for name, expr in sums.items()))
    return counted.group_by("currency", *keys).agg(nw.col(*sums).sum())


def _unfollowed(attempts: nw.LazyFrame[Any], keys: Names) -> nw.LazyFrame[Any]:
    """Number of failed payments without a customer."""
    alone = (nw.col("status") == Status.FAILED.value) & nw.col("customer_id").is_null()
    found = attempts.filter(alone).group_by("currency", *keys)
    return found.agg(nw.len().alias("without_customer"))


def _add(sums: _Sums, counted: nw.LazyFrame[Any], keys: Names) -> None:
    found = collected(counted)
    groups = zip(*(found[name] for name in ("currency", *keys)), strict=True)
    for place, group in enumerate(groups):
        counts = sums.setdefault(group, dict.fromkeys(_COUNTS, 0))
        for name in _COUNTS:
            if name in found:
                counts[name] += int(found[name][place])
