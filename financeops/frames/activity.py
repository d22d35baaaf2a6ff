"""What happened to payments, counted by when it happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.act_texts import ACT_TEXTS
from financeops.core.activity import ActKind, acts_of
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.payments import Payment, Source, Status
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Path, Rollup
from financeops.frames.engine.clock import instant, micros
from financeops.frames.engine.folding import (
    FEE_AMOUNT,
    RETURNED,
    Keys,
    chosen,
    count_up,
    in_order,
)
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.results import INTEGER, collected
from financeops.frames.engine.schema import decoded_status

_FIGURES = dict.fromkeys(core.activity(Rollup()), INTEGER)
_NEEDED = ("status", "currency", "amount", "created_at")
_TOLD = (RETURNED, "refunded_at", FEE_AMOUNT, *ACT_TEXTS)
_PATHS: dict[ActKind, Path] = {kind: ("", str(kind)) for kind in ActKind}


def activity(
    payments: IntoFrameT,
    *,
    by: str | Iterable[str] = (),
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Refunds, disputes and fees by when they happened, whenever their payments were made.

    Parameters
    ----------
    payments : frame
        All payments to which something may have happened in the window, older ones too; needs
        ``amount``, ``currency``, ``status``, ``created_at`` and what `by` names; has ``refunds``,
        ``refunded_amount``, ``refunded_at``, ``dispute``, ``fees``, ``fee_amount`` where there are any.
    by : str or sequence of str
        Columns to count it for each value of: ``"method"``, ``"country"``, ….
    window : Window or (start, end), optional
        Only what happened in ``[start, end)``. Default: all.
    period, as_of, timezone
        As in `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and value of `by` of which anything happened, in their order: the number
        and the sum, in minor units, of

        ``activity_refunds_count``, ``activity_refunds_volume``;
        ``activity_disputes_opened_count``, ``…_volume`` of what is disputed;
        ``activity_disputes_won_count``, ``…_volume`` likewise;
        ``activity_disputes_lost_count``, ``…_volume`` of what they took beside refunds;
        ``activity_fees_count``, ``activity_fees_volume``; credits are subtracted.

    Raises
    ------
    InvalidValue
        As in `metrics`; when a column of `by` has the name of one of the result, or a text of
        ``refunds``, ``dispute`` or ``fees`` is something else.

    Notes
    -----
    All other figures count at the date of the payment (`metrics`). A refund that is in no list counts
    at ``refunded_at``, without one when the payment was made, as do fees that are in none; a dispute of
    which only one end is known counts as opened and closed then.

    The texts are read one by one: this takes longer than other figures, about two seconds per 100,000
    payments with fees.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.activity import activity
    >>> january, march = datetime(2026, 1, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 999], "currency": "USD", "status": ["success", "refunded"],
    ...     "created_at": [march, january], "refunded_at": [None, march],
    ... })
    >>> spring = activity(payments, window=(march, datetime(2026, 6, 1, tzinfo=UTC)))
    >>> spring.select("activity_refunds_count", "activity_refunds_volume").rows()
    [(1, 999)]
    """
    zone = zone_of(timezone)
    given = payments_of(payments, *_NEEDED, by=by, optional=_TOLD)
    if taken := [name for name in given.by if name in _FIGURES]:
        raise InvalidValue("by", f"must not name {taken[0]}: that is a column of the result")
    window = chosen(given, window=window, period=period, as_of=as_of, zone=zone).window
    frame = checked(given).filter(_acted(given.columns))
    if window is not None:
        frame = frame.filter(nw.col("created_at") < micros(window.end))
    names = (*given.columns, *given.keys)
    table = collected(frame.select(*map(_read_as, names)))
    found: dict[Keys, dict[Path, tuple[int, int]]] = {}
    groups = zip(table["currency"], *(table[key] for key in given.keys), strict=True)
    for group, payment in zip(groups, _payments_in(table), strict=True):
        for act in acts_of(payment):
            if window is None or act.at in window:
                count_up(found.setdefault(group, {}), _PATHS[act.kind], (1, act.amount))
    rows = ((*group, *_row(found[group], group[0])) for group in in_order(found))
    return given.same_kind(rows, {**given.groups, **_FIGURES})


def _acted(columns: Iterable[str]) -> nw.Expr:
    """Whether anything can have happened to a payment: of most one need not look further."""
    acted = nw.col("status") == Status.REFUNDED.value
    for name in columns:
        if name in ACT_TEXTS:
            acted |= ~nw.col(name).is_null()
        elif name in {RETURNED, FEE_AMOUNT}:
            acted |= nw.col(name).fill_null(0) != 0
    return acted


def _read_as(name: str) -> nw.Expr:
    return nw.col(name).cast(nw.String) if name in ACT_TEXTS else nw.col(name)


def _payments_in(table: Mapping[str, Sequence[Any]]) -> Iterator[Payment]:
    """Payments, as far as their acts need them."""
    nothing = [None] * len(table["status"])
    columns = (table.get(name, nothing) for name in (*_NEEDED, *_TOLD))
    for status, currency, amount, made, back, back_at, fee_amount, *texts in zip(
        *columns, strict=True
    ):
        created_at = instant(int(made))
        yield Payment(
            **{name: _read(name, text) for name, text in zip(ACT_TEXTS, texts, strict=True)},
            id="",
            tenant_id="",
            method="",
            source=Source.API,
            amount=int(amount),
            currency=currency,
            status=decoded_status(status),
            created_at=created_at,
            updated_at=created_at,
            refunded_at=None if back_at is None else instant(int(back_at)),
            refunded_amount=int(back or 0),
            fee_amount=int(fee_amount or 0),
        )


def _read(name: str, text: Any) -> Any:
    if text is None:
        return None
    try:
        return ACT_TEXTS[name].read(str(text))
    except msgspec.DecodeError:
        problem = f"must be the JSON of the canonical table, not {str(text)[:60]!r}"
        raise InvalidValue(name, problem) from None


def _row(sums: Mapping[Path, tuple[int, int]], currency: str) -> Iterable[int]:
    exponent(currency)
    return core.activity(Rollup(further={"activity": sums})).values()
