"""A database that an earlier version wrote shows the same figures, and goes on."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from bson import json_util
from pymongo import MongoClient

from tests import plain
from tests.questions import differences
from tests.verification import verified

VERSIONS = [2, 3]
"""Versions of the data model, of each of which there is a file: what its server stored of a shop, and how
it answered.

The shop has payments in two currencies, failed ones, some refunded by request. Version 2 has refunds by an
import, too; version 3 refunds of parts, dimensions, stages of failures, and another shop.
"""
SHOP = {"tenantId": "shop"}


@pytest.fixture
def version(request):
    """Version 2, unless the test names others."""
    return getattr(request, "param", 2)


@pytest.fixture
def written(version):
    """A file by the first name of each line: ``import``, ``path`` and ``collection``."""
    lines = defaultdict(list)
    for text in Path(__file__).with_name(f"version_{version}.ndjson").read_text().splitlines():
        line = json_util.loads(text) if '"collection"' in text else json.loads(text)
        lines[next(iter(line))].append(line)
    return lines


@pytest.fixture
async def old(written, database_uri, start):
    """A client of a server that was started on the earlier version's database."""
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        for line in written["collection"]:
            database[line["collection"]].insert_one(line["document"])
    zones = json.dumps({"shop": {"timezone": "Europe/Berlin", "currency": "EUR"}})
    server = start(database_uri, tenants=zones)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("version", VERSIONS, indirect=True)
async def test_figures_of_an_earlier_version_are_unchanged(old, written):
    for line in written["path"]:
        answer = (await old.get(line["path"])).json()
        assert differences(line["answer"], answer, line["path"]) == []
    report = await verified(old, "shop")
    assert (report["differing"], report["shown"]) == (0, [])


@pytest.mark.parametrize("version", VERSIONS, indirect=True)
async def test_figures_that_an_earlier_version_did_not_have_are_right(old):
    exported = await old.get("/payments/export", params={**SHOP, "format": "ndjson"})
    rows = [
        plain.row_of(json.loads(line, parse_float=Decimal)) for line in exported.text.splitlines()
    ]

    async def answer(path, **query):
        found = await old.get(f"/api/analytics/{path}", params={**SHOP, **query})
        assert found.is_success, found.text
        return json.loads(found.text, parse_float=Decimal)

    for currency in ("EUR", "JPY"):
        inside = [row for row in rows if row.currency == currency]
        figures = plain.metrics(inside, currency, ZoneInfo("Europe/Berlin"))
        assert differences(figures, await answer("metrics", currency=currency), currency) == []
        for by in plain.DIMENSIONS:
            expected = plain.breakdown(inside, currency, by)
            assert await answer("breakdown", currency=currency, by=by) == expected
    waiting = sum(row.currency == "JPY" for row in rows)
    together = (await answer("metrics", currency="reporting"))["unconverted"]
    assert together == {"count": waiting, "currencies": ["JPY"]}


async def test_payments_of_an_earlier_version_live_on(old, written):
    """Parts of them are refunded, refunds of an old import are taken back: figures stay exact."""

    async def figures():
        answer = await old.get("/api/analytics/metrics", params=SHOP)
        found = json.loads(answer.text, parse_float=Decimal)
        names = ("refundedVolume", "refundedPayments", "partiallyRefundedPayments")
        return [found[name] for name in names]

    payments = (await old.get("/payments", params={**SHOP, "limit": 1000})).json()
    refunded = [each for each in payments if each["status"] == "refunded"]
    assert all(each["refundedAmount"] == each["amount"] for each in refunded)
    of_euros = [each for each in refunded if each["currency"] == "EUR"]
    volume = sum(each["amount"] for each in of_euros)
    assert await figures() == [volume, len(of_euros), 0]

    (paid,) = [each for each in payments if each["reference"] == "r6"]
    path = f"/payments/{paid['_id']}/refund"
    assert (await old.post(path, params=SHOP, json={"amount": 1})).status_code == 200
    assert await figures() == [volume + 1, len(of_euros) + 1, 1]
    assert (await old.post(path, params=SHOP)).json()["refundedAmount"] == paid["amount"]
    assert await figures() == [volume + paid["amount"], len(of_euros) + 1, 0]

    moved = {"r1", "r3"}
    back = [each["amount"] for each in of_euros if each["reference"] in moved]
    (first,) = written["import"]
    undone = await old.post(f"/api/imports/{first['import']}/undo")
    assert undone.status_code == 200, undone.text
    left = volume + paid["amount"] - sum(back)
    assert await figures() == [left, len(of_euros) + 1 - len(back), 0]
    report = await verified(old, "shop")
    assert (report["differing"], report["shown"]) == (0, [])
