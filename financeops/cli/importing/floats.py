"""Numbers that a file holds as binary floats: exact as far as a float allows."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import ClassVar

_LONGEST = 60


def digits_of(number: Decimal) -> str:
    """Return the digits of a number, the same for equal numbers: ``1000`` for ``1E+3`` and 1000.0.

    Raises
    ------
    ValueError
        When it is not finite, or too large or too small to be written out.
    """
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
        raise ValueError
    text = format(number or Decimal(), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class Double(Decimal):
    """A binary float as its shortest text: 11.77, not 11.769999999999999573674358543939888477325.

    A JSON number with a point or an exponent is one too, as programs write doubles this way.
    """

    BITS: ClassVar = 53

    def tells(self, step: float) -> bool:
        """Whether numbers of this size that differ by `step` are different floats."""
        size = float(self)
        return math.isfinite(size) and math.ldexp(1.0, math.frexp(size)[1] - self.BITS) <= step


class Single(Double):
    """A float of 32 bits."""

    BITS: ClassVar = 24


class Half(Double):
    """A float of 16 bits."""

    BITS: ClassVar = 11
