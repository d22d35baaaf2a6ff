"""Sharded clusters, without one: which commands one gets, and that every query names its tenant."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from bson import Timestamp

from financeops.core.errors import Misconfigured
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.store.beginning import recorded
from financeops.store.changes import changes_after
from financeops.store.database.connection import close, connect
from financeops.store.database.sharding import SHARD_KEYS, shard
from financeops.store.dead_letters import forget_letter, list_letters
from financeops.store.reading.months import read_months
from financeops.store.reading.queries import find_payment, list_payments
from financeops.store.reading.reader import Reader
from financeops.store.schema import prepare
from financeops.store.verifying.verify import set_timezone, verify
from financeops.store.writing.imports import (
    acts_left,
    find_import,
    finish_import,
    forget_acts,
    list_imports,
    read_acts,
    start_import,
)
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import ImportRow, Result
from financeops.store.writing.rows import forget_rows
from financeops.store.writing.undo import begin_undo, finish_undo, operations_of
from tests.builders import NOON, draft, tenant
from tests.forks import Fork
from tests.processes import ROOT, environment
from tests.store.recorded import check_ledger, insert, record, refund, stored_payments
from tests.store.test_waiting_acts import refund_of

SHARDED = sorted(SHARD_KEYS)


@pytest.fixture
async def behind(proxy, db):
    """The prepared database behind the proxy, which notes only the commands from now on."""
    database = await connect(proxy.uri)
    proxy.seen.clear()
    yield database
    await close(database)


async def test_a_mongos_is_given_the_shard_key_of_each_collection(proxy, behind):
    proxy.answer("isdbgrid", isdbgrid=1)
    proxy.answer("shardCollection")
    await shard(behind)
    asked = [each for each in proxy.seen if "shardCollection" in each]
    assert {each["shardCollection"]: [*each["key"].items()] for each in asked} == {
        f"{behind.name}.{name}": [*key.items()] for name, key in SHARD_KEYS.items()
    }
    assert {each["$db"] for each in asked} == {"admin"}
    for name, key in SHARD_KEYS.items():
        # A collection with documents needs an index that begins with the key.
        indexes = (await behind[name].index_information()).values()
        assert [*key.items()] in [index["key"] for index in indexes]
    await prepare(behind, [])


def test_without_a_mongos_the_command_says_in_one_line_that_there_is_nothing_to_do(database_uri):
    settings = environment({"mongodb_uri": database_uri})
    ended = Fork("server.sharding", env=settings, cwd=ROOT).finish(timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith("financeops: FINANCEOPS_MONGODB_URI does not name a mongos: ")
    assert ended.stderr.count("\n") == 1


async def test_the_command_on_a_mongos_says_what_it_did(proxy):
    proxy.answer("isdbgrid", isdbgrid=1)
    proxy.answer("shardCollection")
    fork = Fork("server.sharding", env=environment({"mongodb_uri": proxy.uri}), cwd=ROOT)
    ended = await asyncio.to_thread(fork.finish, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith(f" is sharded: {', '.join(SHARD_KEYS)}\n")


@pytest.mark.parametrize(
    ("code", "words"), [(13, "the role clusterManager"), (23, "sharded by another key.*reshard")]
)
async def test_a_refusal_of_a_mongos_is_explained(code, words, proxy, behind):
    proxy.answer("isdbgrid", isdbgrid=1)
    proxy.fail("shardCollection", code=code)
    with pytest.raises(Misconfigured, match=words):
        await shard(behind)


@pytest.mark.parametrize(
    ("key", "well"),
    [
        ({"tenantId": 1, "_id": 1}, True),
        ({"tenantId": "hashed"}, True),
        ({"_id": "hashed"}, True),
        ({"tenantId": 1, "createdAt": 1}, False),
    ],
    ids=str,
)
async def test_a_cluster_that_allows_an_id_twice_is_refused(key, well, db):
    # As the cluster lists it, if the user may read that.
    divided = {"_id": f"{db.name}.payments", "key": key}
    await db.client.config.collections.insert_one(divided)
    if well:
        await prepare(db, [])
        return
    with pytest.raises(Misconfigured, match=r"by tenantId, createdAt,.*\{tenantId: 1, _id: 1\}"):
        await prepare(db, [])


async def test_a_user_who_may_not_read_the_shard_keys_can_start(proxy, behind):
    async def refuse(command):
        if command.get("find") == "collections":
            proxy.fail("find", code=13)

    proxy.before = refuse
    await prepare(behind, [tenant()])


async def test_a_key_that_is_sent_again_with_another_time_counts_once(db):
    first = insert("once", request_hash="first")
    later = insert("once", request_hash="later", created_at=NOON - timedelta(days=400))
    (payment,) = await record(db, first)
    (again,) = await commit(db, tenant(), [later], now=NOON)
    assert again.result is Result.REJECTED
    assert [each.id for each in await stored_payments(db)] == [payment.id]
    elsewhere = insert("twice", request_hash="same", created_at=NOON - timedelta(days=400))
    both = await commit(db, tenant(), [insert("twice", request_hash="same"), elsewhere], now=NOON)
    assert [each.result for each in both] == [Result.CREATED, Result.DUPLICATE]
    await check_ledger(db)


@pytest.fixture
def lagging(proxy, behind):
    """The shard of the change log shows only these documents, unless asked to wait for others."""
    shown = []

    async def lag(command):
        waits = "afterClusterTime" in command.get("readConcern", {})
        if command.get("find") == "changes" and not waits and "txnNumber" not in command:
            cursor = {"id": 0, "ns": f"{behind.name}.changes", "firstBatch": list(shown)}
            proxy.answer("find", times=1, cursor=cursor, operationTime=Timestamp(1, 1))

    proxy.before = lag
    return shown


@pytest.mark.parametrize("some", [False, True], ids=["none", "some"])
async def test_changes_of_a_shard_that_lags_behind_are_not_taken_for_expired(
    some, db, behind, lagging
):
    for _ in range(3):
        await record(db, insert())
    if some:
        lagging += await db.changes.find({"lastSeq": {"$ne": 2}}).to_list()
    changes = await changes_after(behind, "tenant_1", 0)
    assert [change.seq for change in changes] == [1, 2, 3]
    assert await changes_after(behind, "tenant_1", 3) == []
    await db.changes.delete_one({"lastSeq": 2})
    assert await changes_after(behind, "tenant_1", 0) is None


async def test_a_shard_that_lags_behind_does_not_make_a_reader_forget(proxy, db, behind, lagging):
    await record(db, insert())
    reader, asked = Reader(behind), Question(period=Period.DAY)
    before = await reader.answer("tenant_1", asked, as_of=NOON)
    await record(db, insert())
    proxy.seen.clear()
    after = await reader.answer("tenant_1", asked, as_of=NOON)
    assert after.rollup == before.rollup + before.rollup
    assert not any("startTransaction" in each for each in proxy.seen)


def row(import_id, number):
    """A row of a file without references."""
    key = ("content", f"{number}")
    said = f"row {number}"
    return ImportRow(draft=draft(), key=key, import_id=import_id, base=said, content=said)


async def test_every_statement_names_its_tenant_and_goes_to_the_shards_that_hold_it(proxy, behind):
    db = behind
    payment, other, keyed = await record(db, insert(), insert(), insert("once"))
    await record(db, refund(payment))
    await commit(db, tenant(), [insert("once"), refund(other)], now=NOON)
    begun, _ = await start_import(db, "tenant_1", file="f", size=1, options={}, now=NOON)
    rows = [row(begun.id, number) for number in range(3)]
    await commit(db, tenant(), rows, now=NOON)
    await commit(db, tenant(), rows, now=NOON)
    await finish_import(db, begun.id, duplicate=3, conflict=0, rejected=0, now=NOON)
    found = await find_import(db, begun.id, "tenant_1")
    await begin_undo(db, found)
    for each in await acts_left(db, found):
        acts = await read_acts(db, found, each)
        await commit(db, tenant(), operations_of(acts), now=NOON)
        await forget_rows(db, "tenant_1", found.id, acts.rows)
        await forget_acts(db, found, acts)
    await finish_undo(db, found, now=NOON)
    assert await list_imports(db, "tenant_1")
    asked = Question(period=Period.DAY)
    await Reader(db).answer("tenant_1", asked, as_of=NOON, payments=5)
    one = Question(period=Period.DAY, facets=(("country", "DE"),))
    await Reader(db).answer("tenant_1", one, as_of=NOON, payments=5)
    await find_payment(db, "tenant_1", keyed.id)
    await list_payments(db, "tenant_1", Selection(method="card"), limit=2)
    await read_months(db, "tenant_1")
    assert await changes_after(db, "tenant_1", 0)
    assert await recorded(db, "tenant_1", [keyed.id]) == {keyed.id}
    await verify(db, "tenant_1", as_of=NOON, repair=True)
    refund_of_early = refund_of(tenant(), "early", "99")
    await commit(db, tenant(), [refund_of_early], now=NOON)
    await commit(db, tenant(), [refund_of_early, insert("early")], now=NOON)
    (letter,) = await list_letters(db, "tenant_1", limit=5)
    await list_letters(db, "tenant_1", limit=5, before=letter.id)
    await forget_letter(db, "tenant_1", letter.id)
    await set_timezone(db, "tenant_1", "Asia/Tokyo")
    await check_ledger(db)

    heard = {}
    for command in proxy.seen:
        for collection, statement in statements(command):
            heard.setdefault(collection, []).append(statement)
    assert sorted(heard.keys() & set(SHARDED)) == SHARDED
    for collection in SHARDED:
        field = next(iter(SHARD_KEYS[collection]))
        untold = [each for each in heard[collection] if each.get(field) != "tenant_1"]
        assert not untold, collection


def statements(command):
    """The collection of a command, with each document that selects or holds its data."""
    name, collection = next(iter(command.items()))
    match name:
        case "find":
            found = [command.get("filter", {})]
        case "aggregate":
            found = [command["pipeline"][0]["$match"]]
        case "update":
            found = [each["q"] for each in command["updates"]]
        case "delete":
            found = [each["q"] for each in command["deletes"]]
        case "insert":
            found = command["documents"]
        case _:
            found = []
    return [(collection, each) for each in found]
