"""What became of an imported payment: rows tell of it, and are refused where they cannot be true."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict

from financeops.core.acts import GivenBack
from financeops.core.became import dispute_in, refunds_in
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.payments import Draft, Payment, Status
from financeops.core.reading import read_import_request
from financeops.core.recognition import difference

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DRAFT = {
    "tenant_id": "tenant_1",
    "amount": 1000,
    "currency": "USD",
    "method": "card",
    "created_at": AT,
    "source": "import",
}
PAID = Draft(**DRAFT, status=Status.SUCCESS, refunded_amount=300)
FAILED = Draft(**DRAFT, status=Status.FAILED)


def payment(dispute):
    return Payment(**asdict(PAID), id="6756fb49a1b2c3d4e5f60701", updated_at=AT, dispute=dispute)


def row(**told):
    payment = {"amount": 10, "method": "card", "status": "success"}
    return read_import_request(
        json.dumps(payment | told | {"row": {"content": "a", "base": "b"}}).encode()
    )


def refund(**told):
    return {"id": "a", "amount": 1, "at": "2026-05-02T10:00:00Z"} | told


def dispute(**told):
    opened = {"id": "dp", "amount": 10, "status": "open", "openedAt": "2026-05-03T10:00:00Z"}
    return opened | told


def test_refunds_are_kept_in_the_order_in_which_they_happened():
    told = row(refunds=[refund(), refund(id="b", at="2026-05-01T10:00:00Z", reason="torn")])
    earlier, later = refunds_in(told.refunds, PAID, NOW)
    assert earlier == GivenBack(at=AT, id="b", amount=100, reason="torn")
    assert (later.id, later.reason) == ("a", None)
    assert refunds_in(row().refunds, PAID, NOW) is refunds_in([], PAID, NOW) is None


@pytest.mark.parametrize(
    ("refunds", "field", "says"),
    [
        ([refund(), refund()], "refunds", "an id each"),
        ([refund(), refund(id="b", amount=2.01)], "refunds", "more than refundedAmount"),
        ([refund(), refund(id="b", amount=0)], "refunds[1].amount", "more than 0"),
        ([refund(amount=10.01)], "refunds[0].amount", "at most the payment's amount"),
        ([refund(amount=0.001)], "refunds[0].amount", "decimals"),
        ([refund(at="2026-04-30T10:00:00Z")], "refunds[0].at", "before createdAt"),
        ([refund(at="2026-06-30T10:00:00Z")], "refunds[0].at", "5 minutes from now"),
        ([refund(id="4111 1111 1111 1111")], "refunds[0].id", "card number"),
        ([refund(reason="4111111111111111")], "refunds[0].reason", "card number"),
    ],
)
def test_refunds_that_cannot_be_are_refused(refunds, field, says):
    with pytest.raises(InvalidValue) as refused:
        refunds_in(row(refunds=refunds).refunds, PAID, NOW)
    assert refused.value.field == field
    assert says in refused.value.problem


def test_nothing_was_given_back_of_a_failed_payment():
    with pytest.raises(InvalidValue):
        refunds_in(row(refunds=[refund()]).refunds, FAILED, NOW)


def test_a_dispute_is_as_far_as_its_row_says():
    assert dispute_in(None, PAID, NOW) is None
    closed = dispute(status="lost", closedAt="2026-05-04T10:00:00Z", reason="fraudulent")
    told = dispute_in(row(dispute=closed).dispute, PAID, NOW)
    assert (told.status, told.amount, told.reason) == (DisputeStatus.LOST, 1000, "fraudulent")
    assert (told.opened_at.day, told.closed_at.day) == (3, 4)


@pytest.mark.parametrize(
    ("draft", "told", "field"),
    [
        (FAILED, dispute(), "dispute"),
        (PAID, dispute(openedAt=None), "dispute"),
        (PAID, dispute(closedAt="2026-05-04T10:00:00Z"), "dispute"),
        (PAID, dispute(status="won"), "dispute.closedAt"),
        (PAID, dispute(status="won", closedAt="2026-05-02T10:00:00Z"), "dispute.closedAt"),
        (PAID, dispute(openedAt="2026-04-02T10:00:00Z"), "dispute.openedAt"),
        (PAID, dispute(amount=11), "dispute.amount"),
        (PAID, dispute(amount="10"), "dispute.amount"),
        (PAID, dispute(id=""), "dispute.id"),
    ],
)
def test_disputes_that_cannot_be_are_refused(draft, told, field):
    with pytest.raises(InvalidValue) as refused:
        dispute_in(row(dispute=told).dispute, draft, NOW)
    assert refused.value.field == field


def test_a_row_from_before_a_disputes_end_is_no_contradiction_but_news_is():
    won = Disputed(id="dp", amount=1000, status=DisputeStatus.WON, opened_at=AT, closed_at=NOW)
    still_open = Disputed(id="dp", amount=1000, status=DisputeStatus.OPEN, opened_at=AT)
    assert difference(payment(won), PAID, still_open) is None
    assert difference(payment(won), PAID, won) is None
    assert str(difference(payment(None), PAID, won)) == (
        "is recorded as nothing, the row says 'dp', won"
    )
    assert difference(payment(still_open), PAID, won).field == "dispute"
