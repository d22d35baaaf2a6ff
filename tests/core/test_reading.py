import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.reading import read_request

ORDINARY = {"amount": 18.5, "method": "card", "status": "success"}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ('"amount":19.5', "amount"),
        ('"am\\u006funt":19.5', "amount"),
        ('"amount":18.5', "amount"),
        ('"amount":[[{"amount":1}]]', "amount"),
        ('"reference":null,"reference":null', "reference"),
        ('"reference":"a","ref\\u0065rence":"b"', "reference"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(more, field):
    with pytest.raises(InvalidValue, match="more than once") as refusal:
        read_request(f"{json.dumps(ORDINARY)[:-1]},{more}}}".encode())
    assert refusal.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["reference", "customerId"]),
        st.text(st.characters(exclude_categories=["Cs"])) | st.text('":{}, \\'),
    )
)
def test_no_text_looks_like_a_name_that_is_there_twice(texts):
    request = read_request(json.dumps({**ORDINARY, **texts}).encode())
    assert request.reference == texts.get("reference")


@given(st.lists(st.sampled_from(["amount", "method", "status", "reference", "tenantId"])))
def test_names_are_taken_when_each_is_there_once(names):
    values = {**ORDINARY, "reference": 'a"b\\', "tenantId": "t"}
    text = ",".join(f"{json.dumps(name)}: {json.dumps(values[name])}" for name in names)
    try:
        read_request(f"{{{text}}}".encode())
    except InvalidValue as refusal:
        missing = not {*ORDINARY} <= {*names}
        assert missing or len(set(names)) < len(names)
        assert missing or names.count(refusal.field) > 1  # noqa: PT017
    else:
        assert len(set(names)) == len(names)
