"""Pairs of texts that a payment carries, and their form where a column or a file holds text."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Pairs = dict[str, str]

_decoder = msgspec.json.Decoder(Pairs)


def pairs_text(pairs: Mapping[str, str]) -> str:
    """JSON of pairs, sorted by their keys, so that equal pairs are equal texts.

    Examples
    --------
    >>> pairs_text({"shop": "Mitte", "cart": "7"})
    '{"cart":"7","shop":"Mitte"}'
    """
    return msgspec.json.encode(pairs, order="sorted").decode()


def pairs_from(text: str) -> Pairs:
    """Pairs of their JSON; raises `msgspec.DecodeError` if it is something else."""
    return _decoder.decode(text)
