"""Payments in one currency, at the rates of their days."""

from __future__ import annotations

from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.periods import zone_of
from financeops.core.rates import Rates
from financeops.frames.engine.clock import DAY_US, local, span
from financeops.frames.engine.factors import Factor, with_factors
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.quotes import rates_in
from financeops.frames.engine.results import collected

_CURRENCY = "reporting_currency"


def convert(
    payments: IntoFrameT,
    rates: Any,
    *,
    to: str,
    source: str | None = None,
    base: str | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Payments with their amounts in one currency, each at the rate of its day.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency`` and ``created_at``.
    rates : frame
        Exchange rates, of any of the libraries, as `read_rates` and ``connect().rates()`` return them: one
        unit of ``base`` is ``rate`` (decimals or text, never floats) units of ``quote``, on a ``date``, as
        ``source`` says.
    to : str
        ISO 4217 code of the currency.
    source, base : str, optional
        Which rates to take. They must be named where there are several; rates without a column ``source``
        are of the one that is named.
    timezone : str
        IANA zone in which days begin: the tenant's.

    Returns
    -------
    frame of the same kind
        The payments, with all their columns, in their order where the library has one, and

        ``reporting_amount`` minor units of `to`; null where there is no rate;
        ``rate`` how many units of `to` one unit of the payment's currency is, a decimal, rounded to 12
        decimals; null likewise;
        ``rate_date`` of which day the rate is;
        ``rate_source`` as who says.

        Columns of these names are replaced, and ``reporting_currency`` says `to`, if there is such a column,
        as payments of a server have: what its ledger converted them into is gone. Payments in `to` keep their amount, at the rate 1 of no day.

    Raises
    ------
    InvalidValue
        When a column of either frame is missing or wrong, or does not say which rate is meant; when a rate has
        so many digits, or an amount becomes so large, that the result would not be exact.

    Notes
    -----
    The rate of a day is the latest on or before it, at most 7 days old, on which both currencies are
    known. A payment is converted over the base of the rates by exact integer arithmetic, and rounded once,
    half-even, to the minor units of `to`: ``rate`` is for reading, and no amount is computed from it.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, date, datetime
    >>> from financeops.frames.convert import convert
    >>> payments = pl.DataFrame({
    ...     "amount": [1000, 1000, 1000], "currency": ["JPY", "EUR", "BHD"],
    ...     "created_at": datetime(1999, 1, 6, 12, tzinfo=UTC),
    ... })
    >>> rates = pl.DataFrame({
    ...     "date": date(1999, 1, 5), "base": "EUR", "quote": ["USD", "JPY"],
    ...     "rate": ["1.1790", "130.96"], "source": "ecb",
    ... })
    >>> convert(payments, rates, to="EUR").select("reporting_amount", "rate_date").rows()
    [(764, datetime.date(1999, 1, 5)), (1000, None), (None, None)]
    """
    try:
        exponent(to)
    except InvalidValue as error:
        raise InvalidValue("to", error.problem) from None
    zone = zone_of(timezone)
    given = payments_of(payments, "amount", "currency", "created_at")
    frame = checked(given)
    between = span(frame)

    def day_of(column: str) -> nw.Expr:
        return local(column, zone, between) // DAY_US - 1

    keyed = frame.with_columns(day_of("created_at").alias("day"))
    most = nw.col("amount").max().alias("most")
    groups = collected(keyed.group_by("currency", "day").agg(most))
    found = Rates(
        rates_in(rates, {to, *groups["currency"]}, source=source), source=source, base=base
    )
    factors = [
        Factor.of(found, currency, int(day), to=to, most=int(most))
        for currency, day, most in zip(
            groups["currency"], groups["day"], groups["most"], strict=True
        )
    ]
    converted: Any = with_factors(payments, given.whole, keyed, day_of, factors)
    if _CURRENCY in given.whole.collect_schema().names():
        # What the ledger had converted them into.
        said = nw.from_native(converted).with_columns(nw.lit(to).alias(_CURRENCY))
        converted = said.to_native()
    result: IntoFrameT = converted
    return result
