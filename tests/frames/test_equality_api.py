"""Figures over HTTP equal those of a frame of the payments that the server returns."""

import json
from datetime import UTC, datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core import metrics as core
from financeops.core import wire
from financeops.core.dimensions import Dimension
from financeops.core.metrics import DeclineFigures, MethodFigures, TrendPoint
from financeops.core.periods import MILLISECOND, Period, Window
from financeops.core.rollup import Rollup
from financeops.frames.activity import activity
from financeops.frames.declines import declines
from financeops.frames.key_figures import metrics, segments
from financeops.frames.methods import methods
from financeops.frames.trends import trends
from tests import strategies
from tests.database import fresh_name, with_database
from tests.frames.conftest import KINDS, native, rows, table_of
from tests.processes import start_server

CURRENCIES = ["USD", "JPY", "KWD"]
TENANTS = {
    f"tenant_{number}": {
        "currency": CURRENCIES[number % len(CURRENCIES)],
        "timezone": strategies.ZONES[number % len(strategies.ZONES)],
    }
    for number in range(60)
}
SENT = [
    *("amount", "currency", "method", "status", "createdAt", "country", "declineCode"),
    *("refundedAmount", "failureStage", "declineKind", "processor", "network", "funding"),
    *("issuerCountry", "channel", "authentication", "orderId"),
]

SEGMENT = {
    "count": "total_payments",
    "successRate": "success_rate",
    "authorizationRate": "authorization_rate",
}
"""The figures of a breakdown that `segments` has under other names, in the same unit."""


@pytest.fixture(scope="module")
def server(mongodb_uri):
    """A server with tenants in many zones, one for each example."""
    process = start_server(with_database(mongodb_uri, fresh_name()), tenants=json.dumps(TENANTS))
    yield process
    assert process.stop() == 0, process.said


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def unused():
    """Tenants that no example has written to (beyond 60 examples their payments add up)."""
    return cycle(TENANTS)


def recent(draw_age):
    """Moments of the last 400 days, many of them of the last hours."""
    return draw_age.map(lambda age: floored(datetime.now(UTC)) - age * MILLISECOND)


def floored(moment):
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


AGES = st.one_of(*(st.integers(0, timedelta(days=days) // MILLISECOND) for days in (1, 7, 30, 400)))
PAYMENTS = st.lists(
    strategies.payments(currencies=st.sampled_from(CURRENCIES), created=recent(AGES)),
    min_size=1,
    max_size=40,
)


def record(http, tenant_id, payments):
    """Send payments; return all payments of the tenant on the server."""
    documents = [
        {"tenantId": tenant_id}
        | {
            name: value
            for name, value in wire.decode(wire.encode(wire.payment_document(each))).items()
            if name in SENT
        }
        for each in payments
    ]
    for document in documents:
        if "orderId" in document:  # few orders, so that they have several attempts
            document["orderId"] = f"order {len(document['orderId']) % 3}"
    answer = http.post(
        "/payments/batch?source=import",
        content=wire.encode(documents),
        headers={"Content-Type": "application/json"},
    )
    assert answer.json()["created"] == len(payments), answer.text
    given_back = http.get("/payments", params={"tenantId": tenant_id, "limit": 1000})
    return [wire.payment_from(each) for each in wire.decode(given_back.content)]


def read(document):
    """As a client without Decimal reads it: floats."""
    return json.loads(wire.encode(document))


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(payments=PAYMENTS, kind=st.sampled_from(KINDS), period=st.sampled_from(Period))
def test_figures_over_http_equal_those_of_a_frame(http, unused, payments, kind, period):
    tenant_id = next(unused)
    currency, zone = TENANTS[tenant_id]["currency"], ZoneInfo(TENANTS[tenant_id]["timezone"])
    frame = native(kind, table_of(record(http, tenant_id, payments)))

    def ask(what, **query):
        answer = http.get(f"/api/analytics/{what}", params={"tenantId": tenant_id, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def mine(figure, **chosen):
        """The rows of the tenant's currency as values of `core`."""
        return [row for row in rows(figure(frame, **chosen)) if row.pop("currency") == currency]

    for query in ({}, {"period": period.value}):
        answer = ask("metrics", **query)
        chosen = {"timezone": zone.key}
        if query:
            window = Window(wire.instant_of(answer["from"]), wire.instant_of(answer["to"]))
            # The last moment of the current bucket: a new hour may begin during the test.
            chosen |= {"period": period, "as_of": window.end - MILLISECOND}
        found = mine(metrics, **chosen)
        figures = core.metrics(Rollup(), currency=currency)
        for row in (*found, *mine(activity, **chosen)):
            figures = replace(figures, **row)
        assert answer.items() >= read(wire.metrics_document(figures)).items()
        if query:
            query = {"from": answer["from"], "to": answer["to"]}  # noqa: PLW2901 - the same one
            chosen = {"window": window}
        assert ask("methods", **query) == read(
            wire.methods_document(
                [MethodFigures(**row) for row in mine(methods, **chosen)], currency=currency
            )
        )
        assert ask("declines", **query) == read(
            wire.declines_document(
                [DeclineFigures(**row) for row in mine(declines, **chosen)], currency=currency
            )
        )
        for by in Dimension:
            column = {"issuerCountry": "issuer_country"}.get(by, by)
            found = mine(segments, by=str(column), **chosen)
            answer = ask("breakdown", by=str(by), **query)
            assert {(row["value"], *map(row.get, SEGMENT)) for row in answer} == {
                (row[column], *map(row.get, SEGMENT.values())) for row in found
            }
            assert sum(row["count"] for row in answer) == sum(
                row["total_payments"] for row in found
            )

    answer = ask("trends", period=period.value)
    as_of = wire.instant_of(answer[-1]["timestamp"])
    found = mine(trends, period=period, as_of=as_of, timezone=zone.key)
    points = [TrendPoint(bucket=Window(row.pop("start"), row.pop("end")), **row) for row in found]
    if points:
        assert answer == read(wire.trends_document(points, currency=currency))
    else:
        assert {(point["count"], point["amount"]) for point in answer} == {(0, 0)}
