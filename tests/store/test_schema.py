from __future__ import annotations

import asyncio

import pytest
from bson import ObjectId
from pymongo.errors import WriteError

from financeops.core.errors import Misconfigured
from financeops.store.database.connection import close, connect
from financeops.store.documents import payment_document
from financeops.store.schema import VERSION, prepare
from financeops.store.tenants import find_tenant
from tests.builders import payment, tenant
from tests.store.recorded import insert, record


@pytest.fixture
async def empty(database_uri):
    """A database that is not prepared."""
    database = await connect(database_uri)
    yield database
    await close(database)


async def described(db):
    """Everything that preparing creates."""
    found = {}
    for name in sorted(await db.list_collection_names()):
        options = await db[name].options()
        found[name] = (options.get("validator"), await db[name].index_information())
    return found


async def test_preparing_again_changes_nothing(empty):
    shops = [tenant("b", currency="EUR", timezone="Europe/Berlin"), tenant("a")]
    await prepare(empty, shops)
    first = await described(empty)
    await prepare(empty, shops)
    assert await described(empty) == first
    assert [await find_tenant(empty, shop.id) for shop in shops] == shops
    assert (await empty.schema.find_one({}))["version"] == VERSION


async def test_a_second_start_only_reads(empty, proxy):
    """`collMod` waits for every open transaction, and is not allowed by the role readWrite."""
    shops = [tenant("b", currency="EUR", timezone="Europe/Berlin"), tenant("a")]
    await prepare(empty, shops, usual=tenant())
    again = await connect(proxy.uri)
    await prepare(again, shops, usual=tenant())
    await close(again)
    asked = {name for name in proxy.names() if not name.startswith("endSessions")}
    assert asked - {"hello", "ismaster"} == {"find", "listCollections", "listIndexes"}


async def test_a_start_changes_only_what_differs(empty, proxy):
    await prepare(empty, [])
    first = await described(empty)
    await empty.command("collMod", "imports", validator={"$jsonSchema": {"required": ["file"]}})
    await empty.payments.drop_index([("tenantId", 1), ("createdAt", -1)])
    later = await connect(proxy.uri)
    await prepare(later, [])
    await close(later)
    changed = [each for each in proxy.seen if {"collMod", "createIndexes", "create"} & each.keys()]
    assert [each.get("collMod") or each["createIndexes"] for each in changed] == [
        *("imports", "payments")
    ]
    assert await described(empty) == first


@pytest.mark.parametrize("code", [13, 8000], ids=["mongod", "Atlas"])
@pytest.mark.parametrize(
    ("refused", "role"),
    [
        ("collMod", "dbAdmin"),
        ("createIndexes", "readWrite"),
        ("listCollections", "readWrite"),
        ("find", "readWrite"),
    ],
)
async def test_missing_rights_are_named_in_one_line(refused, role, code, empty, proxy):
    await prepare(empty, [])
    await empty.command("collMod", "imports", validator={"$jsonSchema": {"required": ["file"]}})
    await empty.payments.drop_index([("tenantId", 1), ("createdAt", -1)])
    later = await connect(proxy.uri)
    proxy.fail(refused, code=code)
    with pytest.raises(Misconfigured, match=f"FINANCEOPS_MONGODB_URI.* the role {role}") as said:
        await prepare(later, [])
    assert "\n" not in str(said.value)
    await close(later)


async def test_several_processes_prepare_at_once(empty, database_uri):
    clients = [await connect(database_uri) for _ in range(4)]
    await asyncio.gather(*(prepare(each, [tenant()]) for each in clients))
    for each in clients:
        await close(each)
    assert {name for name, (validator, _) in (await described(empty)).items() if validator} == {
        *("changes", "payments", "rollups", "tenants"),
        *("imports", "importRows", "importActs", "rates"),
        *("waitingActs", "deadLetters"),
    }
    assert await empty.tenants.count_documents({}) == 1
    await record(empty, insert())


async def test_payments_of_another_program_are_not_touched(empty):
    await empty.payments.insert_one({"sum": 12})
    with pytest.raises(Misconfigured, match="another program"):
        await prepare(empty, [])
    assert await empty.list_collection_names() == ["payments"]


async def test_data_of_a_later_version_is_refused(empty):
    await prepare(empty, [])
    await empty.schema.update_one({}, {"$set": {"version": VERSION + 1}})
    with pytest.raises(Misconfigured, match="newer"):
        await prepare(empty, [])


async def test_another_time_zone_than_the_stored_one_is_refused(empty):
    await prepare(empty, [tenant()])
    with pytest.raises(Misconfigured, match="set-timezone tenant_1 Asia/Tokyo"):
        await prepare(empty, [tenant(timezone="Asia/Tokyo")])
    assert (await find_tenant(empty, "tenant_1")).timezone == "UTC"


async def test_a_tenant_without_a_configured_zone_keeps_the_one_that_it_was_given(empty):
    await prepare(empty, [tenant(timezone="Asia/Tokyo")])
    await prepare(empty, [], usual=tenant())
    assert (await find_tenant(empty, "tenant_1")).timezone == "Asia/Tokyo"


async def test_the_reporting_currency_follows_the_configuration(empty):
    await prepare(empty, [tenant()])
    await record(empty, insert())
    await prepare(empty, [tenant(currency="EUR")])
    assert await find_tenant(empty, "tenant_1") == tenant(currency="EUR", seq=1)


@pytest.mark.parametrize(
    "bad",
    [
        {"amount": 12.5},
        {"amount": -1},
        {"currency": "dollars"},
        {"method": "Credit Card"},
        {"status": "pending"},
        {"createdAt": "2026-03-10"},
        {"tenantId": 7},
        {"source": None},
    ],
)
async def test_invalid_payments_of_another_program_are_refused(db, bad):
    good = payment_document(payment())
    await db.payments.insert_one(good)
    with pytest.raises(WriteError):
        await db.payments.insert_one({**good, "_id": ObjectId(), **bad})
    assert await db.payments.count_documents({}) == 1
