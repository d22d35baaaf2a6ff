"""The commands that a single mongod gets. A workflow with a real one shows that it obeys."""

from __future__ import annotations

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from financeops.core.errors import Unavailable
from financeops.store.database.replica_set import make
from tests.database import fresh_name


@pytest.fixture
def uri(proxy):
    """A URI with a user that does not exist yet."""
    ((host, port),) = parse_uri(proxy.uri)["nodelist"]
    return f"mongodb://{fresh_name()}:secret@{host}:{port}/?directConnection=true&authSource=admin"


def told(proxy):
    return [each for each in proxy.seen if next(iter(each)).startswith("replSet")]


def port_of(uri):
    return parse_uri(uri)["nodelist"][0][1]


async def test_it_is_initiated_once_under_its_own_address_and_gets_its_user(proxy, uri):
    proxy.answer("replSetInitiate", times=1)
    await make(uri)
    (initiated,) = told(proxy)
    members = [{"_id": 0, "host": f"localhost:{port_of(uri)}"}]
    assert initiated["replSetInitiate"] == {"_id": "financeops", "members": members}
    proxy.answer("replSetGetConfig", config={"_id": "financeops", "version": 1, "members": members})
    await make(uri)
    assert len(told(proxy)) == 2, "the second time it was only read"
    async with AsyncMongoClient(uri.replace("secret", "wrong")) as client:
        with pytest.raises(OperationFailure, match="authentication"):
            await client.admin.command("ping")


async def test_the_next_start_creates_a_user_that_an_interrupted_one_did_not(proxy, uri):
    proxy.fail("replSetInitiate", code=23)
    await make(uri)
    proxy.answer("replSetGetConfig", config={"members": [{"host": f"localhost:{port_of(uri)}"}]})
    await make(uri)
    assert len(told(proxy)) == 2


async def test_at_another_port_it_is_given_its_new_address(proxy, uri):
    proxy.answer("replSetInitiate", times=1)
    await make(uri)
    member = {"_id": 0, "host": "localhost:1", "priority": 1}
    config = {"_id": "financeops", "version": 7, "members": [member], "protocolVersion": 1}
    proxy.answer("replSetGetConfig", config=config)
    proxy.answer("replSetReconfig")
    await make(uri)
    told_anew = told(proxy)[-1]
    assert told_anew["replSetReconfig"] == {
        **config,
        "version": 8,
        "members": [{**member, "host": f"localhost:{port_of(uri)}"}],
    }
    assert told_anew["force"] is True


async def test_waiting_for_one_that_accepts_no_writes_ends(proxy, uri, monkeypatch):
    monkeypatch.setattr("financeops.store.database.replica_set._SECONDS", 0.5)
    proxy.answer("replSetInitiate")
    proxy.answer("hello", isWritablePrimary=False, maxWireVersion=25, minWireVersion=0)
    with pytest.raises(Unavailable):
        await make(uri)
