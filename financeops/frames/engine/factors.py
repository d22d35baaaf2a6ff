"""Amounts multiplied by fractions, exactly, where the frame lives.

An amount times a numerator does not fit 64 bits, and libraries disagree about wider numbers. So this is long
division: the numerator is cut into pieces of so few bits that no step exceeds 64, in the same integer
arithmetic on every library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import narwhals as nw
from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.rates import RATE_DECIMALS, RATE_DIGITS, Rates

REPORTED = ("reporting_amount", "rate", "rate_date", "rate_source")
"""The columns that are added."""

_BITS = 62
"""A denominator times a piece of a numerator has at most so many."""

_MOST = 2**60
"""Numerators and denominators are smaller: two bits at least are left for a piece."""

_KEY = 2**32
"""More than there are days."""

_EPOCH = date(1970, 1, 1)
_CURRENCY, _DAY, _AMOUNT, _UP, _DOWN = (
    f"financeops_{name}" for name in ("currency", "day", "amount", "up", "down")
)
_ROW, _WHOLE, _REST, _STEP, _QUOTIENT, _HALF = (
    f"financeops_{name}" for name in ("row", "whole", "rest", "step", "quotient", "half")
)


class Factor(Struct, frozen=True, kw_only=True):
    """What amounts of a currency and a day are multiplied by; None where no rate is known."""

    currency: str
    day: int
    up: int | None = None
    down: int | None = None
    rate: Decimal | None = None
    rate_date: date | None = None
    rate_source: str | None = None

    @classmethod
    def of(cls, rates: Rates, currency: str, day: int, *, to: str, most: int) -> Factor:
        """The factor of a day, counted since 1970, whose largest amount is `most`.

        Raises
        ------
        InvalidValue
            When results would not be exact.
        """
        found = rates.conversion(currency, to, _EPOCH + timedelta(days=day))
        if found is None:
            return cls(currency=currency, day=day)
        digits = RATE_DIGITS - RATE_DECIMALS
        if max(found.numerator, found.denominator) >= _MOST or found.rate >= 10**digits:
            raise InvalidValue(
                "rate", f"of {currency} in {to} on {found.date} has too many digits to be exact"
            )
        if found.of(most) >= 2**63:
            raise InvalidValue("amount", f"does not fit 64 bits in {to}: {most} of {currency}")
        return cls(
            currency=currency,
            day=day,
            up=found.numerator,
            down=found.denominator,
            rate=found.rate,
            rate_date=found.date,
            rate_source=found.source,
        )


def with_factors(
    payments: Any,
    whole: nw.DataFrame[Any] | nw.LazyFrame[Any],
    keyed: nw.LazyFrame[Any],
    day_of: Callable[[str], nw.Expr],
    factors: Sequence[Factor],
) -> Any:
    """The native payments with the columns `REPORTED`, in their order where they have one.

    Parameters
    ----------
    payments : frame
        As they were given.
    whole : narwhals frame
        The same, of types that narwhals knows.
    keyed : narwhals.LazyFrame
        ``amount``, ``currency``, ``created_at`` in microseconds, and ``day``, of each payment.
    day_of : callable
        The day, of a column of microseconds with this name.
    factors : sequence of Factor
        One for each currency and day that occurs.
    """
    # Nulls alone would have no type.
    lookup, bits = _table(factors or [Factor(currency="", day=0)])
    if whole.implementation.is_polars():
        frame = whole.with_columns(nw.col("created_at").dt.timestamp("us").alias(_DAY))
        return _joined(frame, day_of, lookup, bits, _as_polars)
    if whole.implementation.is_duckdb():
        relation = nw.to_native(whole).project(f"*, epoch_us(created_at) AS {_DAY}")
        return _joined(nw.from_native(relation), day_of, lookup, bits, _as_relation)
    if whole.implementation.is_pyspark():
        # As one column, for Spark would read dots in names.
        rows = nw.to_native(whole).drop(*REPORTED)
        needed = ("amount", "currency", f"unix_micros(created_at) AS {_DAY}")
        frame = nw.from_native(rows.selectExpr(f"struct(*) AS {_ROW}", *needed))
        return _joined(frame, day_of, lookup, bits, _as_spark).select(f"{_ROW}.*", *REPORTED)
    frame = _multiplied(_taken(keyed, lookup).lazy(), bits).select(*REPORTED)
    return _attached(nw.to_native(payments, pass_through=True), whole, frame.collect().to_arrow())


def _table(factors: Sequence[Factor]) -> tuple[Any, int]:
    """The factors as a table, numerators in pieces, the highest first; and the bits of a piece."""
    longest = max((factor.down.bit_length() for factor in factors if factor.down), default=1)
    bits = _BITS - longest
    widest = max((factor.up.bit_length() for factor in factors if factor.up), default=1)
    pieces = -(-widest // bits)
    arrow: Any = nw.Implementation.PYARROW.to_native_namespace()
    columns: dict[str, tuple[Any, list[Any]]] = {
        _CURRENCY: (arrow.string(), [factor.currency for factor in factors]),
        _DAY: (arrow.int64(), [factor.day for factor in factors]),
        _UP: (arrow.int64(), [factor.up for factor in factors]),
        _DOWN: (arrow.int64(), [factor.down for factor in factors]),
    }
    for piece in range(pieces):
        shift, mask = bits * (pieces - 1 - piece), 2**bits - 1
        cut = [None if each.up is None else (each.up >> shift) & mask for each in factors]
        columns[f"{_UP}_{piece}"] = arrow.int64(), cut
    columns["rate"] = (
        arrow.decimal128(RATE_DIGITS, RATE_DECIMALS),
        [factor.rate for factor in factors],
    )
    columns["rate_date"] = arrow.date32(), [factor.rate_date for factor in factors]
    columns["rate_source"] = arrow.string(), [factor.rate_source for factor in factors]
    arrays = {name: arrow.array(values, kind) for name, (kind, values) in columns.items()}
    return arrow.table(arrays), bits


def _multiplied(frame: nw.LazyFrame[Any], bits: int) -> nw.LazyFrame[Any]:
    """With ``reporting_amount``: the amount times up / down, rounded once, half-even."""
    rest, step, down = nw.col(_REST), nw.col(_STEP), nw.col(_DOWN)
    frame = _divided(frame, _WHOLE, _AMOUNT, _DOWN)
    frame = frame.with_columns(
        # What is left of the amount is multiplied piece by piece.
        (nw.col(_AMOUNT) - nw.col(_WHOLE) * down).alias(_AMOUNT),
        (nw.col(_WHOLE) * nw.col(_UP)).alias(_WHOLE),
        (down * 0).alias(_REST),
        (down * 0).alias(_QUOTIENT),
    )
    pieces = sorted(
        (name for name in frame.collect_schema().names() if name.startswith(f"{_UP}_")),
        key=lambda name: int(name.rpartition("_")[2]),
    )
    for piece in pieces:
        frame = frame.with_columns((rest * 2**bits + nw.col(_AMOUNT) * nw.col(piece)).alias(_STEP))
        frame = _divided(frame, _HALF, _STEP, _DOWN)
        frame = frame.with_columns(
            (step - nw.col(_HALF) * down).alias(_REST),
            (nw.col(_QUOTIENT) * 2**bits + nw.col(_HALF)).alias(_QUOTIENT),
        )
    frame = frame.with_columns(
        (nw.col(_WHOLE) + nw.col(_QUOTIENT)).alias(_WHOLE), (down * 0 + 2).alias(_STEP)
    )
    frame = _divided(frame, _HALF, _WHOLE, _STEP)
    odd = nw.col(_WHOLE) - nw.col(_HALF) * 2 == 1
    up = (rest * 2 > down) | ((rest * 2 == down) & odd)
    rounded = nw.when(up).then(nw.col(_WHOLE) + 1).otherwise(nw.col(_WHOLE))
    return frame.with_columns(rounded.alias("reporting_amount"))


def _divided(frame: nw.LazyFrame[Any], name: str, up: str, down: str) -> nw.LazyFrame[Any]:
    """With the integer quotient of two columns that are not negative."""
    if frame.implementation.is_pyspark():
        # narwhals divides floats there.
        rest = frame.to_native().drop(name)
        native = rest.selectExpr("*", f"{up} div {down} AS {name}")
        divided: nw.LazyFrame[Any] = nw.from_native(native).lazy()
        return divided
    return frame.with_columns((nw.col(up) // nw.col(down)).alias(name))


def _joined(
    frame: nw.DataFrame[Any] | nw.LazyFrame[Any],
    day_of: Callable[[str], nw.Expr],
    lookup: Any,
    bits: int,
    native_of: Callable[[Any, Any], Any],
) -> Any:
    """The frame, whose column of days still holds microseconds, joined with the factors."""
    given = [name for name in frame.collect_schema().names() if name not in {*REPORTED, _DAY}]
    keys = [_CURRENCY, _DAY]
    renamed: Any = frame.select(*given, _DAY).with_columns(
        nw.col("currency").cast(nw.String).alias(_CURRENCY),
        nw.col("amount").cast(nw.Int64).alias(_AMOUNT),
        day_of(_DAY).alias(_DAY),
    )
    native = native_of(nw.to_native(renamed), lookup)
    if frame.implementation.is_polars():
        joined = nw.to_native(renamed).join(
            native.lazy() if isinstance(frame, nw.LazyFrame) else native,
            on=keys,
            how="left",
            maintain_order="left",
        )
        wide = nw.from_native(joined)
    else:
        wide = renamed.join(nw.from_native(native), on=keys, how="left")
    result = _multiplied(wide, bits).select(*given, *REPORTED)
    return nw.to_native(result)


def _as_polars(native: Any, lookup: Any) -> Any:
    return nw.get_native_namespace(native).from_arrow(lookup)


def _as_relation(relation: Any, lookup: Any) -> Any:
    # The relation has to read the table itself: it finds it by the name of this variable.
    financeops_factors = lookup  # noqa: F841
    return relation.query("financeops_payments", "SELECT * FROM financeops_factors")


def _as_spark(native: Any, lookup: Any) -> Any:
    arrow: Any = nw.get_native_namespace(nw.from_native(lookup))
    types = {arrow.string(): "string", arrow.int64(): "bigint", arrow.date32(): "date"}
    decimals = f"decimal({RATE_DIGITS}, {RATE_DECIMALS})"
    schema = ", ".join(f"{each.name} {types.get(each.type, decimals)}" for each in lookup.schema)
    rows = [tuple(row.values()) for row in lookup.to_pylist()]
    return native.sparkSession.createDataFrame(rows, schema)


def _taken(keyed: nw.LazyFrame[Any], lookup: Any) -> nw.DataFrame[Any]:
    """The factor of each payment, in their order, beside its amount."""
    table = keyed.select("amount", "currency", "day").collect().to_arrow()
    known = nw.from_native(lookup, eager_only=True)
    currencies, days = known[_CURRENCY].to_list(), known[_DAY].to_list()
    numbers = {currency: n for n, currency in enumerate(dict.fromkeys(currencies))}
    keys = [numbers[each] * _KEY + day for each, day in zip(currencies, days, strict=True)]
    number = nw.col("currency").replace_strict(
        [*numbers], [*numbers.values()], return_dtype=nw.Int64
    )
    frame = nw.from_native(table, eager_only=True).select(
        nw.col("amount").cast(nw.Int64).alias(_AMOUNT),
        (number * _KEY + nw.col("day").cast(nw.Int64)).alias(_DAY),
    )
    place = nw.col(_DAY).replace_strict(keys, [*range(len(keys))], return_dtype=nw.Int64)
    places = frame.select(place.alias(_DAY))[_DAY]
    taken: nw.DataFrame[Any] = known[places]
    return taken.with_columns(frame[_AMOUNT])


def _attached(native: Any, whole: Any, reported: Any) -> Any:
    """The columns beside those of a frame that is in memory."""
    if not whole.implementation.is_pandas_like():
        table = native.drop_columns([name for name in REPORTED if name in native.column_names])
        for name in REPORTED:
            table = table.append_column(name, reported[name])
        return table
    pandas = nw.get_native_namespace(whole)
    columns = reported.to_pandas(types_mapper=pandas.ArrowDtype)
    if not any(type(dtype).__name__ == "ArrowDtype" for dtype in native.dtypes):
        # pandas itself has no dates and decimals: these stay Arrow's.
        holes = reported["reporting_amount"].null_count
        columns = columns.assign(
            reporting_amount=columns["reporting_amount"].astype("Int64" if holes else "int64"),
            rate_source=reported.select(["rate_source"]).to_pandas()["rate_source"],
        )
    columns.index = native.index
    others = native.drop(columns=[name for name in REPORTED if name in native.columns])
    return others.assign(**{name: columns[name] for name in REPORTED})
