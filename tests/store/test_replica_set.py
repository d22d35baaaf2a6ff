"""What a mongod that runs alone is told. That it does it, the workflow shows, where there is one."""

from __future__ import annotations

import pytest
from pymongo.uri_parser import parse_uri

from financeops.core.errors import Unavailable
from financeops.store.replica_set import make


@pytest.fixture
def address(proxy):
    ((host, port),) = parse_uri(proxy.uri)["nodelist"]
    return host, port


def told(proxy):
    return [each for each in proxy.seen if next(iter(each)).startswith("replSet")]


async def test_it_is_initiated_once_under_its_own_address(proxy, address):
    host, port = address
    proxy.fail("replSetGetConfig", code=94)
    proxy.answer("replSetInitiate", times=1)
    await make(host, port)
    _, initiated = told(proxy)
    members = [{"_id": 0, "host": f"localhost:{port}"}]
    assert initiated["replSetInitiate"] == {"_id": "financeops", "members": members}
    proxy.answer("replSetGetConfig", config={"_id": "financeops", "version": 1, "members": members})
    await make(host, port)
    assert len(told(proxy)) == 3, "the second time it was only looked at"


async def test_at_another_port_it_is_told_where_it_listens_now(proxy, address):
    host, port = address
    member = {"_id": 0, "host": "localhost:1", "priority": 1}
    config = {"_id": "financeops", "version": 7, "members": [member], "protocolVersion": 1}
    proxy.answer("replSetGetConfig", config=config)
    proxy.answer("replSetReconfig")
    await make(host, port)
    _, told_anew = told(proxy)
    assert told_anew["replSetReconfig"] == {
        **config,
        "version": 8,
        "members": [{**member, "host": f"localhost:{port}"}],
    }
    assert told_anew["force"] is True


async def test_one_that_takes_no_writes_is_not_waited_for_without_end(proxy, address, monkeypatch):
    monkeypatch.setattr("financeops.store.replica_set._SECONDS", 0.5)
    proxy.fail("replSetGetConfig", code=94)
    proxy.answer("replSetInitiate")
    proxy.answer("hello", isWritablePrimary=False, maxWireVersion=25, minWireVersion=0)
    with pytest.raises(Unavailable):
        await make(*address)
