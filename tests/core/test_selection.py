"""Selections of payments, and queries for figures."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import DAY, MILLISECOND, Period, Window
from financeops.core.questions import Question
from financeops.core.rollup import rollup_of, total
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME, window_between
from tests.builders import payment
from tests.strategies import methods, payments

PAID = payment(status="success", method="card", currency="EUR")
AT = PAID.created_at


@given(
    st.lists(payments(), max_size=20),
    st.none() | st.sampled_from(Status),
    st.none() | methods,
)
def test_a_rollup_counts_the_payments_that_are_in_a_selection(recorded, status, method):
    selection = Selection(status=status, method=method)
    rollup = total(rollup_of(each, ZoneInfo("UTC")) for each in recorded)
    assert selection.count(rollup) == sum(each in selection for each in recorded)


@pytest.mark.parametrize(
    ("selection", "holds"),
    [
        (Selection(), True),
        (Selection(status=Status.SUCCESS, method="card", currency="EUR"), True),
        (Selection(status=Status.FAILED), False),
        (Selection(method="paypal"), False),
        (Selection(currency="USD"), False),
        (Selection(window=Window(AT, AT + MILLISECOND)), True),
        (Selection(window=Window(AT - DAY, AT)), False),
        (Selection(window=window_between(AT + MILLISECOND, None)), False),
    ],
)
def test_a_selection_holds_the_payments_that_match_all_of_it(selection, holds):
    assert (PAID in selection) is holds


@pytest.mark.parametrize("window", [Window(AT, AT + DAY), window_between(AT, None)])
def test_a_question_is_of_a_period_or_of_a_window(window):
    with pytest.raises(InvalidValue) as raised:
        Question(period=Period.DAY, window=window)
    assert str(raised.value) == "period: give either a period, or from and to"
    assert replace(Question(window=window), period=Period.DAY, window=ALL_TIME).period is Period.DAY
