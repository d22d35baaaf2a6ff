import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.reading import (
    read_dispute_request,
    read_fees_request,
    read_import_request,
    read_request,
)

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
def test_a_repeated_name_is_refused(more, field):
    with pytest.raises(InvalidValue, match="more than once") as refusal:
        read_request(f"{json.dumps(ORDINARY)[:-1]},{more}}}".encode())
    assert refusal.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["reference", "customerId"]),
        st.text(st.characters(exclude_categories=["Cs"])) | st.text('":{}, \\'),
    )
)
def test_no_text_is_mistaken_for_a_repeated_name(texts):
    request = read_request(json.dumps({**ORDINARY, **texts}).encode())
    assert request.reference == texts.get("reference")


@given(st.lists(st.sampled_from(["amount", "method", "status", "reference", "tenantId"])))
def test_names_are_accepted_if_each_occurs_once(names):
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


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        (b'{"amount":18.5,"method":"card"}', "status", "is missing"),
        (b'{"amount":18.5,"amuont":1}', "amuont", "is not a known field"),
    ],
)
def test_a_missing_and_an_unknown_field_are_named(body, field, problem):
    with pytest.raises(InvalidValue) as refusal:
        read_request(body)
    assert (refusal.value.field, refusal.value.problem) == (field, problem)


@pytest.mark.parametrize(
    ("read", "told", "said"),
    [
        (
            read_request,
            ORDINARY | {"funding": "4111 1111 1111 1111"},
            "funding: must be one of credit, debit, prepaid, unknown, not '[card number]'",
        ),
        (
            read_dispute_request,
            {"id": "a", "status": "opened"},
            "status: must be one of open, won, lost, not 'opened'",
        ),
        (
            read_fees_request,
            {"fees": [{"kind": "x", "amount": 1}]},
            "fees[0].kind: must be one of processing, scheme, interchange, tax, dispute, other, not 'x'",
        ),
        (read_fees_request, {"fees": []}, "fees: must have at least 1 element"),
    ],
)
def test_what_would_be_right_is_said(read, told, said):
    with pytest.raises(InvalidValue) as refusal:
        read(json.dumps(told).encode())
    assert str(refusal.value) == said


def test_an_id_that_is_none_is_refused_in_words():
    row = {**ORDINARY, "_id": "zz", "row": {"content": "a", "base": "b"}}
    with pytest.raises(InvalidValue, match=r"^_id: must be the id of a payment: 24"):
        read_import_request(json.dumps(row).encode())
