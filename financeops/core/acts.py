"""What happened to a payment, and its form where a column or the database holds text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

LEAD = '[{"at":"'
"""How every text begins, before the moment of the first act."""

MOMENT = "0000-00-00T00:00:00.000Z"
"""The moment has as many characters in every text, so that a column of texts can be cut."""


class GivenBack(Struct, frozen=True, omit_defaults=True):
    """One refund of a payment or of a part of it; `amount` in minor units."""

    at: datetime
    id: str
    amount: int
    reason: str | None = None


_decode = msgspec.json.Decoder(tuple[GivenBack, ...]).decode


def acts_text(acts: Iterable[GivenBack]) -> str:
    """JSON of refunds, earliest first; amounts in minor units.

    Examples
    --------
    >>> acts_text([GivenBack(id="a", amount=250, at=datetime(2026, 3, 10, 12, tzinfo=UTC))])
    '[{"at":"2026-03-10T12:00:00.000Z","id":"a","amount":250}]'
    """
    written = [{**msgspec.to_builtins(each), "at": moment_text(each.at)} for each in in_order(acts)]
    return msgspec.json.encode(written).decode()


def acts_from(text: str | bytes) -> tuple[GivenBack, ...]:
    """Refunds of their JSON; raises `msgspec.DecodeError` if it is something else."""
    return _decode(text)


def in_order(acts: Iterable[GivenBack]) -> tuple[GivenBack, ...]:
    """Refunds in the order in which they happened: that in which they arrive does not matter."""
    return tuple(sorted(acts, key=lambda each: (each.at, each.id)))


def moment_text(at: datetime) -> str:
    """A moment in UTC with milliseconds: each has as many characters as `MOMENT`."""
    return at.astimezone(UTC).isoformat("T", "milliseconds")[:23] + "Z"
