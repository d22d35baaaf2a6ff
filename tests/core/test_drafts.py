import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.drafts import draft_of, request_hash
from financeops.core.errors import InvalidValue
from financeops.core.payments import FIELDS, Draft, Source, Status
from financeops.core.reading import read_request
from financeops.core.wire import decode, encode, payment_document
from tests.builders import NOON, at, tenant
from tests.strategies import METHODS, instants, payments

ORDINARY = {"amount": 18.5, "method": "card", "status": "success"}


def request_of(*missing, **fields):
    """The ordinary request with other fields, as read from JSON."""
    body = {key: value for key, value in {**ORDINARY, **fields}.items() if key not in missing}
    return read_request(json.dumps(body).encode())


def hash_of_amount(text):
    body = f'{{"amount":{text},"method":"card","status":"success"}}'
    return request_hash(read_request(body.encode()))


def drafted(*missing, source=Source.API, **fields):
    return draft_of(
        request_of(*missing, **fields),
        tenant=tenant(currency="EUR"),
        methods=METHODS,
        now=NOON,
        source=source,
    )


def imported(**fields):
    return drafted(source=Source.IMPORT, **fields)


def test_fields_left_out_get_their_defaults():
    assert drafted() == Draft(
        tenant_id="tenant_1",
        amount=1850,
        currency="EUR",
        method="card",
        status=Status.SUCCESS,
        created_at=NOON,
        source="api",
    )


def test_given_fields_are_kept():
    draft = drafted(
        amount=0,
        currency="KWD",
        status="failed",
        createdAt="2026-03-10T13:00:00.123456+05:45",
        reference="attempt 1",
        customerId="cus_0012ab",
        country="NP",
        declineCode="expired_card",
    )
    assert (draft.amount, draft.currency, draft.status) == (0, "KWD", Status.FAILED)
    assert draft.created_at == at("2026-03-10T07:15:00.123Z")
    assert (draft.reference, draft.customer_id) == ("attempt 1", "cus_0012ab")
    assert (draft.country, draft.decline_code) == ("NP", "expired_card")


def test_now_is_rounded_down_to_the_millisecond():
    draft = draft_of(
        request_of(),
        tenant=tenant(),
        methods=METHODS,
        now=NOON + timedelta(microseconds=1999),
    )
    assert draft.created_at == NOON + timedelta(milliseconds=1)


def test_an_import_may_bring_refunded_payments():
    assert imported(status="refunded").refunded_at is None
    draft = imported(
        status="refunded", createdAt="2026-03-01T00:00:00Z", refundedAt="2026-03-02T00:00:00Z"
    )
    assert draft.status is Status.REFUNDED
    assert draft.refunded_at == at("2026-03-02T00:00:00Z")


def test_a_payment_may_lie_five_minutes_ahead():
    assert drafted(createdAt="2026-03-10T12:05:00Z").created_at == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("amount", bad) for bad in ("18.5", None, True, [1], {"n": 1}, -1, 18.505, 10**11)],
        *[("method", bad) for bad in ("", "Card", "cheque", 1, None)],
        *[("status", bad) for bad in ("", "SUCCESS", "pending", "refunded", None)],
        *[("currency", bad) for bad in ("", "usd", "XXX", "EURO", 978)],
        *[("tenantId", bad) for bad in (1, ["tenant_1"], {"$ne": "x"})],
        *[("createdAt", bad) for bad in ("2026-03-10T12:00:00", "2026-03-10", "now", 1741600000)],
        *[("createdAt", bad) for bad in ("2026-03-10T12:05:00.001Z", "1969-12-31T23:59:59Z")],
        *[("createdAt", bad) for bad in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00")],
        *[("reference", bad) for bad in ("", "r" * 201, 12)],
        *[("customerId", bad) for bad in ("", "c" * 201, {})],
        *[("country", bad) for bad in ("", "de", "DEU", "D1", "ÄÖ")],
        ("declineCode", "expired_card"),  # it did not fail
        ("refundedAt", "2026-03-10T12:00:00Z"),  # it was not refunded
        ("unknownField", 1),
        ("created_at", "2026-03-10T12:00:00Z"),
    ],
)
def test_a_refusal_names_the_field(field, value):
    with pytest.raises(InvalidValue) as refusal:
        drafted(**{field: value})
    assert refusal.value.field == field
    assert refusal.value.problem


@pytest.mark.parametrize("code", ["", "Expired", "expired card", "$ne", "a.b", "a" * 65])
def test_a_malformed_decline_code_is_refused(code):
    with pytest.raises(InvalidValue) as refusal:
        drafted(status="failed", declineCode=code)
    assert refusal.value.field == "declineCode"


@pytest.mark.parametrize("field", ["amount", "method", "status"])
def test_a_missing_field_is_named(field):
    with pytest.raises(InvalidValue) as refusal:
        drafted(field)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "refunded_at", ["2026-03-10T11:59:59.999Z", "2026-03-10T12:06:00Z", "1960-01-01T00:00:00Z"]
)
def test_a_refund_before_its_payment_or_in_the_future_is_refused(refunded_at):
    with pytest.raises(InvalidValue) as refusal:
        imported(status="refunded", refundedAt=refunded_at)
    assert refusal.value.field == "refundedAt"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"\xff\xfe", "body"),
        (b'{"amount":1,"method":"\xff","status":"success"}', "body"),
        (b'{"amount":NaN,"method":"card","status":"success"}', "body"),
        (b'{"amount":01,"method":"card","status":"success"}', "body"),
        (b'{"amount":' + b"[" * 200_000, "body"),
        (b'{"amount":1,"method":"card","status":"success"} {}', "body"),
        (b'{"amount":1e99999999999999999999,"method":"card","status":"success"}', "amount"),
        (b'{"amount":"\xff","method":"card","status":"success"}', "amount"),
        (b'{"amount":1e999999999,"method":"card","status":"success"}', "amount"),
        (b'{"amount":1e-999999999,"method":"card","status":"success"}', "amount"),
        (b'{"amount":1.' + b"0" * 500 + b',"method":"card","status":"success"}', "amount"),
    ],
)
def test_a_malformed_request_is_refused(body, field):
    with pytest.raises(InvalidValue) as refusal:
        draft_of(read_request(body), tenant=tenant(), methods=METHODS, now=NOON)
    assert refusal.value.field == field


def test_a_refusal_is_short_however_long_the_request():
    with pytest.raises(InvalidValue) as refusal:
        drafted(**{"x" * 1_000_000: 1})
    assert len(str(refusal.value)) < 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
nearly = st.fixed_dictionaries(
    {
        "amount": st.floats() | st.integers() | json_values,
        "method": st.sampled_from(METHODS) | json_values,
        "status": st.sampled_from(Status) | json_values,
    },
    optional={
        "currency": st.sampled_from(["USD", "JPY"]) | json_values,
        "createdAt": st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | json_values,
        "refundedAt": st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | json_values,
        "reference": json_values,
        "customerId": json_values,
        "country": st.just("DE") | json_values,
        "declineCode": st.just("expired_card") | json_values,
        "tenantId": json_values,
        "more": json_values,
    },
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | nearly.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.sampled_from([Source.API, Source.IMPORT]),
)
def test_anything_is_a_valid_draft_or_refused(body, source):
    for read in (
        request_hash,
        lambda request: draft_of(
            request, tenant=tenant(), methods=METHODS, now=NOON, source=source
        ),
    ):
        try:
            read(read_request(body))
        except InvalidValue as refusal:
            assert refusal.field  # noqa: PT017 - it may as well be accepted


@given(payments(currencies=st.just("EUR")))
def test_a_payment_that_was_exported_can_be_imported(recorded):
    document = decode(encode(payment_document(recorded)))
    for name in ("source", *(FIELDS.keys() - Draft.__struct_fields__)):
        document.pop(FIELDS[name].json, None)
    draft = draft_of(
        read_request(encode(document)),
        tenant=tenant(),
        methods=METHODS,
        now=at("2031-01-01T00:00:00Z"),
        source=Source.IMPORT,
    )
    assert all(
        (getattr(draft, field) or None) == (getattr(recorded, field) or None)
        if field == "refunded_amount"
        else getattr(draft, field) == getattr(recorded, field)
        for field in Draft.__struct_fields__
        if field != "source"
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"status":"success","method":"card","amount":18.5}',
        '{ "amount": 18.50, "method": "card", "status": "success" }',
        '{"amount":1.85e1,"method":"card","status":"success"}',
        '{"amount":1850E-2,"method":"c\\u0061rd","status":"success"}',
        '{"amount":18.5,"method":"card","status":"success","reference":null,"createdAt":null}',
    ],
)
def test_texts_that_mean_the_same_have_the_same_hash(body):
    assert request_hash(read_request(body.encode())) == request_hash(request_of())


@pytest.mark.parametrize(("one", "other"), [("0", "-0"), ("0", "0.00"), ("100", "1e2")])
def test_equal_amounts_have_the_same_hash(one, other):
    assert hash_of_amount(one) == hash_of_amount(other)


@given(instants(), st.integers(-14 * 4, 14 * 4))
def test_the_same_moment_has_the_same_hash_in_any_zone(instant, quarters):
    elsewhere = instant.astimezone(timezone(timedelta(minutes=15 * quarters)))
    assert request_hash(request_of(createdAt=instant.isoformat())) == request_hash(
        request_of(createdAt=elsewhere.isoformat())
    )


def test_different_requests_have_different_hashes():
    asked = [
        {},
        {"amount": 18.51},
        {"amount": 185},
        {"amount": -18.5},
        {"method": "paypal"},
        {"status": "failed"},
        {"tenantId": "tenant_1"},
        {"currency": "EUR"},
        {"createdAt": "2026-03-10T12:00:00Z"},
        {"createdAt": "2026-03-10T12:00:00.001Z"},
        {"reference": "18.5"},
        {"customerId": "18.5"},
        {"country": "DE"},
        {"declineCode": "expired_card"},
        {"refundedAt": "2026-03-10T12:00:00Z"},
    ]
    assert len({request_hash(request_of(**fields)) for fields in asked}) == len(asked)


def test_amounts_beyond_the_precision_of_arithmetic_have_different_hashes():
    texts = ["1", "1." + "0" * 60 + "1", "1." + "0" * 60 + "2"]
    assert len({hash_of_amount(text) for text in texts}) == 3


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 20))
def test_trailing_zeros_of_an_amount_do_not_change_the_hash(amount, zeros):
    sign, digits, power = amount.as_tuple()
    longer = Decimal((sign, (*digits, *[0] * zeros), power - zeros))
    assert hash_of_amount(amount) == hash_of_amount(longer)
