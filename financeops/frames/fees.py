"""What payments cost, by kind of fee."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import narwhals as nw
from msgspec import Struct
from narwhals.typing import IntoFrameT

from financeops.core.choices import choice_of
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.metrics import total_volume
from financeops.core.money import exponent, ratio
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Rollup
from financeops.frames.engine.folding import (
    Keys,
    chosen,
    dated,
    group_of,
    in_order,
    lone_currency,
    payments_in,
    rollups,
)
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, collected, number

_FEES = {"kind": TEXT, "fees": INTEGER, "volume": INTEGER, "fee_rate": REAL}


class _Fee(Struct):
    kind: str
    amount: int


_decode = msgspec.json.Decoder(list[list[_Fee]]).decode


def fees(
    payments: IntoFrameT,
    *,
    by: str | Iterable[str] = (),
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """What payments cost, by kind of fee.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, ``fees``, what `by` names, and
        ``created_at`` for a window or a period.
    by : str or sequence of str
        Columns to compute it for each value of: ``"method"``, ``"network"``, ….
    window, period, as_of, timezone
        As in `metrics`: which payments, by when they were created.

    Returns
    -------
    frame of the same kind
        One row per currency, value of `by` and kind of fee that occurs, in their order:

        ``kind`` ``processing``, ``scheme``, ``interchange``, ``tax``, ``dispute`` or ``other``;
        ``fees`` number of fees; credits are some, too;
        ``volume`` their sum, minor units;
        ``fee_rate`` volume / total volume x 100; null when there is no volume.

    Raises
    ------
    InvalidValue
        As in `metrics`; when a text of ``fees`` is not the JSON of fees, or a column of `by` is
        missing, named twice, or has the name of a column of the result.

    Notes
    -----
    Volumes add up to ``fee_volume`` of `metrics`, and rates to its ``fee_rate`` but for rounding.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.core.fees import Fee, FeeKind, fees_text
    >>> from financeops.frames.fees import fees
    >>> at = datetime(2026, 3, 10, tzinfo=UTC)
    >>> cost = fees_text([
    ...     Fee(kind=FeeKind.TAX, amount=7, at=at), Fee(kind=FeeKind.PROCESSING, amount=35, at=at),
    ... ])
    >>> payments = pl.DataFrame({
    ...     "amount": [1000, 400], "currency": "EUR", "status": "success", "fees": [cost, None],
    ... })
    >>> fees(payments).rows()
    [('EUR', 'processing', 1, 35, 2.5), ('EUR', 'tax', 1, 7, 0.5)]
    """
    zone = zone_of(timezone)
    columns = ("status", "currency", "amount", "fees", *dated(window, period))
    given = payments_of(payments, *columns, by=by)
    if taken := [name for name in given.by if name in _FEES]:
        raise InvalidValue("by", f"must not name {taken[0]}: that is a column of the result")
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    currency = lone_currency(given)
    keys = [*([] if currency else ["currency"]), *given.keys]
    asked = [name for name in keys if name not in given.keys]
    frame = payments_in(given, *asked, "fees", window=which.window)
    frame = frame.filter(~nw.col("fees").is_null()).select(nw.col("fees").cast(nw.String), *keys)
    table = collected(frame)
    sums: dict[Keys, dict[FeeKind, tuple[int, int]]] = {}
    for row, listed in enumerate(_fees_in(table["fees"])):
        group = group_of(given, currency, {key: table[key][row] for key in keys})
        kinds = sums.setdefault(group, {})
        for fee in listed:
            kind = choice_of(FeeKind, fee.kind, field="fees")
            n, amount = kinds.get(kind, (0, 0))
            kinds[kind] = (n + 1, amount + fee.amount)
    whole = rollups(given, which, methods=False, hours=False)
    rows = ((*group, *row) for group in in_order(sums) for row in _rows(sums[group], whole, group))
    return given.same_kind(rows, {**given.groups, **_FEES})


def _fees_in(texts: list[str]) -> list[list[_Fee]]:
    """The fees of each text: all decoded at once, for there may be millions."""
    try:
        return _decode(f"[{','.join(texts)}]")
    except msgspec.DecodeError:
        raise InvalidValue("fees", "must be the JSON of fees, as in the canonical table") from None


def _rows(
    kinds: dict[FeeKind, tuple[int, int]], whole: dict[Keys, Rollup], group: Keys
) -> Iterable[tuple[Any, ...]]:
    exponent(group[0])
    volume = total_volume(whole[group])
    for kind in FeeKind:
        if kind in kinds:
            n, amount = kinds[kind]
            yield str(kind), n, amount, number(ratio(100 * amount, volume))
