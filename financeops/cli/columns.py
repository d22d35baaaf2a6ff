"""From a row's columns to the payment that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from financeops.cli.times import instant_of
from financeops.core import wire
from financeops.core.drafts import check_key
from financeops.core.errors import InvalidValue
from financeops.core.money import to_major, to_minor

FIELDS = (
    "amount",
    "currency",
    "method",
    "status",
    "createdAt",
    "reference",
    "customerId",
    "country",
    "declineCode",
    "refundedAt",
)
"""Fields of a payment that a file can fill."""

REQUIRED = ("amount", "method", "status", "createdAt")
_TIMES = ("createdAt", "refundedAt")
# A comma separates pairs only where the next one begins: a column may be called "Amount, USD".
_BETWEEN = re.compile(r",(?=[A-Za-z]+=)")


def pairs_of(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """Pairs of ``--map`` or ``--default``: ``amount=dollars,createdAt=date``, any number of times.

    Raises
    ------
    InvalidValue
        When one is no pair, or names no field of a payment.
    """
    pairs = {}
    for pair in (pair for text in texts for pair in _BETWEEN.split(text)):
        field, equals, value = pair.partition("=")
        if not equals or not value:
            raise InvalidValue(option, f"must be pairs such as amount=dollars, not {pair!r}")
        if field not in FIELDS:
            raise InvalidValue(option, f"{field!r} is none of {', '.join(FIELDS)}")
        pairs[field] = value
    return pairs


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column fills which field, and how its texts are meant.

    Parameters
    ----------
    named : mapping of str to str
        Field to column. A column that is called like a field needs no entry.
    defaults : mapping of str to str
        Value of a field where its column is missing or empty.
    tenant_id : str
    zone : ZoneInfo
        Of times without an offset.
    date_format : str, optional
        `strptime` format of texts.
    decimal_comma : bool
        Amounts are written ``1.850,50``.
    """

    named: Mapping[str, str]
    defaults: Mapping[str, str]
    tenant_id: str
    zone: ZoneInfo
    date_format: str | None = None
    decimal_comma: bool = False

    def check(self, columns: Sequence[str] | None) -> None:
        """Compare with the columns of a file, before its first row.

        Raises
        ------
        InvalidValue
            When a column that is named is not there, or a field that is required has neither
            column nor default.
        """
        if columns is None:
            return
        for field, column in self.named.items():
            if column not in columns:
                raise InvalidValue(
                    "--map", f"{field}={column}: the file has {', '.join(columns)} only"
                )
        for field in REQUIRED:
            if field not in {*self.named, *self.defaults, *columns}:
                raise InvalidValue(
                    field, f"has no column: name it with --map {field}=..., or give a --default"
                )

    def payment(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Payment of a row, as the server takes it, in one form for all texts that mean the same.

        Raises
        ------
        InvalidValue
            Naming the first field that cannot be read. The server checks the rest.
        """
        said = {
            field: value for field in FIELDS if (value := self._said(field, values)) is not None
        }
        for field in REQUIRED:
            if field not in said:
                raise InvalidValue(field, "is missing")
        payment: dict[str, Any] = {"tenantId": self.tenant_id}
        for field, value in said.items():
            if field in _TIMES:
                instant = instant_of(
                    value, field=field, zone=self.zone, date_format=self.date_format
                )
                payment[field] = wire.timestamp(instant)
            elif field != "amount":
                payment[field] = check_key(_text(field, value), field)
        payment["amount"] = self._amount(said["amount"], payment["currency"])
        return payment

    def _said(self, field: str, values: Mapping[str, Any]) -> Any:
        value = values.get(self.named.get(field, field))
        if isinstance(value, str):
            value = value.strip()
        return self.defaults.get(field) if value is None or value == "" else value

    def _amount(self, value: Any, currency: str) -> Decimal | int:
        text = _text("amount", value)
        if self.decimal_comma and isinstance(value, str):
            text = text.replace(".", "").replace(",", ".")
        return to_major(to_minor(text, currency), currency)


def _text(field: str, value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            raise InvalidValue(field, "must be text or a number")
        case int() | Decimal():
            return str(value)
        case _:
            raise InvalidValue(field, "must be text or a number")
