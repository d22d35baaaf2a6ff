"""The server reads from a query what the client writes into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.client.query import (
    Facets,
    keywords_of,
    parameters_of,
    query_of,
    question_of,
    selection_of,
)
from financeops.core.dimensions import OTHER_VALUE
from financeops.core.facets import FACETED, NO_VALUE, facets_of
from financeops.core.payments import Status
from financeops.core.periods import EPOCH, LATEST, Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME, window_between
from server.http.parameters import AnalyticsParameters, BucketParameters, SelectionParameters
from tests.strategies import currencies, methods, windows, zones

half_open = windows().flatmap(
    lambda each: st.sampled_from([(each.start, None), (None, each.end), (EPOCH, each.end)])
)
asked_windows = st.one_of(
    st.just(ALL_TIME),
    st.just(window_between(EPOCH, LATEST)),
    windows(),
    half_open.map(lambda ends: window_between(*ends)),
)
facets = st.builds(
    lambda country, processor: facets_of({"issuerCountry": country, "processor": processor}),
    st.none() | st.sampled_from(["DE", NO_VALUE, OTHER_VALUE]),
    st.none() | st.sampled_from(["acquirer_a", NO_VALUE, OTHER_VALUE]),
)
selections = st.builds(
    Selection,
    status=st.none() | st.sampled_from(Status),
    method=st.none() | methods,
    currency=st.none() | currencies,
    window=asked_windows,
    order_id=st.none() | st.sampled_from(["o-1", "Auftrag 7 (zweiter Versuch)"]),
    facets=facets,
)
questions = st.builds(
    Question,
    currency=st.none() | currencies,
    method=st.none() | methods,
    facets=facets,
    timezone=st.none() | zones.map(str),
    window=asked_windows,
) | st.builds(Question, period=st.sampled_from(Period))


@given(selections)
def test_a_selection_arrives_as_it_was_sent(selection):
    assert selection_of(**keywords_of(selection)) == selection
    read = SelectionParameters.model_validate(parameters_of("shop", selection))
    assert (read.tenant_id, read.selection()) == ("shop", selection)


@given(questions)
def test_a_question_arrives_as_it_was_sent(question):
    assert question_of(**keywords_of(question)) == question
    read = AnalyticsParameters.model_validate(parameters_of("shop", question))
    assert (read.tenant_id, read.question()) == ("shop", question)


def test_figures_in_buckets_cover_the_last_day_by_default():
    nothing = BucketParameters.model_validate(parameters_of(None, Question()))
    since_ever = window_between(EPOCH, LATEST)
    whole = BucketParameters.model_validate(parameters_of(None, Question(window=since_ever)))
    assert nothing.question() == Question(period=Period.DAY)
    assert whole.question() == Question(window=since_ever)


@pytest.mark.parametrize("word", ["pending", "fortnight"])
def test_the_client_leaves_checking_of_words_to_the_server(word):
    assert query_of(selection_of(status=word))["status"] == word
    assert query_of(question_of(period=word))["period"] == word


def test_every_dimension_can_be_a_filter():
    names = set(FACETED.values())
    assert names <= SelectionParameters.model_fields.keys()
    assert names <= AnalyticsParameters.model_fields.keys()
    assert names == Facets.__annotations__.keys()
