"""Round values for axes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from financeops.dashboard.panels.ticks import round_ticks, spread


@given(st.integers(0, 10**18))
def test_an_axis_covers_its_values_in_few_equal_steps(highest):
    ticks = round_ticks(highest)

    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert 2 <= len(ticks) <= 5
    assert len({later - earlier for earlier, later in pairwise(ticks)}) == 1


@given(st.integers(1, 60))
def test_labels_are_few_and_the_running_bucket_has_one(count):
    labelled = list(spread(count))

    assert len(labelled) <= 8
    assert labelled[-1] == count - 1
