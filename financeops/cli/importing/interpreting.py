"""From a row of a provider's file to the fields of a payment, as its preset says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from financeops.cli.importing.amounts import Separator, number_of
from financeops.cli.importing.cells import text_in
from financeops.cli.importing.countries import country_of
from financeops.cli.importing.preset import OPTION, FeeSource, Preset, Source, Sources, each_of
from financeops.cli.importing.times import instant_of, zone_in
from financeops.cli.importing.words import Meanings, cell_of, parts_of, raw_of, words_of
from financeops.core import wire
from financeops.core.contract.texts import MAX_PAIRS
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.payments import OPTIONAL, Status

Values = Mapping[str, Mapping[str, str]]
"""By field: what its texts mean."""

_PLANS = 256
_AMOUNTS = ("amount", "refundedAmount", "feeAmount", "settledAmount", "dispute.amount")
_SETTLED = ("payoutId", "settledAt", "settledAmount", "settledCurrency")
_ONLY = {field.json: str(field.only) for field in OPTIONAL if field.only} | {"refundedAmount": ""}


class Skipped(Exception):
    """A row that is not a payment; its text says why it is skipped."""


class Means(NamedTuple):
    """What the command line says: it comes before what the preset says."""

    named: Mapping[str, str]
    values: Values
    date_format: str | None
    zone: ZoneInfo
    separator: Separator | None


class _Plan(NamedTuple):
    """The sources that rows with the same columns have, and their pairs of metadata."""

    fields: Mapping[str, list[Source]]
    dispute: Mapping[str, list[Source]]
    pairs: list[tuple[str, str]]


class Interpreter:
    """Reads the rows of one file.

    Parameters
    ----------
    preset : Preset
    means : Means
    columns : collection of str, optional
        The file's columns; None if each row has its own.

    Raises
    ------
    InvalidValue
        Naming ``--from``, when columns are missing of those by which its files are recognised.
    """

    def __init__(self, preset: Preset, means: Means, columns: Collection[str] | None) -> None:
        self.preset = preset
        self._means = means
        self._columns = columns
        self._meanings = Meanings()
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self.separators: Mapping[str, Separator] = {}
        """By column, what separates the decimals in it, if neither preset nor command line says so."""
        self.left_out = 0
        """Payments whose fees are not told, because they are in another currency."""
        if columns is not None and (missing := preset.recognised.missing(columns)):
            raise InvalidValue(
                OPTION,
                f"{preset.name} needs the columns {', '.join(missing)}; the file has "
                f"{', '.join(columns)}",
            )

    def amounts(self) -> set[str]:
        """The columns of amounts, unless the preset says how they are written."""
        if self.preset.decimal or self._means.separator:
            return set()
        preset = self.preset
        named = {column for field, column in self._means.named.items() if field in _AMOUNTS}
        of_fees = {name for each in preset.fees for name in (*each.names, *each.less)}
        taken = [preset.fields.get(field, []) for field in _AMOUNTS if field != "dispute.amount"]
        taken.append(preset.dispute.get("amount", []))
        sources = [source for each in taken for source in each_of(each)]
        of_fields = {name for each in sources for name in (*each.names, *each.tenders)}
        return {*named, *of_fees, *of_fields, *preset.zero}

    def filled(self, columns: Collection[str]) -> set[str]:
        """The fields that a file with these columns can fill."""
        fields = {
            field
            for field, sources in self.preset.fields.items()
            if any(source.fits(columns) for source in each_of(sources))
        }
        return fields | self._means.named.keys()

    def read(self, columns: Collection[str]) -> set[str]:
        """Those of these columns that are looked at."""
        named = self._means.named.values()
        return {
            *(self.preset.columns() & set(columns)),
            *(part for name in named for part in (name, *parts_of(name, columns))),
            *self._metadata_columns(columns),
        }

    def fields_of(
        self, values: Mapping[str, Any], *, defaults: Mapping[str, str], currency: str | None
    ) -> dict[str, Any]:
        """Return the fields of a row's payment; ``""`` where a column has nothing.

        Parameters
        ----------
        values : mapping of str to value
            By column.
        defaults : mapping of str to str
            Values of fields that the row does not fill.
        currency : str, optional
            That of rows without one, if no default says it.

        Raises
        ------
        Skipped
            When the row is no payment.
        InvalidValue
            Naming the field, with the column and its text, if that is not known.
        """
        self._check_row(values)
        found: dict[str, Any] = {}
        plan = self._plan(values)
        for field, sources in plan.fields.items():
            found[field] = self._value(field, sources, values, found)
        for field, column in self._means.named.items():
            value = raw_of(values, column)
            if isinstance(value, str):
                value = self._means.values.get(field, {}).get(value, value)
            if value != "" and field in _AMOUNTS and self.separators:
                value = self._number(column, value, None)
            found[field] = value
        pairs = {
            key: value for column, key in plan.pairs if (value := raw_of(values, column)) != ""
        }
        if pairs:
            found["metadata"] = pairs
        status = found.get("status") or defaults.get("status")
        for field in list(found):
            if _ONLY.get(field) not in (None, "", status) or (
                status == Status.FAILED and field in _SETTLED
            ):
                del found[field]
        currency = found.get("currency") or defaults.get("currency") or currency
        if not {"fees", "feeAmount"} & self._means.named.keys() and (
            fees := self._fees(values, currency)
        ):
            found["fees"] = fees
        if dispute := self._dispute(plan.dispute, values):
            found["dispute"] = dispute
        return found

    def _check_row(self, values: Mapping[str, Any]) -> None:
        rules = self.preset.rows
        rule = next((each for each in rules if self._meanings.holds(each.where, values)), None)
        if rule is None and rules:
            (name, text), *others = {
                name: cell_of(values, name)[:50] for each in rules for name in each.where
            }.items()
            beside = "".join(f", {name} {text!r}" for name, text in others)
            problem = f"is {text!r}{beside}: {self.preset.name} does not say what such a row is"
            raise InvalidValue(name, problem)
        if rule is not None and rule.skip is not None:
            raise Skipped(rule.skip)
        for name in self.preset.zero:
            text = cell_of(values, name)
            if text and self._number(name, text, None):
                raise InvalidValue(
                    name, f"must be nothing in a payment's row, not {text[:50]!r}: see its preset"
                )

    def _value(
        self,
        field: str,
        sources: list[Source],
        values: Mapping[str, Any],
        found: Mapping[str, Any],
    ) -> Any:
        for source in sources:
            if source.where and not self._meanings.holds(source.where, values):
                continue
            value = self._from(field, source, values, found)
            if value != "":
                return value
        return ""

    def _from(
        self, field: str, source: Source, values: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Any:
        if source.constant is not None:
            return source.constant
        if source.tenders:
            return self._tender(field, source.tenders, values)
        if source.column and isinstance(source.column, str):
            name = source.column
            text: Any = values.get(name)
            text = text.strip() if isinstance(text, str) else "" if text is None else text
        elif source.joined:
            name = " ".join(source.joined)
            text = " ".join(filter(None, (cell_of(values, each) for each in source.joined)))
        else:
            name = next((each for each in source.names if each in values), "")
            text = values.get(name)
            text = text.strip() if isinstance(text, str) else "" if text is None else text
        if text == "":
            return ""
        if source.given is not None:
            return source.given
        if source.zone or source.zone_column or source.date_format or source.not_before:
            return self._instant(field, text, source, values, found)
        if source.negate:
            return -self._number(name, text, found.get("currency"))
        if field in _AMOUNTS and self.separators:
            return self._number(name, text, found.get("currency"))
        if isinstance(text, str) or source.values or source.case:
            return self._meant(field, name, text_in(field, text), source)
        return text

    def _meant(self, field: str, column: str, text: str, source: Source) -> str:
        own = self._means.values.get(field)
        if own and (meant := self._meanings.of(own, text)) is not None:
            return meant
        if source.values:
            meant = self._meanings.of(source.values, text)
            if meant is None and source.others == "refuse":
                raise InvalidValue(
                    field,
                    f"is {text[:50]!r} in the column {column!r}, which {self.preset.name} does "
                    f"not know: say what it means, --value '{field}:{text[:50]}=...'",
                )
            text = text if meant is None else meant
        match source.case:
            case "upper":
                return text.upper()
            case "lower":
                return text.lower()
            case "word":
                return words_of(text)
            case "last4":  # a spreadsheet takes them for a number
                return text.zfill(4) if text.isdigit() else text
            case "country":
                return country_of(text) if text else ""
            case None:
                return text

    def _tender(self, field: str, tenders: Mapping[str, str], values: Mapping[str, Any]) -> str:
        amounts = {name: cell_of(values, name) for name in tenders}
        used = [
            name for name, text in amounts.items() if text and self._number(name, text, None) != 0
        ]
        if len(used) > 1:
            raise InvalidValue(field, f"is not clear: there are amounts of {' and '.join(used)}")
        return tenders[used[0]] if used else ""

    def _instant(
        self,
        field: str,
        value: Any,
        source: Source,
        values: Mapping[str, Any],
        found: Mapping[str, Any],
    ) -> datetime:
        zone: Any = self._means.zone
        if source.zone_column:
            name = cell_of(values, source.zone_column)
            zone = zone_in(source.zones.get(name, name), field=field)
        elif source.zone:
            zone = zone_in(source.zone, field=field)
        date_format = self._means.date_format or source.date_format
        at = instant_of(value, field=field, zone=zone, date_format=date_format)
        if source.not_before:
            earliest = found.get(source.not_before)
            return max(at, earliest) if isinstance(earliest, datetime) else at
        return at

    def _number(self, name: str, text: Any, currency: str | None) -> Decimal:
        separator = self._means.separator or self.preset.decimal or self.separators.get(name)
        try:
            return number_of(text, decimal_comma=False, separator=separator, currency=currency)
        except InvalidValue as error:
            raise InvalidValue(name, error.problem) from None

    def _fees(self, values: Mapping[str, Any], currency: str | None) -> list[dict[str, Any]]:
        told = []
        other = False
        for source in self.preset.fees:
            own = cell_of(values, source.currency).upper() if source.currency else ""
            amount = self._fee(source, values, own or currency)
            if amount and own and currency and own != currency:
                other = True
            elif amount:
                told.append({"kind": source.kind.value, "amount": amount})
        self.left_out += other
        return told

    def _fee(self, source: FeeSource, values: Mapping[str, Any], currency: str | None) -> Decimal:
        name = next((each for each in source.names if cell_of(values, each)), None)
        if name is None:
            return Decimal()
        amount = self._number(name, values[name], currency)
        if less := next((each for each in source.less if cell_of(values, each)), None):
            amount -= self._number(less, values[less], currency)
        return -amount if source.negate else amount

    def _dispute(
        self, plan: Mapping[str, list[Source]], values: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        status = self._value("dispute.status", plan.get("status", []), values, {})
        if status == "":
            return None
        told: dict[str, Any] = {"status": status}
        for part, sources in plan.items():
            if part == "status" or (part == "closedAt" and status == DisputeStatus.OPEN):
                continue
            value = self._value(f"dispute.{part}", sources, values, told)
            if value != "":
                told[part] = wire.timestamp(value) if isinstance(value, datetime) else value
        return told

    def _plan(self, values: Mapping[str, Any]) -> _Plan:
        """What is read from rows with these columns."""
        columns = tuple(values)
        plan = self._plans.get(columns)
        if plan is None:
            named, ending = self._means.named, self.preset.metadata_ending or ""
            of = self._columns if self._columns is not None else columns
            plan = _Plan(
                fields={
                    field: fitting
                    for field, sources in sorted(self.preset.fields.items(), key=_first)
                    if field not in named and (fitting := _fitting(sources, columns))
                },
                dispute={
                    part: fitting
                    for part, sources in self.preset.dispute.items()
                    if (fitting := _fitting(sources, columns))
                },
                pairs=[
                    (each, each.removesuffix(ending).strip()) for each in self._metadata_columns(of)
                ],
            )
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[columns] = plan
        return plan

    def _metadata_columns(self, columns: Collection[str]) -> list[str]:
        """The first columns of metadata: a payment keeps no more pairs."""
        ending = self.preset.metadata_ending
        if not ending:
            return []
        of_map = sum(1 for field in self._means.named if field.partition(".")[1])
        found = [name for name in columns if name.endswith(ending) and name != ending]
        return found[: MAX_PAIRS - of_map]


def _first(item: tuple[str, Sources]) -> bool:
    """Whether a field is read after those by which others are checked."""
    return item[0] not in ("currency", "createdAt")


def _fitting(sources: Sources, columns: Collection[str]) -> list[Source]:
    return [each for each in each_of(sources) if each.fits(columns)]
