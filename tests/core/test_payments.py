import pytest
from hypothesis import given
from msgspec.structs import replace

from financeops.core.payments import OTHER_DECLINE, UNKNOWN_DECLINE, EventType, Status
from tests.builders import change, payment
from tests.strategies import changes


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (change(status="success"), EventType.RECEIVED),
        (change(status="failed"), EventType.FAILED),
        (change(status="refunded"), EventType.REFUNDED),
        # Refunded before it was imported: for this ledger it is a payment received.
        (change(status="refunded", source="import"), EventType.RECEIVED),
    ],
)
def test_a_change_is_named_for_what_happened(changed, kind):
    assert changed.type is kind


def test_a_refunded_payment_was_a_success_before():
    refund = change(status="refunded")
    assert refund.previous == replace(
        refund.payment, status=Status.SUCCESS, refunded_at=None, refunded_amount=None
    )


@given(changes())
def test_only_a_new_payment_has_no_previous_state(changed):
    assert (changed.previous is None) == (changed.previous_status is None)


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({"status": "success"}, None),
        ({"status": "refunded"}, None),
        ({"status": "failed", "decline_code": "expired_card"}, "expired_card"),
        ({"status": "failed", "decline_code": None}, UNKNOWN_DECLINE),
        (
            {"status": "failed", "decline_code": "rare", "decline_group": OTHER_DECLINE},
            OTHER_DECLINE,
        ),
    ],
)
def test_a_failure_is_counted_under_its_decline_code(fields, counted):
    assert payment(**fields).counted_decline == counted
