"""From the columns of a row to its payment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from financeops.cli.importing.amounts import Separator, amount_of, is_whole, number_of
from financeops.cli.importing.cells import lists_fees, pairs_in, said, text_in
from financeops.cli.importing.interpreting import Interpreter, Means, Values
from financeops.cli.importing.mapping import FIELDS, PAIR, pairs_of
from financeops.cli.importing.places import CANONICAL, INTERPRETED, Places, places_of
from financeops.cli.importing.preset import Preset
from financeops.cli.importing.rows import Row, Table
from financeops.cli.importing.times import instant_of
from financeops.cli.importing.words import parts_of
from financeops.core import wire
from financeops.core.checks import check_key, check_pairs
from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import AMOUNTS

__all__ = ["FIELDS", "REQUIRED", "Columns", "pairs_of"]

REQUIRED = ("amount", "method", "status", "createdAt")

_TIMES = {column.json for column in PAYMENTS.values() if column.kind is Kind.INSTANT}
_AMOUNTS = {PAYMENTS[name].json: PAYMENTS[of].json for name, of in AMOUNTS.items()}
_UNSIGNED = ("amount", "refundedAmount", "refunds", "dispute")
_LISTS = ("fees", "refunds", "dispute")
_PAIRS = {column.json for column in PAYMENTS.values() if column.kind is Kind.PAIRS}
_BESIDE = {"amountMinor", *CANONICAL, *PAYMENTS}


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column fills which field, and how to read its texts.

    Parameters
    ----------
    named : mapping of str to str
        Field to column. A column that has the name of a field needs no entry, nor does one of a
        saved data frame of payments (`financeops.core.columns.Form`).
    defaults : mapping of str to str
        Values of fields whose column is missing or empty.
    tenant_id : str
    zone : ZoneInfo
        Time zone of times without an offset.
    date_format : str, optional
        `strptime` format of texts.
    decimal_comma : bool
        Amounts are written ``1.850,50``.
    minor_units : bool, optional
        Whether amounts are whole numbers of minor units; by default only in a saved data frame.
    usual_currency : str, optional
        Currency of rows in a file without a column for it.
    marked : frozenset of str
        Columns that the file itself marks as being in minor units.
    preset : Preset, optional
        What the columns and rows of the file mean; `named`, `defaults` and `values` come first.
    values : Values
        By field: what its texts mean.
    separator : Separator, optional
        What separates the decimals in all amounts.
    separators : mapping of str to Separator
        By column, what it has been found to have.
    interpreter : Interpreter, optional
        That of the preset for this file: `fitted` makes it.
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
    preset: Preset | None = None
    values: Values = dataclasses.field(default_factory=dict)
    separator: Separator | None = None
    separators: Mapping[str, Separator] = dataclasses.field(default_factory=dict)
    interpreter: Interpreter | None = None

    @property
    def of_status(self) -> set[str]:
        """Columns that may change after a payment, also in an export or a saved data frame."""
        fields = (
            *("status", "refundedAt", "refundedAmount", "refunds", "updatedAt", "dispute"),
            *("feeAmount", "fees", "payoutId", "settledAt", "settledAmount", "settledCurrency"),
            *("revision", "attempt", "recoveredBy"),
        )
        return {
            *fields,
            *(CANONICAL[field] for field in fields),
            *(self.named.get(field, field) for field in fields),
        }

    def fitted(self, table: Table) -> Columns:
        """These columns for a file, compared with it before its first row.

        Raises
        ------
        InvalidValue
            When a column that is named is not there, a field that is required has neither column
            nor default, a default cannot be read, or the preset is for other files.
        """
        self._check_defaults()
        interpreter = None
        if self.preset is not None:
            means = Means(self.named, self.values, self.date_format, self.zone, self.separator)
            interpreter = Interpreter(self.preset, means, table.columns)
        fit = replace(self, marked=table.minor_units, interpreter=interpreter)
        if table.columns is not None:
            fit.check_columns(table.columns)
        return fit

    def _check_defaults(self) -> None:
        for field, text in self.defaults.items():
            if field in _TIMES:
                self._instant(field, text)
            elif field == "amount":
                number_of(text, decimal_comma=self.decimal_comma, separator=self.separator)

    def check_columns(self, columns: tuple[str, ...]) -> None:
        """Refuse a file that lacks columns which are named or required; raises `InvalidValue`."""
        for field, column in self.named.items():
            if column not in columns and not parts_of(column, columns):
                raise InvalidValue(
                    "--map", f"{field}={column}: the file only has the columns {', '.join(columns)}"
                )
        there = self._filled(columns) | self.defaults.keys()
        if "currency" not in there and self.usual_currency is None:
            raise self._without_currency("the file has no column of currencies")
        missing = [field for field in REQUIRED if field not in there]
        if missing:
            field, *others = missing
            nor = f", nor have {', '.join(others)}" if others else ""
            raise InvalidValue(
                field, f"has no column{nor}: name it with --map {field}=..., or give a --default"
            )

    def _filled(self, columns: tuple[str, ...]) -> set[str]:
        """The fields that a file with these columns can fill."""
        if self.interpreter is not None:
            return self.interpreter.filled(columns)
        places = self._places(columns)
        return {field for field in FIELDS if places.columns.get(field) in columns} | {
            *places.joined
        }

    def check_currency(self, first: Sequence[Row]) -> None:
        """Refuse a file of rows with fields of their own if none of the first has a currency.

        Otherwise each of its rows would be refused, for one option that is missing.

        Raises
        ------
        InvalidValue
            Naming ``--currency``.
        """
        rows = [row.values for row in first if row.values is not None]
        if not rows or self.usual_currency is not None or "currency" in self.defaults:
            return
        if not any("currency" in self._filled(tuple(row)) for row in rows):
            rows_of = "row has" if len(rows) == 1 else f"first {len(rows):,} rows have"
            raise self._without_currency(f"the file's {rows_of} no currency")

    def unread(self, columns: Sequence[str]) -> list[str]:
        """Return the columns that fill no field; not those that an export or a saved frame has beside."""
        if self.interpreter is not None:
            read = self.interpreter.read(columns)
            return [name for name in columns if name not in read]
        places = self._places(tuple(columns))
        own = places.form is not None
        parts = (part for each in places.joined.values() for part in each)
        known = {*places.columns.values(), *self.named.values(), *parts}
        return [name for name in columns if name not in known and not (own and name in _BESIDE)]

    def assumed_currency(self, rows: Iterable[Sequence[str]]) -> str | None:
        """Return the tenant's currency if rows with these columns are taken to be in it."""
        if "currency" in self.defaults or "currency" in self.named:
            return None
        lacking = any("currency" not in self._filled(tuple(row)) for row in rows)
        return self.usual_currency if lacking else None

    def _without_currency(self, what: str) -> InvalidValue:
        return InvalidValue(
            "--currency",
            f"is required: {what}, and {self.tenant_id} has no payments in a currency of its own",
        )

    def payment(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a row to a payment as the server takes it; equal payments have equal forms.

        Raises
        ------
        InvalidValue
            Naming the first field that cannot be read. The server checks the rest.
        Skipped
            When a preset says that the row is no payment.
        """
        if self.interpreter is None:
            places = self._places(tuple(values))
            if places.joined:
                values = {**values, **_joined(values, places)}
        else:
            places = INTERPRETED
            values = self.interpreter.fields_of(
                values, defaults=self.defaults, currency=self.usual_currency
            )
        given = {
            field: value
            for field in FIELDS
            if (value := self._given(field, values.get(places.columns.get(field, "")))) is not None
        }
        for field in REQUIRED:
            if field not in given:
                raise InvalidValue(field, "is missing")
        if "currency" not in given:
            given["currency"] = self._usual_currency(values, places)
        payment: dict[str, Any] = {"tenantId": self.tenant_id}
        for field, value in given.items():
            if field in _PAIRS:
                payment[field] = pairs_in(field, value)
            elif field in _TIMES:
                payment[field] = wire.timestamp(self._instant(field, value))
            elif field not in _AMOUNTS and field not in _LISTS:
                payment[field] = check_key(text_in(field, value), field)
        for name in dict.fromkeys([*self.named, *self.defaults]):
            if (pair := PAIR.fullmatch(name)) is None:
                continue
            value = self._given(name, values.get(places.columns.get(name, name)))
            if value is not None:
                payment[pair[1]] = {**payment.get(pair[1], {}), pair[2]: text_in(name, value)}
        for field in _PAIRS & payment.keys():
            check_pairs(payment[field], field)
        for field, of in _AMOUNTS.items():
            if field in given:
                currency = payment.get(of) or payment["currency"]
                payment[field] = self._amount(field, given[field], currency, places)
        fees = given.get("fees")
        if fees is not None and not lists_fees(fees):  # other programs call their sum so
            amount = self._amount("fees", given.pop("fees"), payment["currency"], places)
            payment.setdefault("feeAmount", amount)
        for field in _LISTS:
            if field in given:
                payment[field] = self._acts(field, given[field], payment["currency"], places)
        return payment

    def _places(self, columns: tuple[str, ...]) -> Places:
        return places_of(columns, tuple(self.named.items()), self.marked)

    def _given(self, field: str, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if self.interpreter is None and field in self.values:
                value = self.values[field].get(value, value)
        return self.defaults.get(field) if value is None or value == "" else value

    def _usual_currency(self, values: Mapping[str, Any], places: Places) -> str:
        # In a file with a column of currencies an empty cell is a gap; it does not mean the usual one.
        own = "currency" in self.named or places.columns["currency"] in values
        if own or self.usual_currency is None:
            raise InvalidValue("currency", "is missing: use --currency for rows without one")
        return self.usual_currency

    def _instant(self, field: str, value: Any) -> datetime:
        return instant_of(value, field=field, zone=self.zone, date_format=self.date_format)

    def amounts(self, values: Mapping[str, Any]) -> list[str]:
        """Columns of a row that may tell what separates decimals, unless that is known."""
        if self.decimal_comma or self.separator or self.minor_units:
            return []
        if self.interpreter is not None:
            return [name for name in self.interpreter.amounts() if name in values]
        places = self._places(tuple(values))
        if places.form is not None or places.minor_units:
            return []
        named = (places.columns.get(field) for field in (*_AMOUNTS, "fees"))
        return [name for name in named if name and name in values]

    def separating(self, separators: Mapping[str, Separator]) -> Columns:
        """These columns, knowing what separates the decimals in each of them."""
        if self.interpreter is not None:
            self.interpreter.separators = separators
        return replace(self, separators=separators)

    def _separator(self, column: str) -> Separator | None:
        own = self.preset.decimal if self.preset else None
        return self.separator or own or self.separators.get(column)

    def _acts(self, field: str, value: Any, currency: str, places: Places) -> Any:
        """What happened to a payment, from an object, an array of them, or its JSON."""

        def act(document: Any) -> dict[str, Any]:
            amount = self._amount(field, document["amount"], currency, places)
            return {**said(document), "amount": amount}

        try:
            told = wire.decode(value.encode()) if isinstance(value, str) else value
            return act(told) if field == "dispute" else [act(each) for each in told]
        except (msgspec.DecodeError, KeyError, TypeError):
            problem = f"must be JSON such as an export has, not {str(value)[:50]!r}"
            raise InvalidValue(field, problem) from None

    def _amount(self, field: str, value: Any, currency: str, places: Places) -> Decimal | int:
        minor_units = self.minor_units
        if minor_units is None:
            minor_units = places.minor_units
            if minor_units and not is_whole(value):
                raise InvalidValue(
                    field,
                    "must be a whole number of minor units in a saved data frame of payments, not "
                    f"{str(value)[:50]!r}: use --minor-units or --major-units",
                )
        try:
            return amount_of(
                value,
                currency,
                decimal_comma=self.decimal_comma,
                separator=self._separator(places.columns[field]),
                minor_units=minor_units,
                signed=field not in _UNSIGNED,
            )
        except InvalidValue as error:
            named = field if error.field == "amount" else error.field
            raise InvalidValue(named, error.problem) from None


def _joined(values: Mapping[str, Any], places: Places) -> dict[str, str]:
    """The texts of fields that are in several columns, under the name that they have together."""
    cells = {
        field: [str(values[part]).strip() for part in parts if values[part] is not None]
        for field, parts in places.joined.items()
    }
    return {places.columns[field]: " ".join(filter(None, each)) for field, each in cells.items()}
