"""From a row's columns to the payment that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from financeops.cli.importing.amounts import amount_of, is_whole, number_of
from financeops.cli.importing.floats import Double, digits_of
from financeops.cli.importing.rows import Table
from financeops.cli.importing.times import instant_of
from financeops.core import wire
from financeops.core.checks import check_key
from financeops.core.columns import MINOR_UNITS, PAYMENTS, Form, form_of
from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import OPTIONAL

REQUIRED = ("amount", "method", "status", "createdAt")
FIELDS = (
    *("amount", "currency", "method", "status", "createdAt"),
    *(field.json for field in OPTIONAL),
)
"""Fields of a payment that a file can fill."""

_TIMES = {column.json for column in PAYMENTS.values() if column.kind is Kind.INSTANT}
_CANONICAL = {column.json: name for name, column in PAYMENTS.items()}
# A comma separates pairs only where the next one begins: a column may be called "Amount, USD".
_BETWEEN = re.compile(r",(?=[A-Za-z]+=)")


def pairs_of(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """Pairs of ``--map`` or ``--default``: ``amount=dollars,createdAt=date``, any number of times.

    Raises
    ------
    InvalidValue
        When one is no pair, names no field of a payment, or one that another names too.
    """
    pairs: dict[str, str] = {}
    for pair in (pair for text in texts for pair in _BETWEEN.split(text)):
        field, equals, value = pair.partition("=")
        if not equals or not value:
            raise InvalidValue(option, f"must be pairs such as amount=dollars, not {pair!r}")
        if field not in FIELDS:
            raise InvalidValue(option, f"{field!r} is none of {', '.join(FIELDS)}")
        if pairs.setdefault(field, value) != value:
            raise InvalidValue(option, f"says {field} twice: {pairs[field]!r} and {value!r}")
    return pairs


class _Places(NamedTuple):
    """Which column each field is in, and what the columns say of themselves."""

    columns: Mapping[str, str]
    form: Form | None
    minor_units: bool


@lru_cache(maxsize=256)
def _places(
    columns: tuple[str, ...], named: tuple[tuple[str, str], ...], marked: frozenset[str]
) -> _Places:
    form = form_of(columns, MINOR_UNITS if "amount" in marked else None)
    places = {field: field for field in FIELDS}
    if form is Form.FRAME:
        places |= {field: _CANONICAL[field] for field in FIELDS if _CANONICAL[field] in columns}
    places |= named
    amount = places["amount"]
    minor_units = amount in marked or (form is Form.FRAME and amount == "amount")
    return _Places(places, form, minor_units)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column fills which field, and how its texts are meant.

    Parameters
    ----------
    named : mapping of str to str
        Field to column. A column that is called like a field needs no entry, nor does one of a
        saved data frame of payments (`financeops.core.columns.Form`).
    defaults : mapping of str to str
        Value of a field where its column is missing or empty.
    tenant_id : str
    zone : ZoneInfo
        Of times without an offset.
    date_format : str, optional
        `strptime` format of texts.
    decimal_comma : bool
        Amounts are written ``1.850,50``.
    minor_units : bool, optional
        Amounts are whole numbers of minor units; by default only those of a saved data frame are.
    usual_currency : str, optional
        Of rows that have no column for it at all.
    marked : frozenset of str
        Columns of the file that say of themselves that they are in minor units.
    """

    named: Mapping[str, str]
    defaults: Mapping[str, str]
    tenant_id: str
    zone: ZoneInfo
    date_format: str | None = None
    decimal_comma: bool = False
    minor_units: bool | None = None
    usual_currency: str | None = None
    marked: frozenset[str] = frozenset()

    @property
    def of_status(self) -> set[str]:
        """Columns that a change of status changes, also in an export or a saved data frame."""
        fields = ("status", "refundedAt", "updatedAt")
        return {
            *fields,
            *(_CANONICAL[field] for field in fields),
            *(self.named.get(field, field) for field in fields),
        }

    def fitted(self, table: Table) -> Columns:
        """These columns for a file, compared with it before its first row.

        Raises
        ------
        InvalidValue
            When a column that is named is not there, a field that is required has neither column
            nor default, or a default cannot be read.
        """
        self._check_defaults()
        if table.columns is not None:
            self._check_columns(table.columns)
        return replace(self, marked=table.minor_units)

    def _check_defaults(self) -> None:
        for field, text in self.defaults.items():
            if field in _TIMES:
                self._instant(field, text)
            elif field == "amount":
                number_of(text, decimal_comma=self.decimal_comma)

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        for field, column in self.named.items():
            if column not in columns:
                raise InvalidValue(
                    "--map", f"{field}={column}: the file has {', '.join(columns)} only"
                )
        places = self._places(columns).columns
        there = {field for field in FIELDS if places[field] in columns} | self.defaults.keys()
        if "currency" not in there and self.usual_currency is None:
            raise InvalidValue(
                "--currency",
                f"is needed: the file has no column of currencies, and {self.tenant_id} no "
                "payments in a currency of its own",
            )
        missing = [field for field in REQUIRED if field not in there]
        if missing:
            field, *others = missing
            nor = f", nor have {', '.join(others)}" if others else ""
            raise InvalidValue(
                field, f"has no column{nor}: name it with --map {field}=..., or give a --default"
            )

    def payment(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Payment of a row, as the server takes it, in one form for all texts that mean the same.

        Raises
        ------
        InvalidValue
            Naming the first field that cannot be read. The server checks the rest.
        """
        places = self._places(tuple(values))
        said = {
            field: value
            for field in FIELDS
            if (value := self._said(field, values.get(places.columns[field]))) is not None
        }
        for field in REQUIRED:
            if field not in said:
                raise InvalidValue(field, "is missing")
        if "currency" not in said:
            said["currency"] = self._usual_currency(values, places)
        payment: dict[str, Any] = {"tenantId": self.tenant_id}
        for field, value in said.items():
            if field in _TIMES:
                payment[field] = wire.timestamp(self._instant(field, value))
            elif field != "amount":
                payment[field] = check_key(_text(field, value), field)
        payment["amount"] = self._amount(said["amount"], payment["currency"], places)
        return payment

    def _places(self, columns: tuple[str, ...]) -> _Places:
        return _places(columns, tuple(self.named.items()), self.marked)

    def _said(self, field: str, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
        return self.defaults.get(field) if value is None or value == "" else value

    def _usual_currency(self, values: Mapping[str, Any], places: _Places) -> str:
        # Where rows have their own currencies, an empty one is a gap and not the usual one.
        own = "currency" in self.named or places.columns["currency"] in values
        if own or self.usual_currency is None:
            raise InvalidValue("currency", "is missing: say --currency for rows without one")
        return self.usual_currency

    def _instant(self, field: str, value: Any) -> datetime:
        return instant_of(value, field=field, zone=self.zone, date_format=self.date_format)

    def _amount(self, value: Any, currency: str, places: _Places) -> Decimal | int:
        minor_units = self.minor_units
        if minor_units is None:
            minor_units = places.minor_units
            if minor_units and not is_whole(value):
                raise InvalidValue(
                    "amount",
                    "is a whole number of minor units in a data frame of payments, and is not "
                    f"written as one here ({str(value)[:50]!r}): say --minor-units or --major-units",
                )
        return amount_of(value, currency, decimal_comma=self.decimal_comma, minor_units=minor_units)


def _text(field: str, value: Any) -> str:
    match value:
        case str():
            return value
        case Double() if value == value.to_integral_value() and not value.tells(1):
            raise InvalidValue(
                field,
                f"{value} is a float of {value.BITS} bits, which at this size no longer says which "
                "id it is: save the column as text or whole numbers",
            )
        case int() | Decimal() if not isinstance(value, bool):
            with suppress(ValueError):
                return digits_of(Decimal(value))
        case _:
            pass
    raise InvalidValue(field, "must be text or a number")
