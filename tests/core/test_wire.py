import pickle
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.arrow.amounts import major_of, minor_of
from financeops.core.contract.analytics import BucketAnswer, RollupAnswer
from financeops.core.contract.forms import Instant
from financeops.core.contract.payments import BatchItem, BatchOutcome
from financeops.core.contract.stream import HeartbeatEvent
from financeops.core.metrics import declines, methods, metrics, trends
from financeops.core.money import MAX_MINOR, exponent
from financeops.core.payments import Status
from financeops.core.periods import HOUR, Window
from financeops.core.reporting import LARGEST
from financeops.core.rollup import Rollup
from financeops.core.wire import (
    bucket_document,
    change_document,
    change_from,
    declines_document,
    decode,
    encode,
    instant_of,
    methods_document,
    metrics_document,
    payment_document,
    payment_from,
    read,
    read_document,
    rollup_document,
    rollup_from,
    timestamp,
    trends_document,
)
from tests.builders import NOON, change, payment
from tests.strategies import changes, instants, payments, rollups


@given(payments())
def test_a_payment_survives_the_wire(recorded):
    text = encode(payment_document(recorded))
    assert payment_from(decode(text)) == recorded
    assert encode(payment_document(payment_from(decode(text)))) == text


@pytest.mark.parametrize("currency", ["VND", "USD", "KWD"])
def test_the_largest_amount_that_a_payment_is_converted_into_survives(currency):
    converted = payment(
        amount=MAX_MINOR,
        currency="EUR",
        reporting_amount=LARGEST,
        reporting_currency=currency,
        rate="100",
        rate_date="2026-03-10",
        rate_source="ours",
    )
    assert payment_from(decode(encode(payment_document(converted)))) == converted
    amounts, currencies = pa.chunked_array([[LARGEST]]), pa.chunked_array([[currency]])
    major = pa.chunked_array([major_of(amounts, currencies)])
    assert minor_of(major, currencies, most=LARGEST).to_pylist() == [LARGEST]


@given(changes())
def test_a_change_survives_the_wire(changed):
    text = encode(change_document(changed))
    assert change_from(decode(text)) == changed
    assert encode(change_document(change_from(decode(text)))) == text


def test_the_json_of_a_payment_leaves_out_fields_without_a_value():
    assert encode(payment_document(payment(amount=185050))) == (
        b'{"_id":"69b00b40a1b2c3d4e5f60001","tenantId":"tenant_1","amount":1850.5,'
        b'"currency":"USD","method":"card","status":"success",'
        b'"createdAt":"2026-03-10T12:00:00Z","updatedAt":"2026-03-10T12:00:00Z","source":"api"}'
    )


def test_the_json_of_a_refund_has_the_previous_status():
    document = decode(encode(change_document(change(7, status="refunded"))))
    assert list(document) == ["type", "payment", "previousStatus", "timestamp", "seq"]
    assert document["type"] == "payment_refunded"
    assert document["previousStatus"] == "success"
    assert document["payment"]["refundedAt"] == "2026-03-10T13:00:00Z"
    assert document["seq"] == 7


def test_a_new_payment_has_no_previous_status():
    document = decode(encode(change_document(change(status="failed"))))
    assert document["type"] == "payment_failed"
    assert document["previousStatus"] is None


@given(st.integers(2**53, 10**30), st.sampled_from(["JPY", "USD", "KWD"]))
def test_sums_beyond_all_floats_keep_every_digit(volume, currency):
    figures = metrics(Rollup({("card", Status.SUCCESS): (1, volume)}), currency=currency)
    text = encode(metrics_document(figures))
    document = decode(text)
    assert Fraction(document["totalVolume"]) * 10 ** exponent(currency) == volume
    assert encode(document) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1850.5", Decimal("1850.5")),
        (b"0.1", Decimal("0.1")),
        (b"9007199254740993", 9007199254740993),
        (b"90071992547409.93", Decimal("90071992547409.93")),
        (b"1e2", Decimal(100)),
    ],
)
def test_numbers_are_read_as_they_are_written(text, value):
    assert decode(text) == value
    assert not isinstance(decode(text), float)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_decimal_is_written_with_all_its_digits(value):
    assert decode(encode([value])) == [value]


@given(instants())
def test_times_survive_the_wire(instant):
    text = timestamp(instant)
    assert instant_of(text) == instant
    assert text.endswith("Z")
    assert len(text) in {20, 24}


def test_times_are_written_in_utc():
    local = datetime(2026, 3, 10, 17, 45, tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert timestamp(local) == "2026-03-10T12:00:00Z"
    assert instant_of("2026-03-10T17:45:00+05:45") == NOON


@given(instants())
def test_a_time_of_an_answer_is_written_in_our_form_and_read_as_a_datetime(instant):
    beat = HeartbeatEvent(seq=1, server_time=Instant.of(instant))
    text = encode(beat)
    assert decode(text) == {"seq": 1, "serverTime": timestamp(instant)}
    assert read(HeartbeatEvent, text) == read_document(HeartbeatEvent, decode(text)) == beat
    time = read(HeartbeatEvent, text).server_time
    assert (time, time.tzinfo, pickle.loads(pickle.dumps(time))) == (instant, UTC, instant)


@pytest.mark.parametrize("text", ["2026-03-10T12:00:00", "2026-03-10", "noon"])
def test_a_time_without_an_offset_is_refused(text):
    with pytest.raises(ValueError):
        instant_of(text)
    with pytest.raises(msgspec.ValidationError, match="serverTime"):
        read_document(HeartbeatEvent, {"seq": 1, "serverTime": text})


def test_unknown_fields_of_a_newer_server_are_ignored():
    text = b'{"index":3,"outcome":"created","_id":"one","mood":"good"}'
    item = read(BatchItem, text)
    assert item == BatchItem(index=3, outcome=BatchOutcome.CREATED, id="one")
    assert item.problem is None
    assert "problem" not in decode(encode(item))


@given(rollups)
def test_a_rollup_survives_the_wire(rollup):
    bucket = bucket_document(Window(NOON, NOON + HOUR), rollup)
    assert rollup_from(read(BucketAnswer, encode(bucket))) == rollup
    assert rollup_from(read(RollupAnswer, encode(rollup_document(rollup)))) == rollup


def test_the_json_of_the_figures():
    rollup = Rollup(
        {("card", Status.SUCCESS): (2, 12345), ("card", Status.FAILED): (1, 100)},
        {("card", "expired_card"): (1, 100)},
        {("card", 14): 3},
        {
            "failures": {("card", "blocked", "hard"): (1, 100)},
            "activity": {("card", "refunded"): (2, 700), ("card", "charged"): (1, -9)},
        },
    )
    hour = Window(NOON, NOON + HOUR)
    assert decode(encode(metrics_document(metrics(rollup, currency="USD")))) == {
        "totalVolume": Decimal("123.45"),
        "successRate": Decimal("66.666667"),
        "averageAmount": Decimal("61.725"),
        "peakHour": 14,
        "topPaymentMethod": "card",
        "totalPayments": 3,
        "currency": "USD",
        "succeededPayments": 2,
        "failedPayments": 1,
        "refundedPayments": 0,
        "refundedVolume": 0,
        "netVolume": Decimal("123.45"),
        "refundRate": 0,
        "partiallyRefundedPayments": 0,
        "disputedPayments": 0,
        "disputedVolume": 0,
        "openDisputes": 0,
        "wonDisputes": 0,
        "lostDisputes": 0,
        "lostVolume": 0,
        "disputeRate": 0,
        "winRate": None,
        "feeVolume": 0,
        "feeRate": 0,
        "netRevenue": Decimal("123.45"),
        "authorizationRate": 100,
        "orders": 3,
        "succeededOrders": 2,
        "orderSuccessRate": Decimal("66.666667"),
        "firstAttemptRate": Decimal("66.666667"),
        "recoveredShare": 0,
        "failures": {
            "authentication": 0,
            "blocked": 1,
            "declined": 0,
            "technical": 0,
            "abandoned": 0,
        },
        "softDeclines": 0,
        "hardDeclines": 1,
        "activity": {
            "refunds": {"count": 2, "volume": 7},
            "disputesOpened": {"count": 0, "volume": 0},
            "disputesWon": {"count": 0, "volume": 0},
            "disputesLost": {"count": 0, "volume": 0},
            "fees": {"count": 1, "volume": Decimal("-0.09")},
        },
    }
    assert encode(trends_document(trends([hour, hour], [rollup, Rollup()]), currency="USD")) == (
        b'[{"timestamp":"2026-03-10T12:00:00Z","amount":123.45,"count":3,"successRate":66.666667},'
        b'{"timestamp":"2026-03-10T12:00:00Z","amount":0,"count":0,"successRate":null}]'
    )
    assert encode(methods_document(methods(rollup), currency="JPY")) == (
        b'[{"method":"card","count":3,"volume":12345,"successRate":66.666667,"share":100}]'
    )
    assert encode(declines_document(declines(rollup), currency="KWD")) == (
        b'[{"declineCode":"expired_card","count":1,"volume":0.1,"share":100}]'
    )
