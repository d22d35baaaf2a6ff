"""Whether the success rate has changed, and which failure grew: pure functions of figures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from financeops.core.metrics import DeclineFigures, Metrics
from financeops.dashboard.state.totals import Figures

CLEAR = 3
"""Standard errors by which two success rates must differ; 1 pair in 370 does by chance alone."""


class Course(StrEnum):
    """The success rate compared with the previous period."""

    USUAL = "usual"
    BELOW = "below"
    ABOVE = "above"
    UNKNOWN = "unknown"


class Risen(Struct, frozen=True):
    """A decline code and how many attempts failed with it, now and before."""

    decline_code: str
    count: int
    count_before: int


def course_of(now: Metrics, before: Metrics) -> Course:
    """Whether the success rate differs from the previous one by more than chance.

    Notes
    -----
    The two-proportion z-test with pooled variance (R. A. Fisher's chi-squared test of a 2 x 2
    table without correction), in integers: ``z**2 = (s*f0 - s0*f)**2 (n + n0) / (n n0 S F)`` with
    s, f, n succeeded, failed and attempts, 0 for before, S and F the sums.
    """
    s, f, n = now.succeeded_payments, now.failed_payments, now.total_payments
    s0, f0, n0 = before.succeeded_payments, before.failed_payments, before.total_payments
    if not n or not n0:
        return Course.UNKNOWN
    difference = s * f0 - s0 * f
    if difference**2 * (n + n0) < CLEAR**2 * n * n0 * (s + s0) * (f + f0) or not difference:
        return Course.USUAL
    return Course.ABOVE if difference > 0 else Course.BELOW


def most_risen(figures: Figures) -> Risen | None:
    """The decline code whose share of the attempts rose most; None when none rose."""
    now, before = _counts(figures.declines), _counts(figures.declines_before)
    n, n0 = figures.metrics.total_payments, figures.previous.total_payments

    def rise(code: str) -> int:
        return now[code] * n0 - before.get(code, 0) * n

    code = max(sorted(now), key=rise, default=None)
    if code is None or rise(code) <= 0:
        return None
    return Risen(code, now[code], before.get(code, 0))


def _counts(declines: Sequence[DeclineFigures]) -> dict[str, int]:
    return {row.decline_code: row.count for row in declines}
