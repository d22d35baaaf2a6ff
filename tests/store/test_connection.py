from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from financeops.cli.running.addresses import free_port
from financeops.core.errors import Misconfigured, Unavailable
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.store.database.connection import close, connect, ping
from financeops.store.database.transactions import in_transaction
from financeops.store.reading.queries import list_payments
from financeops.store.reading.reader import Reader
from financeops.store.schema import prepare
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Result
from tests.builders import NOON, tenant
from tests.database import NAMED_URI, EmbeddedDatabase, with_database
from tests.processes import hang
from tests.store.recorded import check_ledger, insert, record, stored_payments

PATIENCE = 7
"""Seconds within which a caller must know that the database is down: 5, and a busy machine."""

# After a refused connection attempt the driver leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)

embedded_only = pytest.mark.skipif(NAMED_URI is not None, reason="kills or starts the database")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://localhost",
        "mongodb://",
        "mongodb://localhost:99999",
        "mongodb://u:p:w@localhost",
        "mongodb+srv://nowhere.invalid",
    ],
)
async def test_a_malformed_uri_names_the_setting(uri):
    with pytest.raises(Misconfigured, match="FINANCEOPS_MONGODB_URI"):
        await connect(uri, timeout=1)


async def test_a_port_without_a_server_is_unavailable():
    before = monotonic()
    with pytest.raises(Unavailable):
        await connect(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true", timeout=0.5)
    assert monotonic() - before < 3


async def test_the_database_is_the_path_of_the_uri(mongodb_uri):
    for name, expected in [("", "financeops"), ("other", "other")]:
        db = await connect(with_database(mongodb_uri, name))
        assert db.name == expected
        await ping(db)
        await close(db)


@pytest.fixture
def stand_alone_uri(tmp_path):
    """A database that is not a replica set."""
    port = free_port()
    program = Path(sys.executable).parent / "secantusd-py"
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--standalone"]
    process = subprocess.Popen(
        [*command, "--storage-path", tmp_path / "db"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    yield f"mongodb://127.0.0.1:{port}/?directConnection=true"
    process.terminate()
    process.wait()


@embedded_only
async def test_a_stand_alone_database_is_refused_with_what_it_lacks(stand_alone_uri):
    with pytest.raises(Misconfigured, match=r"--replSet rs0.*rs\.initiate"):
        await connect(stand_alone_uri, timeout=30)


@pytest.fixture
def own_database(tmp_path):
    """A database that a test may kill."""
    database = EmbeddedDatabase(tmp_path)
    database.start()
    yield database
    database.kill()


@pytest.fixture
async def own_db(own_database):
    db = await connect(with_database(own_database.uri, "financeops"))
    await prepare(db, [])
    yield db
    await close(db)
    gc.collect()


@embedded_only
async def test_callers_soon_know_that_the_database_is_down_and_up_again(own_database, own_db):
    reader = Reader(own_db)
    asked = Question(period=Period.DAY)
    await record(own_db, insert())
    await reader.answer("tenant_1", asked, as_of=NOON)
    own_database.kill()

    async def gives_up(work):
        before = monotonic()
        with pytest.raises(Unavailable):
            await work
        return monotonic() - before

    waited = await asyncio.gather(
        gives_up(commit(own_db, tenant(), [insert()], now=NOON)),
        gives_up(commit(own_db, tenant("new"), [insert(tenant_id="new")], now=NOON)),
        gives_up(reader.answer("tenant_1", asked, as_of=NOON)),
        gives_up(Reader(own_db).answer("tenant_1", asked, as_of=NOON)),
        gives_up(list_payments(own_db, "tenant_1", Selection(), limit=5)),
        gives_up(ping(own_db)),
        gives_up(verify(own_db, "tenant_1", as_of=NOON)),
    )
    assert max(waited) < PATIENCE

    own_database.start()
    await record(own_db, insert())
    assert (await reader.answer("tenant_1", asked, as_of=NOON)).rollup
    await check_ledger(own_db)


@embedded_only
async def test_a_database_killed_during_a_commit_keeps_what_it_acknowledged_and_no_halves(
    own_database, own_db
):
    one = tenant()
    acknowledged = set()
    committed = asyncio.Event()

    async def write():
        """Batches of 200 until the database is gone."""
        for batch in range(1000):
            references = [f"{batch}-{n}" for n in range(200)]
            before = monotonic()
            try:
                outcomes = await commit(
                    own_db, one, [insert(each) for each in references], now=NOON
                )
            except Unavailable:
                return references, monotonic() - before
            assert {outcome.result for outcome in outcomes} == {Result.CREATED}
            acknowledged.update(references)
            if batch == 2:
                committed.set()
        raise AssertionError("it was never killed")

    writer = asyncio.create_task(write())
    await committed.wait()
    own_database.kill()  # without waiting for the writer, which is in the middle of the next batch
    unknown, waited = await writer
    assert waited < PATIENCE

    own_database.start()
    stored = {payment.reference for payment in await stored_payments(own_db)}
    assert stored - acknowledged in (set(), set(unknown)), "wholly or not at all"
    assert stored >= acknowledged
    await check_ledger(own_db)
    again = await commit(own_db, one, [insert(each) for each in unknown], now=NOON)
    assert len({outcome.result for outcome in again}) == 1
    assert {payment.reference for payment in await stored_payments(own_db)} == {
        *acknowledged,
        *unknown,
    }
    await check_ledger(own_db)


@embedded_only
async def test_a_database_that_hung_keeps_no_tenant_locked_when_it_continues(own_database, own_db):
    await record(own_db, insert())

    async def lock_and_hang(session):
        mark = {"$set": {"marked": True}}
        await own_db.tenants.update_one({"_id": "tenant_1"}, mark, session=session)
        hang(own_database.process.pid)
        await own_db.tenants.update_one({"_id": "tenant_1"}, mark, session=session)

    try:
        with pytest.raises(Unavailable):
            await in_transaction(own_db, lock_and_hang, locks="tenant_1", seconds=1)
    finally:
        own_database.process.send_signal(signal.SIGCONT)
    # Otherwise the transaction would hold the tenant for a minute, longer than any try to commit.
    await record(own_db, insert())
    assert await own_db.tenants.find_one({"marked": True}) is None
    await check_ledger(own_db)
