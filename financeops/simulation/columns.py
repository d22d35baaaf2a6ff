"""Simulated payments in columns: all that is known of many, before anybody needs one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from financeops.core.periods import DAY, MILLISECOND
from financeops.simulation.aftermath import Disputes, Refunds
from financeops.simulation.costs import Costs
from financeops.simulation.instruments import PROCESSORS, Instruments
from financeops.simulation.population import Integers, Population, mixed

_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_LENGTH = 12

ORDER = "ord_"


class Columns(NamedTuple):
    """Simulated payments, oldest first; one element of each array per payment.

    `declines` are indices into `codes`, -1 of a success; `begun` is when the order began, and
    `orders` its number; `recovered` is the number of the attempt that succeeded, of a first attempt
    that failed, else 0.
    """

    people: Population
    codes: list[str]
    moments: Integers
    amounts: Integers
    methods: Integers
    customers: Integers
    countries: Integers
    declines: Integers
    orders: Integers
    begun: Integers
    attempts: Integers
    recovered: Integers
    instruments: Instruments
    costs: Costs | None
    refunds: Refunds
    disputes: Disputes

    @property
    def order_ids(self) -> list[str]:
        """Names of the orders: other ones for other moments, so that no two runs share them."""
        return [f"{ORDER}{name}" for name in names(self.begun, self.orders)]

    @property
    def fee_amounts(self) -> Integers:
        """Sum of each payment's fees when it was made."""
        return np.zeros_like(self.amounts) if self.costs is None else self.costs.together


def names(moments: Integers, numbers: Integers) -> list[str]:
    """Different names for different moments and numbers."""
    text = letters(moments, numbers).tobytes().decode("ascii")
    return [text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH)]


def letters(moments: Integers, numbers: Integers) -> NDArray[np.uint8]:
    """The same in ASCII, one row each: mostly letters, which nobody takes for the number of a card."""
    numbered = moments.astype(np.uint64) * np.uint64(0xD1342543DE82EF95) + numbers.astype(np.uint64)
    bits = mixed(numbered)
    text = np.empty((len(bits), _LENGTH), np.uint8)
    for place in range(_LENGTH):
        text[:, place] = _ALPHABET[bits >> np.uint64(5 * place) & np.uint64(31)]
    return text


def payout_names(costs: Costs, processors: Integers) -> tuple[list[str], Integers]:
    """Names of payouts, and the place among them of each payment's; -1 where it has none."""
    days = costs.settled // (DAY // MILLISECOND)
    keys = np.where(costs.settled < 0, -1, days * len(PROCESSORS) + processors)
    known, places = np.unique(keys, return_inverse=True)
    named = []
    for key in known.tolist():
        day, processor = divmod(key, len(PROCESSORS))
        date = str(np.datetime64(day, "D")).replace("-", "")
        named.append(f"po_{date}_{PROCESSORS[processor]}")
    if known.size and known[0] < 0:
        return named[1:], places - 1
    return named, places
