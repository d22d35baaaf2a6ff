"""Answers and events contain only what the contract declares."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pymongo import MongoClient

from financeops.core import wire
from financeops.core.contract.payments import ChangeAnswer
from financeops.core.contract.stream import ConnectedEvent, Event, HeartbeatEvent, ReloadEvent
from tests.server.described import check
from tests.server.listener import Listener
from tests.server.signed import SECRETS_SETTING, standard_headers
from tests.verification import ended

PAID = {"amount": 18.5, "method": "card", "status": "success"}
FAILED = {**PAID, "status": "failed", "declineCode": "expired_card", "country": "DE"}
KEYED = {"headers": {"Idempotency-Key": "order-1"}}
IMPORT = {"file": "sales.csv", "size": 3, "options": {"currency": "USD", "map": ["a=b"]}}
ROW = {"content": "one", "base": "one", "meaning": "one"}
OURS = {"tenantId": "ours"}
ACTS = [
    ("dispute", {"id": "dp", "status": "open", "amount": 5}),
    ("dispute", {"id": "dp", "status": "lost", "reason": "fraudulent"}),
    ("dispute", {"id": "dp", "status": "over"}),
    ("fees", {"fees": [{"kind": "tax", "amount": 0.07}, {"kind": "other", "amount": -0.01}]}),
    ("fees", {"fees": []}),
    ("settlement", {"payoutId": ""}),
    ("settlement", {"payoutId": "po", "settledAmount": -1}),
]
EVENTS = {
    Event.CONNECTED: ConnectedEvent,
    Event.PAYMENT: ChangeAnswer,
    Event.HEARTBEAT: HeartbeatEvent,
    Event.RELOAD: ReloadEvent,
}


class Walk:
    """Sends requests, checks each answer against the description, and records which answers came."""

    def __init__(self, http, document):
        self._http = http
        self._document = document
        self.seen = set()

    async def __call__(self, method, path, *, ids=None, **asked):
        answer = await self._http.request(method, path.format(**(ids or {})), **asked)
        check(self._document, method, path, answer)
        self.seen.add((method, path, str(answer.status_code)))
        return answer


@pytest.fixture
def server(start, database_uri):
    """A server for one test, with a webhook."""
    return start(database_uri, heartbeat_seconds=0.3, webhook_secrets=SECRETS_SETTING)


@pytest.fixture
async def ask(server):
    """Send requests to a server for one test."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        yield Walk(http, (await http.get("/openapi.json")).json())


async def test_every_answer_has_the_type_of_its_route(ask, server):
    await _pages(ask)
    await _payments(ask)
    await _imports(ask)
    await _analytics(ask)
    await _rates(ask)
    await _webhooks(ask)
    with MongoClient(server.settings["mongodb_uri"]) as client:
        rollups = client.get_default_database().rollups
        assert rollups.delete_many({"tenantId": "tenant_1", "grain": "day"}).deleted_count
    await _verifications(ask)
    document = (await ask("GET", "/openapi.json")).json()
    described = {
        (method.upper(), path, status)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for status in operation["responses"]
        if status.startswith("2")
    }
    assert {each for each in ask.seen if each[2].startswith("2")} == described
    assert {"404", "409", "415", "422"} <= {status for _, _, status in ask.seen}


async def _pages(ask):
    for path in ("/", "/health", "/ready", "/metrics", "/docs", "/payments/seed"):
        await ask("GET", path)


async def _payments(ask):
    await ask("POST", "/payments", json=PAID, **KEYED)
    paid = (await ask("POST", "/payments", json=PAID, **KEYED)).json()["_id"]
    failed = (await ask("POST", "/payments", json={**FAILED, "customerId": "one"})).json()["_id"]
    await ask("POST", "/payments", json={**PAID, "amount": 1}, **KEYED)
    await ask("POST", "/payments", json={**PAID, "amount": -1})
    await ask("POST", "/payments", content=b"amount=1", headers={"Content-Type": "text/plain"})
    await ask("POST", "/payments/batch", json=[{**PAID, "reference": "r"}] * 2 + [{}])
    part = {"ids": {"payment_id": paid}, "json": {"amount": 0.01, "reason": "damaged"}}
    for _ in range(2):
        await ask("POST", "/payments/{payment_id}/refund", **part, **KEYED)
    await ask("POST", "/payments/{payment_id}/refund", ids=part["ids"], json={"amount": 0})
    soon = {"settledAt": wire.timestamp(datetime.now(UTC) + timedelta(minutes=1))}
    for act, told in ACTS:
        for one in (paid, failed, "0" * 24):
            path = f"/payments/{{payment_id}}/{act}"
            await ask(
                "POST",
                path,
                ids={"payment_id": one},
                json=told | soon if act == "settlement" else told,
                **KEYED,
            )
    for one in (paid, failed, "0" * 24):
        await ask("POST", "/payments/{payment_id}/refund", ids={"payment_id": one})
        await ask("GET", "/payments/{payment_id}", ids={"payment_id": one})
    await ask("GET", "/payments", params={"limit": 2})
    await ask("GET", "/payments", params={"limit": 0, "colour": "red"})
    await ask("GET", "/payments/changes", params={"after": 0})
    await ask("GET", "/payments/months")
    for form in ("csv", "ndjson", "parquet", "arrow"):
        await ask("GET", "/payments/export", params={"format": form})
    await ask("GET", "/payments/history")
    for path in (
        "/payments/seed",
        "/payments/history",
    ):  # there are payments, so nothing is recorded
        await ask("POST", path)


async def _webhooks(ask):
    path, ids = (
        "/webhooks/{provider}/{tenant_id}",
        {"provider": "standard", "tenant_id": "hooked_0"},
    )
    body = b'{"type": "order.shipped", "timestamp": "2026-05-01T10:00:00Z", "data": {}}'
    signed = {"content": body, "headers": standard_headers(body)}
    await ask("POST", path, ids=ids, **signed)
    await ask("POST", path, ids=ids, content=b"{}", headers=signed["headers"])
    await ask("POST", path, ids={**ids, "tenant_id": "nobody"}, **signed)
    asked = {"params": {"tenantId": "hooked_0"}}
    (kept,) = (await ask("GET", "/webhooks/dead-letters", **asked)).json()
    replay = "/webhooks/dead-letters/{letter_id}/replay"
    for letter in (kept["_id"], "0" * 24):
        await ask("POST", replay, ids={"letter_id": letter}, **asked)


async def _imports(ask):
    for _ in range(2):  # the second call resumes the import
        started = await ask("POST", "/api/imports", json={**OURS, **IMPORT})
    ids = {"import_id": started.json()["_id"]}
    rows = [{**PAID, **OURS, "createdAt": "2024-12-09T14:00:00.5Z", "row": ROW}]
    asked = {"source": "import", "importId": ids["import_id"]}
    await ask("POST", "/payments/batch", params=asked, json=rows)
    refunded = {"status": "refunded", "refundedAt": "2024-12-10T14:00:00.25Z"}
    changed = [{**rows[0], **refunded, "row": {**ROW, "content": "two"}}]
    answer = await ask("POST", "/payments/batch", params=asked, json=changed)
    assert answer.json()["updated"] == 1
    await ask("POST", "/api/imports/{import_id}/finish", ids=ids, json={"duplicate": 1})
    await ask("GET", "/api/imports/{import_id}", ids=ids)
    await ask("GET", "/api/imports", params=OURS)
    undone = await ask("POST", "/api/imports/{import_id}/undo", ids=ids)
    assert undone.json()["undoneAt"]
    await ask("GET", "/payments/changes", params={**OURS, "after": 0})


async def _analytics(ask):
    for path in ("metrics", "trends", "methods", "declines", "snapshot"):
        await ask("GET", f"/api/analytics/{path}")
        await ask("GET", f"/api/analytics/{path}", params={"tenantId": "nobody"})
    for by in ("country", "method", "issuerCountry"):
        await ask("GET", "/api/analytics/breakdown", params={"by": by, "period": "month"})
    await ask("GET", "/api/analytics/breakdown", params={"by": "country", "tenantId": "nobody"})
    await ask("GET", "/api/analytics/metrics", params={"period": "week", "compare": "true"})
    await ask("GET", "/api/analytics/snapshot", params={"period": "year", "rollups": "true"})
    counted = {"period": "week", "rollups": "true", "by": "country"}
    await ask("GET", "/api/analytics/snapshot", params=counted)


async def _rates(ask):
    day = {
        "date": "1999-01-04",
        "base": "EUR",
        "source": "ecb",
        "rates": {"USD": 1.1789, "JPY": 1e-12},
    }
    for flags in ({"check": "true"}, {}, {"replace": "true"}):
        await ask("POST", "/api/rates", params=flags, json=[day])
    await ask("POST", "/api/rates", json=[{**day, "rates": {"USD": 1.2}}])
    await ask("POST", "/api/rates", json=[{**day, "rates": {"USD": 0}}])
    days = {"from": "1999-01-04", "to": "1999-01-05"}
    await ask("POST", "/api/rates/recompute", params=days)
    await ask("POST", "/api/rates/recompute", params={**days, "tenantId": "nobody"})
    await ask(
        "GET", "/api/rates", params={"quote": "USD", "from": "1999-01-04", "to": "1999-01-05"}
    )


async def _verifications(ask):
    started = await ask("POST", "/api/verify")
    found = await ended(ask._http, started)
    assert found["report"]["differences"]
    ids = {"verification_id": started.json()["id"]}
    await ask("GET", "/api/verify/{verification_id}", ids=ids)
    await ask("POST", "/api/verify/{verification_id}/stop", ids=ids)
    for zone in ("Europe/Berlin", "Nowhere/At_All"):
        asked = {"timezone": zone}
        path = "/api/tenants/{tenant_id}/timezone"
        await ask("POST", path, ids={"tenant_id": "tenant_1"}, params=asked)


async def test_every_event_has_its_type(http, shared_server, record, tenant_id):
    (first,) = await record()
    auth = {"tenantId": tenant_id, "seq": 10**6}  # beyond the last change
    async with Listener(shared_server.url, auth=auth) as listener:
        await listener.event("reload")
        await listener.event("heartbeat")
        await record(status="failed", declineCode="expired_card")
        refunded = await http.post(f"/payments/{first}/refund", params={"tenantId": tenant_id})
        assert refunded.is_success
        await listener.event("payment_event", 2)
        heard = list(listener.heard)
    assert {event for event, _ in heard} == set(EVENTS)
    for event, said in heard:
        read = wire.read_document(EVENTS[Event(event)], said)
        assert json.loads(wire.encode(read)) == said
