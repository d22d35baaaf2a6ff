"""A query for figures, as a value."""

from __future__ import annotations

from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.facets import Facets
from financeops.core.periods import Period, Window
from financeops.core.windows import ALL_TIME


class Question(Struct, frozen=True, kw_only=True):
    """A query for figures of a tenant's payments.

    Parameters
    ----------
    currency : str, optional
        Currency of the payments; by default the tenant's. ``"reporting"``: all payments, converted into
        the tenant's.
    method : str, optional
        Only this payment method.
    facets : tuple of (dimension, value)
        Only payments that have these values (`core.facets`).
    timezone : str, optional
        IANA zone in which days begin and hours count; the tenant's by default.
    period : Period, optional
        The period that is running when the figures are read.
    window : Window
        An explicit window instead; either end may be left out (`windows.window_between`).

    Raises
    ------
    InvalidValue
        If both a period and a window are given.
    """

    currency: str | None = None
    method: str | None = None
    facets: Facets = ()
    timezone: str | None = None
    period: Period | None = None
    window: Window = ALL_TIME

    def __post_init__(self) -> None:
        if self.period is not None and self.window != ALL_TIME:
            raise InvalidValue("period", "give either a period, or from and to")
