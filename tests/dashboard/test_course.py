"""Whether payments go as in the previous period, and what grew."""

from datetime import UTC, datetime, timedelta
from math import isclose
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from financeops.core.metrics import metrics
from financeops.core.payments import Status
from financeops.core.rollup import Rollup
from financeops.dashboard.state.course import CLEAR, Course, course_of, most_risen
from financeops.dashboard.state.totals import Totals
from tests.builders import payment
from tests.dashboard.snapshots import snapshot

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)


def of(succeeded, failed):
    cells = {("card", Status.SUCCESS): (succeeded, 100), ("card", Status.FAILED): (failed, 100)}
    return metrics(Rollup({key: cell for key, cell in cells.items() if cell[0]}), currency="USD")


@pytest.mark.parametrize(
    ("now", "before", "course"),
    [
        ((60, 40), (80, 20), Course.BELOW),
        ((80, 20), (60, 40), Course.ABOVE),
        ((7, 3), (9, 1), Course.USUAL),  # too few to tell
        ((5, 5), (5, 5), Course.USUAL),
        ((5, 0), (9, 0), Course.USUAL),
        ((0, 5), (0, 9), Course.USUAL),
        ((5, 5), (0, 0), Course.UNKNOWN),
        ((0, 0), (5, 5), Course.UNKNOWN),
    ],
)
def test_a_course_is_a_difference_beyond_chance(now, before, course):
    assert course_of(of(*now), of(*before)) is course


@given(*[st.integers(0, 5000)] * 4)
def test_it_is_the_chi_squared_test_of_the_two_periods(s, f, s0, f0):
    assume(s + f and s0 + f0 and s + s0 and f + f0)
    found = chi2_contingency([[s, f], [s0, f0]], correction=False).statistic
    assume(not isclose(found, CLEAR**2))
    assert (course_of(of(s, f), of(s0, f0)) is not Course.USUAL) == (found > CLEAR**2)


def figures(*payments):
    shot = snapshot(payments, as_of=AS_OF, zone=ZoneInfo("UTC"))
    return Totals(shot).figures(seq=0)


def failed(n, code, *, yesterday=False):
    created_at = AS_OF - timedelta(days=yesterday, minutes=30)
    return [
        payment(
            id=f"{code}{yesterday}{i}", status="failed", decline_code=code, created_at=created_at
        )
        for i in range(n)
    ]


def test_what_rose_most_is_measured_as_a_share_of_attempts():
    # Twice as many attempts: both codes fail more often, only one of them has a larger share.
    shown = figures(
        *failed(2, "expired_card", yesterday=True),
        *failed(8, "do_not_honor", yesterday=True),
        *failed(6, "expired_card"),
        *failed(14, "do_not_honor"),
    )
    risen = most_risen(shown)
    assert (risen.decline_code, risen.count, risen.count_before) == ("expired_card", 6, 2)


def test_nothing_rose_if_shares_are_equal_or_nothing_fails():
    assert most_risen(figures(*failed(2, "a", yesterday=True), *failed(2, "a"))) is None
    assert most_risen(figures(payment(created_at=AS_OF))) is None
