"""Notes of sessions that write, by which only the transactions of killed processes are ended."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from bson import Binary

from financeops.store.database.connection import close, connect
from financeops.store.database.expiry import delete_expired
from financeops.store.database.processes import place, this_process
from financeops.store.database.sessions import KEPT, end_left_sessions
from financeops.store.schema import prepare
from tests.store.recorded import insert, record

DAY = timedelta(days=1)


@pytest.fixture
def dead():
    """A process that has ended, as it was noted."""
    program = "from financeops.store.database.processes import this_process; print(this_process())"
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    return eval(said)


async def test_a_session_that_is_used_has_a_note_however_long_its_process_lives(db, monkeypatch):
    await record(db, insert())
    (note,) = await db.sessions.find({}).to_list()
    assert this_process().items() <= note.items()
    long_ago = datetime.now(UTC) - KEPT - DAY
    await db.sessions.update_one({}, {"$set": {"at": long_ago}})
    monkeypatch.setattr(
        "financeops.store.database.sessions.RENEWED", timedelta(0)
    )  # hours have passed
    await record(db, insert())
    await delete_expired(db, now=datetime.now(UTC), changes_ttl=10_000 * DAY)
    (renewed,) = await db.sessions.find({}).to_list()
    assert renewed["_id"] == note["_id"]
    assert renewed["at"] > long_ago + DAY


async def test_only_sessions_of_dead_processes_of_this_place_are_ended(proxy, db, dead):
    living = this_process()
    notes = {
        "dead": dead,
        "another with its number": {**living, "started": living["started"] + 1000},
        "living": living,
        "in another container": {**dead, "place": place() + "0"},
        "noted by an earlier version": {"host": os.uname().nodename, **dead, "place": None},
    }
    ids = {name: Binary(os.urandom(16), 4) for name in notes}
    await db.sessions.insert_many({"_id": ids[name], **note} for name, note in notes.items())
    behind = await connect(proxy.uri)
    await end_left_sessions(behind)
    await close(behind)
    killed = [each["killSessions"][0]["id"] for each in proxy.seen if "killSessions" in each]
    assert sorted(killed) == sorted([ids["dead"], ids["another with its number"]])
    left = {each["_id"] for each in await db.sessions.find({}).to_list()}
    assert left == set(ids.values()) - set(killed)


@pytest.mark.skipif(sys.platform != "linux", reason="containers are Linux's")
def test_a_container_is_another_place_even_if_its_host_has_the_same_name():
    program = "from financeops.store.database.processes import place; print(place())"
    python = [sys.executable, "-c", program]
    here = subprocess.run(python, check=True, capture_output=True, text=True).stdout
    assert here == f"{place()}\n"
    for options in ("-pf", "-Urpf"):  # as root, or where anybody may
        unshared = subprocess.run(
            ["unshare", options, *python], check=False, capture_output=True, text=True
        )
        if unshared.returncode == 0:
            break
    else:
        pytest.skip("this machine lets nobody make a namespace of process numbers")
    assert len({here, unshared.stdout}) == 2
    assert unshared.stdout.partition("/")[0] == here.partition("/")[0]


async def test_abandoned_transactions_are_ended_before_anything_waits_for_them(proxy, db, dead):
    await db.sessions.insert_one({"_id": Binary(os.urandom(16), 4), **dead})
    behind = await connect(proxy.uri)
    await prepare(behind, [])
    await close(behind)
    names = proxy.names()
    assert names.index("killSessions") < names.index("listCollections")
