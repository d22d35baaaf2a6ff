"""The dimensions of payments, by whose values figures are broken down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter

from financeops.core.declines import FailureStage
from financeops.core.payments import FIELDS, Payment, Status


class Dimension(StrEnum):
    """What figures can be broken down by, under the names of the JSON contract."""

    METHOD = "method"
    PROCESSOR = "processor"
    NETWORK = "network"
    FUNDING = "funding"
    COUNTRY = "country"
    ISSUER_COUNTRY = "issuerCountry"
    CHANNEL = "channel"
    AUTHENTICATION = "authentication"


class Outcome(StrEnum):
    """What became of a payment, as far as figures by a dimension need it."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"


MAX_VALUES = 200
"""Most different values of a tenant's dimension that are counted by themselves."""

OTHER_VALUE = "other"
"""Payments with a value beyond that limit are counted here."""

Listed = Mapping[str, Collection[str]]
"""The values of each dimension that are counted by themselves, for one tenant.

A list only grows, up to `MAX_VALUES`. A value that met a full list is never in it, so that a payment
is always counted in the same place, whenever that is.
"""


class _Everything(Collection[str]):
    """Lists any value."""

    def __contains__(self, _value: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_DETAILED = [each for each in Dimension if each is not Dimension.METHOD]
_NAMES = [each.value for each in _DETAILED]
_FIELDS = {field.json: name for name, field in FIELDS.items()}
_values = attrgetter(*(_FIELDS[name] for name in _NAMES))


EVERY_VALUE: Listed = dict.fromkeys(_NAMES, _Everything())
"""For counting each value by itself, so that it can be decided later which are listed."""


def said_of(payment: Payment) -> tuple[tuple[str, str], ...]:
    """The dimensions of which a payment has a value, and the value."""
    return _named(_values(payment))


@lru_cache(maxsize=4096)
def _named(values: tuple[str | None, ...]) -> tuple[tuple[str, str], ...]:
    """Values that are not None, with their names: the same few, time and again."""
    named = zip(_NAMES, values, strict=True)
    return tuple((name, str(value)) for name, value in named if value is not None)


def values_of(payment: Payment, listed: Listed) -> list[tuple[str, str]]:
    """The dimensions of which a payment has a value, and the value under which it is counted."""
    return [
        (name, value if value in listed.get(name, ()) else OTHER_VALUE)
        for name, value in said_of(payment)
    ]


def to_list(said: Iterable[tuple[str, str]], listed: Listed) -> dict[str, list[str]]:
    """The values that become listed, in this order, as far as there is room."""
    new: dict[str, list[str]] = {}
    for name, value in dict.fromkeys(said):
        have, more = listed.get(name, ()), new.get(name, ())
        if value in have or len(have) + len(more) >= MAX_VALUES or not _listable(value):
            continue
        new.setdefault(name, []).append(value)
    return new


def with_listed(listed: Listed, new: Mapping[str, Collection[str]]) -> Listed:
    """Both together."""
    return {
        name: frozenset(listed.get(name, ())) | frozenset(new.get(name, ()))
        for name in listed.keys() | new.keys()
    }


def _listable(value: str) -> bool:
    """Whether a value can be a name in the database: payments may be older than today's checks."""
    return value.replace("_", "0").isalnum()


def outcome_of(payment: Payment) -> Outcome:
    """What became of a payment."""
    if payment.status is not Status.FAILED:
        return Outcome.SUCCEEDED
    stage, _ = payment.counted_failure
    return Outcome.DECLINED if stage == FailureStage.DECLINED else Outcome.FAILED
