"""What the values of dimensions are called."""

from __future__ import annotations

from financeops.core.dimensions import OTHER_VALUE, Dimension
from financeops.core.facets import NO_VALUE
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats


def name_of(formats: Formats, by: Dimension, value: str | None) -> str:
    """What a value of a breakdown, or of a filter, is called."""
    if value is None or value == NO_VALUE:
        return formats.say(texts.NOT_TOLD)
    if by is Dimension.METHOD:
        return formats.named(value, texts.METHODS)
    if value == OTHER_VALUE:
        return formats.say(texts.OTHER_VALUES)
    if by in {Dimension.COUNTRY, Dimension.ISSUER_COUNTRY}:
        return formats.country(value)
    names = texts.VALUES.get(by, {})
    return formats.say(names[value]) if value in names else value
