"""Examples for the OpenAPI page: instances of the types, made by the functions that make answers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Raw, Struct
from msgspec.structs import asdict

from financeops.core import wire
from financeops.core.breakdown import breakdown
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.analytics import MetricsAnswer, SnapshotAnswer
from financeops.core.contract.forms import Instant
from financeops.core.contract.imports import (
    FinishRequest,
    ImportAnswer,
    ImportCounts,
    StartRequest,
)
from financeops.core.contract.operations import (
    HealthAnswer,
    HomeAnswer,
    ProgressAnswer,
    ReadyAnswer,
    RezoneAnswer,
    VerificationAnswer,
    VerifyAnswer,
)
from financeops.core.contract.paths import DOCS
from financeops.core.contract.payments import (
    BatchAnswer,
    BatchItem,
    BatchOutcome,
    ChangesAnswer,
    FirstHistoryAnswer,
    MonthAnswer,
    MonthsAnswer,
    SeedAnswer,
)
from financeops.core.contract.rates import (
    RatesAnswer,
    RatesRecomputed,
    RatesRecorded,
    RatesRequest,
)
from financeops.core.contract.requests import (
    DisputeRequest,
    FeeRequest,
    FeesRequest,
    PaymentRequest,
    RefundRequest,
    SettlementRequest,
)
from financeops.core.contract.webhooks import DeadLetterAnswer, ReplayAnswer, WebhookAnswer
from financeops.core.dimensions import EVERY_VALUE, Dimension
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.metrics import declines, methods, metrics, trends
from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Period, buckets
from financeops.core.reading import read_request
from financeops.core.rollup import rollup_of, total
from server.http.problems import problem_of

_ZONE = ZoneInfo("UTC")
_NOON = datetime(2024, 12, 9, 14, 23, 5, tzinfo=UTC)


def _payment(number: int, amount: int, status: Status, **more: Any) -> Payment:
    return Payment(
        id=f"6756fb49a1b2c3d4e5f6070{number}",
        tenant_id=DEFAULT_TENANT,
        amount=amount,
        currency="USD",
        method="card",
        status=status,
        created_at=_NOON,
        updated_at=_NOON,
        source="api",
        **more,
    )


_SUCCEEDED = _payment(1, 185050, Status.SUCCESS, reference="order-1042-1", customer_id="cus_1a2b3c")
_FAILED = _payment(2, 4200, Status.FAILED, decline_code="insufficient_funds")
_ROLLUP = total(rollup_of(payment, _ZONE, EVERY_VALUE) for payment in (_SUCCEEDED, _FAILED))
_CUT = buckets(Period.DAY, _NOON, _ZONE)

PAYMENT = wire.payment_document(_SUCCEEDED)
PAYMENTS = [wire.payment_document(_FAILED), PAYMENT]
CHANGE = wire.change_document(Change(seq=1, at=_NOON, payment=_SUCCEEDED))
METRICS = MetricsAnswer(
    **asdict(wire.metrics_document(metrics(_ROLLUP, currency="USD"))),
    timezone=_ZONE.key,
    start=Instant.of(_CUT[0].start),
    end=Instant.of(_CUT[-1].end),
    seq=2,
    currencies=["USD"],
)
TRENDS = wire.trends_document(trends(_CUT[-1:], [_ROLLUP]), currency="USD")
METHODS = wire.methods_document(methods(_ROLLUP), currency="USD")
BREAKDOWN = wire.breakdown_document(breakdown(_ROLLUP, Dimension.COUNTRY), currency="USD")
DECLINES = wire.declines_document(declines(_ROLLUP), currency="USD")
PROBLEM = problem_of(InvalidValue("amount", "must not be negative"))
_VERIFIED: dict[str, Any] = {
    "tenant_id": DEFAULT_TENANT,
    "seq": 2,
    "checked": 7,
    "differing": 0,
    "differences": [],
}

WEBHOOK = {
    "type": "payment.refunded",
    "timestamp": "2024-12-09T14:23:05Z",
    "data": {"reference": "order-1042-1", "amount": 18.5},
}
ANSWERS: list[Struct] = [
    PAYMENT,
    METRICS,
    SnapshotAnswer(
        metrics=METRICS,
        previous=METRICS,
        trends=TRENDS,
        methods=METHODS,
        declines=DECLINES,
        payments=PAYMENTS,
        seq=2,
        as_of=Instant.of(_NOON),
    ),
    *TRENDS,
    *METHODS,
    *DECLINES,
    *BREAKDOWN,
    CHANGE,
    ChangesAnswer(seq=1, complete=True, changes=[CHANGE]),
    PROBLEM,
    BatchAnswer(
        created=1,
        duplicate=0,
        rejected=1,
        items=[
            BatchItem(index=0, outcome=BatchOutcome.CREATED, id=_SUCCEEDED.id),
            BatchItem(index=1, outcome=BatchOutcome.REJECTED, problem=PROBLEM),
        ],
    ),
    FirstHistoryAnswer(recorded=12_000, count=44_000),
    SeedAnswer(message="Seeded successfully", count=1000),
    ImportAnswer(
        id="6756fb49a1b2c3d4e5f60799",
        tenant_id=DEFAULT_TENANT,
        file="sales.csv",
        size=25_310,
        options={"map": ["amount=dollars,createdAt=day"], "currency": "USD"},
        state="done",
        started_at=Instant.of(_NOON),
        finished_at=Instant.of(_NOON),
        undone_at=None,
        counts=ImportCounts(created=630, updated=2, duplicate=40, conflict=0, rejected=1),
    ),
    MonthsAnswer(
        tenant_id=DEFAULT_TENANT,
        currency="USD",
        timezone="UTC",
        seq=2,
        history="9f86d081884c7d65",
        taken_back=0,
        months=[
            MonthAnswer(
                month="2024-12",
                start=Instant(2024, 12, 1, tzinfo=UTC),
                end=Instant(2025, 1, 1, tzinfo=UTC),
                payments=2,
                refunded=0,
                returned=0,
                revised=0,
                renumbered=0,
            )
        ],
    ),
    VerifyAnswer(
        **_VERIFIED,
        repaired=False,
        asked=162,
        shown=[],
        misnumbered=[],
        mistimed=[],
        unreported=[],
        overdue=[],
    ),
    VerificationAnswer(
        id="6756fb49a1b2c3d4e5f60788",
        tenant_id=DEFAULT_TENANT,
        repair=False,
        state="running",
        progress=ProgressAnswer(step="payments", done=12_000, of=44_000),
        report=None,
        problem=None,
    ),
    RezoneAnswer(**_VERIFIED, repaired=True, timezone="Europe/Berlin"),
    HomeAnswer(
        name="FinanceOps",
        version=version("financeops"),
        documentation=DOCS,
        dashboard="http://localhost:8866",
    ),
    RatesAnswer(
        date=date(1999, 1, 4),
        base="EUR",
        source="ecb",
        rates={"JPY": Decimal("133.73"), "USD": Decimal("1.1789")},
    ),
    RatesRecorded(added=2, replaced=0, unchanged=0),
    RatesRecomputed(checked=310, changed=4),
    HealthAnswer(status="ok"),
    ReadyAnswer(status="ready"),
    WebhookAnswer(event="msg_1", reason="must be at most 18.5 USD, what is left to refund"),
    DeadLetterAnswer(
        id="6756fb49a1b2c3d4e5f60799",
        tenant_id=DEFAULT_TENANT,
        provider="standard",
        event="msg_1",
        kind="payment.refunded",
        reason="amount: must be at most 18.5 USD, what is left to refund",
        at=Instant.of(_NOON),
        body=wire.encode(WEBHOOK).decode(),
    ),
    ReplayAnswer(id="6756fb49a1b2c3d4e5f60799", recorded=True),
]
"""An example of each type of answer."""

REQUEST = read_request(
    b'{"amount": 1850.5, "method": "card", "status": "success", "reference": "order-1042-1", '
    b'"customerId": "cus_1a2b3c"}'
)
BATCH_REQUEST = [REQUEST, PaymentRequest(amount=Raw(b"-1"), method="card", status="success")]
REFUND = RefundRequest(amount=Raw(b"18.5"), reason="damaged")
DISPUTE = DisputeRequest(id="dp_1", status=DisputeStatus.OPEN, reason="fraudulent")
FEES = FeesRequest(
    fees=[
        FeeRequest(kind=FeeKind.PROCESSING, amount=Raw(b"0.35")),
        FeeRequest(kind=FeeKind.INTERCHANGE, amount=Raw(b"0.02")),
    ]
)
SETTLEMENT = SettlementRequest(
    payout_id="po_1", settled_at=_NOON, settled_amount=Raw(b"18.13"), settled_currency="USD"
)
RATES = [
    RatesRequest(
        date="1999-01-04",
        base="EUR",
        source="ecb",
        rates={"JPY": Raw(b"133.73"), "USD": Raw(b"1.1789")},
    )
]
START = StartRequest(tenant_id=DEFAULT_TENANT, file="sales.csv", size=25_310)
FINISH = FinishRequest(duplicate=40, rejected=1)
