"""Convert amounts between major and minor units, all rows at once and exactly, without floats.

A decimal of four places and the integer of its ten-thousandths have the same 128 bits: `view`
converts one into the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from financeops.core.errors import InvalidValue
from financeops.core.money import MAX_MINOR, decimals_of, exponent, to_minor

_DECIMALS = 4  # no currency has more
MAJOR = pa.decimal128(24, _DECIMALS)
"""Type of amounts in major units: exact in every ISO 4217 currency."""

_TEN_THOUSANDTHS = pa.decimal128(MAJOR.precision, 0)
_WIDEST = pa.decimal128(38, _DECIMALS)
_WIDEST_TEN_THOUSANDTHS = pa.decimal128(_WIDEST.precision, 0)


def major_of(minor: pa.ChunkedArray, currencies: pa.ChunkedArray) -> pa.Array:
    """Exact amounts in major units (type `MAJOR`) from integers of minor units.

    Parameters
    ----------
    minor : pyarrow.ChunkedArray
        int64.
    currencies : pyarrow.ChunkedArray
        Codes; one that no table lists has two decimals.
    """
    codes = currencies.combine_chunks().dictionary_encode()
    scaled = pc.multiply(minor.combine_chunks(), _factors(codes, decimals_of))
    return scaled.cast(_TEN_THOUSANDTHS).view(MAJOR)


def minor_of(
    amounts: pa.ChunkedArray,
    currencies: pa.ChunkedArray,
    *,
    signed: bool = False,
    most: int = MAX_MINOR,
) -> pa.Array:
    """Minor units from exact amounts in major units.

    Parameters
    ----------
    amounts : pyarrow.ChunkedArray
        Text such as ``"1850.5"``, decimals or integers. Never floats: their text is lost.
    currencies : pyarrow.ChunkedArray
        ISO 4217 codes.
    signed : bool
        Whether amounts may be negative.
    most : int
        Largest number of minor units.

    Returns
    -------
    pyarrow.Array
        int64; null where the amount is.

    Raises
    ------
    InvalidValue
        Names ``amount`` or ``currency`` and the first row that is wrong.
    """
    if pa.types.is_floating(amounts.type):
        raise InvalidValue(
            "amount", f"must be exact (text, decimals or integers), not {amounts.type}"
        )
    codes = currencies.cast(pa.string()).combine_chunks().dictionary_encode()

    def known(code: str) -> int:
        try:
            return exponent(code)
        except InvalidValue as error:
            row = pc.index(currencies, value=code).as_py()
            raise InvalidValue("currency", f"{error.problem}, not {code!r} (row {row})") from None

    factors = _factors(codes, known)
    if codes.null_count:
        row = pc.index(pc.is_null(currencies), value=True).as_py()
        raise InvalidValue("currency", f"must not be empty (row {row})")
    try:
        exact = amounts.cast(_WIDEST).combine_chunks()
        scaled = exact.view(_WIDEST_TEN_THOUSANDTHS).cast(pa.int64())
    except pa.ArrowInvalid:
        raise _wrong_amount(amounts, currencies, signed=signed, most=most) from None
    minor = pc.divide(scaled, factors)
    whole = pc.equal(pc.multiply(minor, factors), scaled)
    least = -most if signed else 0
    in_range = pc.and_(pc.greater_equal(minor, least), pc.less_equal(minor, most))
    if not pc.all(pc.and_(whole, in_range), min_count=0).as_py():
        raise _wrong_amount(amounts, currencies, signed=signed, most=most)
    return minor


def _wrong_amount(
    amounts: pa.ChunkedArray, currencies: pa.ChunkedArray, *, signed: bool, most: int
) -> InvalidValue:
    """Error for the first invalid amount, found one by one: speed no longer matters."""
    pairs = zip(amounts.to_pylist(), currencies.to_pylist(), strict=True)
    for row, (amount, currency) in enumerate(pairs):
        try:
            if amount is not None:
                to_minor(amount, currency, signed=signed, most=most)
        except InvalidValue as error:
            return InvalidValue("amount", f"{error.problem}, but is {str(amount)!r} (row {row})")
    return InvalidValue("amount", "must be numbers such as 1850.5")


def _factors(codes: Any, decimals: Callable[[str], int]) -> Any:
    """Number of ten-thousandths in a minor unit, per row."""
    factors = [10 ** (_DECIMALS - decimals(code)) for code in codes.dictionary.to_pylist()]
    return pa.array(factors, pa.int64()).take(codes.indices)
