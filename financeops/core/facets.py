"""Facets: the values of dimensions that selected payments have, so that figures are of these alone.

A facet names a value as a breakdown shows it: each row of a breakdown can be asked for. Methods are
no facet, for every rollup counts by them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from financeops.core.choices import none_of
from financeops.core.dimensions import OTHER_VALUE, Dimension, Listed, said_of
from financeops.core.errors import InvalidValue
from financeops.core.metrics import attempts
from financeops.core.payments import FIELDS, Payment
from financeops.core.rollup import DIMENSIONS, Rollup

NO_VALUE = "-"
"""Stands for payments without a value, the row of null of a breakdown; no value is written so."""

Facets = tuple[tuple[str, str], ...]
"""Dimensions and the value of each, in the order of `Dimension`."""

FACETED = {
    field.json: name
    for name, field in FIELDS.items()
    if field.json in set(Dimension) and field.json != Dimension.METHOD
}
"""The dimensions that may be facets, and the names of the payment's fields."""


def facets_of(values: Mapping[str, str | None]) -> Facets:
    """Facets from values by dimension; None stands for any value."""
    return tuple(
        (each.value, str(value)) for each in Dimension if (value := values.get(each)) is not None
    )


def keywords_of_facets(facets: Facets) -> dict[str, str]:
    """The same values by the names of the payment's fields."""
    return {FACETED[name]: value for name, value in facets}


def holds(facets: Facets, payment: Payment, listed: Listed) -> bool:
    """Whether a payment has these values; it keeps its values, so this never changes.

    `listed` are its tenant's values that are counted by themselves: the others are `OTHER_VALUE`.
    """
    if not facets:
        return True
    said = dict(said_of(payment))
    return all(_is(said.get(name), value, listed.get(name, ())) for name, value in facets)


def _is(own: str | None, value: str, listed: Collection[str]) -> bool:
    if own is None:
        return value == NO_VALUE
    return own == value or (value == OTHER_VALUE and own not in listed)


def count_of(facet: tuple[str, str], rollup: Rollup) -> int:
    """Number of payments with this value, in a rollup with details; at least, if it has no own count."""
    name, value = facet
    said = [(v, n) for (_, d, v, _), (n, _) in rollup.part(DIMENSIONS).items() if d == name]
    if value == NO_VALUE:
        return attempts(rollup) - sum(n for _, n in said)
    # One that is not counted by itself is among the others.
    return sum(n for each, n in said if each in {value, OTHER_VALUE})


def check_facet(name: str, value: str) -> str:
    """Return the value if a dimension can have it; raise `InvalidValue` naming the dimension if not."""
    field = FIELDS[FACETED[name]]
    if value in {NO_VALUE, OTHER_VALUE}:
        return value
    if field.choices is not None and value not in list(field.choices):
        raise none_of([*field.choices, NO_VALUE], value, field=name)
    if field.text.pattern is not None and not field.text.pattern.fullmatch(value):
        raise InvalidValue(name, f"{field.text.problem}; {NO_VALUE!r} for none")
    return value
