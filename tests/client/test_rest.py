"""The REST client against a running server."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from financeops.cli.running.addresses import free_port
from financeops.client import Client
from financeops.client.problems import error_of
from financeops.core.breakdown import breakdown
from financeops.core.errors import (
    Busy,
    Conflict,
    FinanceOpsError,
    InvalidValue,
    Misconfigured,
    NotFound,
    Unavailable,
)
from financeops.core.metrics import metrics
from financeops.core.payments import Status
from financeops.core.rollup import total


async def test_metrics_are_exact_decimals_and_name_their_currency(client, record, tenant_id):
    await record(amount=Decimal("0.1"))
    await record(amount=Decimal("0.2"))
    await record(amount=Decimal(5), status="failed", declineCode="expired_card")

    figures = await client.metrics(tenant_id, period="day", compare=True)

    assert figures.total_volume == Decimal("0.3")
    assert figures.success_rate == Decimal("66.666667")
    assert (figures.currency, figures.currencies, figures.seq) == ("USD", ["USD"], 3)
    assert figures.previous is not None
    assert figures.previous.success_rate is None


async def test_a_snapshot_holds_what_its_figures_were_computed_from(client, record, tenant_id):
    await record(amount=7, network="visa")
    await record(amount=3, method="paypal", status="failed")

    snapshot = await client.snapshot(tenant_id, period="week", rollups=True, by="network")

    assert (snapshot.seq, len(snapshot.buckets), len(snapshot.bucket_rollups)) == (2, 7, 7)
    assert snapshot.as_of in snapshot.buckets[-1]
    assert (snapshot.by, snapshot.listed) == ("network", {"visa"})
    rows = breakdown(total(snapshot.bucket_rollups) + snapshot.details, snapshot.by)
    assert [(row.value, row.volume, row.share) for row in rows] == [
        ("visa", 700, 50),
        (None, 0, 50),
    ]
    figures = metrics(total(snapshot.bucket_rollups), currency="USD")
    assert figures.total_volume == 700
    assert figures.success_rate == snapshot.metrics.success_rate == 50
    assert snapshot.previous_window is not None
    assert not snapshot.previous_rollup
    assert [payment.amount for payment in snapshot.payments] == [300, 700]


async def test_trends_methods_and_declines_are_typed(client, record, tenant_id):
    await record(amount=7)
    await record(amount=3, status="failed", declineCode="expired_card")

    trend = await client.trends(tenant_id, period="day")
    methods = await client.methods(tenant_id)
    declines = await client.declines(tenant_id, method="card")
    networks = await client.breakdown(tenant_id, by="network", method="card")

    assert (len(trend), trend[-1].amount, trend[-1].count) == (24, 7, 2)
    assert trend[0].success_rate is None
    assert trend[-1].timestamp.tzinfo is not None
    assert [(row.method, row.share) for row in methods] == [("card", 100)]
    assert [(row.decline_code, row.volume) for row in declines] == [("expired_card", 3)]
    assert [(row.value, row.share) for row in networks] == [(None, 100)]


async def test_payments_come_newest_first_over_all_pages(client, tenant_id):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    wanted = [
        {
            "tenantId": tenant_id,
            "amount": n,
            "method": "card",
            "status": "success",
            "createdAt": start + timedelta(minutes=n),
        }
        for n in range(1005)
    ]
    first = await client.post_batch(wanted[:1000], source="import")
    second = await client.post_batch(wanted[1000:], source="import")
    assert (first.created, second.created) == (1000, 5)

    everything = [payment.amount async for payment in client.payments(tenant_id)]
    newest = [payment.amount async for payment in client.payments(tenant_id, limit=3)]
    early = client.payments(tenant_id, end=start + timedelta(minutes=2))

    assert everything == [100 * n for n in reversed(range(1005))]
    assert newest == everything[:3]
    assert [payment.amount async for payment in early] == [100, 0]


async def test_a_payment_sent_again_under_its_key_is_the_same_one(client, tenant_id):
    body = {"tenantId": tenant_id, "amount": 5, "method": "card", "status": "success"}

    first = await client.post_payment(body, idempotency_key="order-1")
    again = await client.post_payment(body, idempotency_key="order-1")

    assert again == first
    with pytest.raises(Conflict):
        await client.post_payment({**body, "amount": 6}, idempotency_key="order-1")
    assert (await client.metrics(tenant_id)).total_payments == 1


async def test_a_batch_reports_the_outcome_of_each_item(client, tenant_id):
    good = {"tenantId": tenant_id, "amount": 5, "method": "card", "status": "success"}

    answer = await client.post_batch([good, {**good, "amount": -1}])

    assert (answer.created, answer.rejected) == (1, 1)
    assert answer.items[0].id
    assert answer.items[1].problem is not None
    assert answer.items[1].problem.field == "amount"


async def test_only_a_succeeded_payment_can_be_refunded(client, record, tenant_id):
    paid, failed = await record(), await record(status="failed")

    refunded = await client.refund(paid.id, tenant_id)

    assert refunded.status is Status.REFUNDED
    assert await client.payment(paid.id, tenant_id) == refunded
    with pytest.raises(Conflict):
        await client.refund(failed.id, tenant_id)


async def test_an_error_names_the_wrong_parameter(client, record):
    with pytest.raises(InvalidValue) as period:
        await client.metrics("tenant_1", period="fortnight")
    with pytest.raises(InvalidValue) as amount:
        await record(amount=Decimal("1.234"))

    assert (period.value.field, amount.value.field) == ("period", "amount")
    assert not amount.value.problem.startswith("amount")


async def test_an_unknown_tenant_is_not_found(client):
    with pytest.raises(NotFound):
        await client.metrics("nobody")


async def test_an_unreachable_server_is_unavailable():
    async with Client(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(Unavailable, match=client.url):
            await client.ready()


async def test_an_export_is_written_as_it_arrives(client, record, tenant_id):
    paid = await record(amount=Decimal("12.5"))
    file = io.BytesIO()

    written = await client.export(file, tenant_id)

    assert written == len(file.getvalue())
    head, row = file.getvalue().decode().strip().splitlines()
    assert "amount" in head
    assert paid.id in row
    assert "12.5" in row


async def test_verify_finds_totals_and_payments_equal(client, record, tenant_id):
    await record()
    await client.ready()

    report = await client.verify(tenant_id)

    assert (report.tenant_id, report.seq, report.differences) == (tenant_id, 1, [])


async def test_seeding_happens_once(client, record):
    await record(tenantId="tenant_1")

    answer = await client.seed(count=10, days=2)

    assert answer.message == "Already seeded"
    assert answer.count >= 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFound),
        (409, Conflict),
        (502, Unavailable),
        (503, Unavailable),
        (500, FinanceOpsError),
    ],
)
def test_an_answer_of_a_proxy_in_between_is_an_error_too(status, kind):
    error = error_of(status, b"<html>Bad gateway</html>", url="http://localhost:8866")

    assert type(error) is kind
    assert f"http://localhost:8866 answered {status}, which is not from FinanceOps" in str(error)


def test_a_server_that_answers_that_it_cannot_is_busy_and_not_away():
    said = b'{"status": 503, "detail": "the database does not answer in time"}'
    error = error_of(503, said, url="http://localhost:3001")
    assert type(error) is Busy
    assert str(error) == "the database does not answer in time"


def test_the_address_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("FINANCEOPS_URL", "https://payments.example.com/")
    assert Client().url == "https://payments.example.com"
    monkeypatch.setenv("FINANCEOPS_URL", "payments.example.com")
    with pytest.raises(Misconfigured, match="FINANCEOPS_URL"):
        Client()


async def test_verifying_reports_its_progress(client, record, tenant_id):
    await record(amount=1)
    heard = []
    report = await client.verify(tenant_id, progress=heard.append)
    assert report.checked == 4
    assert {each.tenant_id for each in heard} == {tenant_id}
    assert {each.state for each in heard} <= {"waiting", "running"}
    with pytest.raises(NotFound, match="nobody"):
        await client.verify("nobody")
