"""`--value`: what texts of a file mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from financeops.cli.importing.mapping import FIELDS
from financeops.core.errors import InvalidValue

OPTION = "--value"
OF_DISPUTES = ("dispute.status", "dispute.reason")
"""Parts of a dispute of which presets read columns."""

# A comma separates two of them only if another one follows: a text may have commas.
_BETWEEN = re.compile(r",(?=[A-Za-z0-9.]+:[^,]*=)")


def values_of(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Parse ``status:Paid=success,status:Open=failed``, any number of times.

    Raises
    ------
    InvalidValue
        When one has another form, does not name a field, or contradicts another.

    Examples
    --------
    >>> values_of(["status:Paid=success", "status:Not paid, yet=failed"])
    {'status': {'Paid': 'success', 'Not paid, yet': 'failed'}}
    """
    values: dict[str, dict[str, str]] = {}
    for each in (part for text in texts for part in _BETWEEN.split(text)):
        field, colon, pair = each.partition(":")
        text, equals, meant = pair.rpartition("=")
        if not colon or not equals or not text.strip() or not meant.strip():
            raise InvalidValue(OPTION, f"must be such as status:Paid=success, not {each!r}")
        if field not in (*FIELDS, *OF_DISPUTES):
            raise InvalidValue(OPTION, f"{field!r} is not one of {', '.join(FIELDS)}")
        of_field = values.setdefault(field, {})
        if of_field.setdefault(text.strip(), meant.strip()) != meant.strip():
            raise InvalidValue(OPTION, f"gives {field}:{text.strip()} twice")
    return values
