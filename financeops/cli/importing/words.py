"""Texts of a provider's file, compared whatever their capitals and what is between their words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

_BETWEEN = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)  # statuses, types and brands repeat
def words_of(text: str) -> str:
    """A text as a word of the contract.

    Examples
    --------
    >>> words_of("Submitted For Settlement")
    'submitted_for_settlement'
    """
    return _BETWEEN.sub("_", text.strip().lower()).strip("_")


def cell_of(values: Mapping[str, Any], column: str) -> str:
    """The text of a cell, ``""`` if there is none."""
    value = values.get(column)
    return "" if value is None else str(value).strip()


def raw_of(values: Mapping[str, Any], column: str) -> Any:
    """What a cell holds, ``""`` if that is nothing; of ``Date+Time`` the texts of both."""
    value = values.get(column)
    if value is None:
        return " ".join(filter(None, (cell_of(values, each) for each in parts_of(column, values))))
    return value.strip() if isinstance(value, str) else value


def parts_of(name: str, columns: Collection[str]) -> list[str]:
    """The columns that ``Date+Time`` names, none if the file lacks one of them."""
    parts = [part.strip() for part in name.split("+")]
    return parts if len(parts) > 1 and all(part in columns for part in parts) else []


class Meanings:
    """What words of a preset mean, remembered because they are the same in every row."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, str]] = {}

    def of(self, values: Mapping[str, str], text: str) -> str | None:
        """What a text means by these values, which must live as long as this object."""
        known = self._known.get(id(values))
        if known is None:
            known = {words_of(each): meant for each, meant in values.items()}
            self._known[id(values)] = known
        return known.get(words_of(text))

    def holds(self, where: Mapping[str, list[str]], values: Mapping[str, Any]) -> bool:
        """Whether the cells of a row hold what they may."""
        for column, texts in where.items():
            known = self._known.get(id(texts))
            if known is None:
                known = self._known[id(texts)] = {words_of(each): each for each in texts}
            if words_of(cell_of(values, column)) not in known:
                return False
        return True
