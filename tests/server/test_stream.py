"""The stream as clients get it: complete, in order, each event once, only their own tenant's."""

import asyncio
import json

import httpx
import pytest
from pymongo import MongoClient
from socketio.exceptions import ConnectionError as NotConnected

from financeops.core.wire import instant_of
from tests.server.listener import PATH, Listener, seqs


@pytest.fixture
def listen(shared_server, tenant_id):
    def listener(url=shared_server.url, *, seq=None, tenant=tenant_id, **options):
        auth = {"tenantId": tenant, **({} if seq is None else {"seq": seq})}
        return Listener(url, auth=auth, **options)

    return listener


@pytest.mark.parametrize("transports", [["websocket"], ["polling", "websocket"]])
async def test_an_event_follows_its_commit(http, tenant_id, record, listen, transports):
    await record(amount=1)
    async with listen(transports=transports) as listener:
        hello = await listener.event("connected")
        assert listener.heard[0][0] == "connected"
        assert hello["message"]
        assert (hello["tenantId"], hello["seq"]) == (tenant_id, 1)
        assert instant_of(hello["serverTime"])
        assert hello["heartbeatSeconds"] > 0
        (payment_id,) = await record(amount=18.5)
        await record(status="failed", declineCode="do_not_honor")
        await http.post(f"/payments/{payment_id}/refund?tenantId={tenant_id}")
        await listener.event("payment_event", 3)
        events = listener.all("payment_event")
        assert [event["type"] for event in events] == [
            "payment_received",
            "payment_failed",
            "payment_refunded",
        ]
        assert [event["previousStatus"] for event in events] == [None, None, "success"]
        assert seqs(listener) == [2, 3, 4]
        read = (await http.get(f"/payments/{payment_id}?tenantId={tenant_id}")).json()
        assert events[2]["payment"] == read
        assert instant_of(events[2]["timestamp"])


async def test_the_default_tenant_is_tenant_1(http, shared_server):
    async with Listener(shared_server.url) as listener:
        assert (await listener.event("connected"))["tenantId"] == "tenant_1"
        order = {"amount": 1, "method": "card", "status": "success"}
        payment = (await http.post("/payments", json=order)).json()
        await listener.until(
            lambda: payment in [each["payment"] for each in listener.all("payment_event")]
        )


async def test_the_tenant_may_be_named_in_the_query(shared_server, tenant_id, record):
    await record({"amount": 1}, {"amount": 2})
    async with Listener(shared_server.url, query=f"tenantId={tenant_id}&seq=1") as listener:
        assert (await listener.event("connected"))["tenantId"] == tenant_id
        assert (await listener.event("payment_event"))["seq"] == 2


async def test_a_tenant_gets_no_events_of_another(http, tenant_id, record, listen):
    await record(amount=1)
    other = f"{tenant_id}_b"
    order = {"tenantId": other, "amount": 1, "method": "card", "status": "success"}
    await http.post("/payments", json=order)
    async with listen() as mine, listen(tenant=other) as theirs:
        await mine.event("connected")
        await theirs.event("connected")
        for _ in range(5):
            await http.post("/payments", json=order)
        await theirs.event("payment_event", 5)
        await record(amount=2)
        await mine.event("payment_event")
        assert [event["payment"]["tenantId"] for event in mine.all("payment_event")] == [tenant_id]
        tenants = {event["payment"]["tenantId"] for event in theirs.all("payment_event")}
        assert tenants == {other}


async def test_many_listeners_get_every_event_once_and_in_order(http, tenant_id, record, listen):
    await record(amount=1)
    listeners = [
        listen(transports=["websocket"] if n % 2 else ["polling", "websocket"]) for n in range(12)
    ]
    async with asyncio.TaskGroup() as connecting:
        for listener in listeners:
            connecting.create_task(listener.__aenter__())
    for listener in listeners:
        await listener.event("connected")
    order = {"tenantId": tenant_id, "amount": 1, "method": "card", "status": "success"}
    await asyncio.gather(*(http.post("/payments", json=order) for _ in range(150)))
    await record(*({"amount": n} for n in range(150)))
    for listener in listeners:
        await listener.until(lambda each=listener: len(each.all("payment_event")) >= 300)
        assert seqs(listener) == list(range(2, 302))
        await listener.client.disconnect()


async def test_a_client_that_reconnects_gets_what_it_missed(record, listen):
    await record(*({"amount": n} for n in range(1, 31)))
    async with listen(seq=10) as listener:
        assert (await listener.event("connected"))["seq"] == 10
        await listener.event("payment_event", 20)
        await record(amount=31)
        await listener.event("payment_event", 21)
        assert seqs(listener) == list(range(11, 32))
        assert listener.all("reload") == []


async def test_a_client_that_missed_nothing_gets_nothing(record, listen):
    await record({"amount": 1}, {"amount": 2})
    async with listen(seq=2) as listener:
        assert (await listener.event("connected"))["seq"] == 2
        await listener.event("heartbeat")
        assert seqs(listener) == []


async def test_live_events_do_not_overtake_missed_ones(http, tenant_id, record, listen):
    """Clients reconnect while payments arrive: at any moment, none misses or repeats an event."""
    await record(*({"amount": n} for n in range(40)))
    order = {"tenantId": tenant_id, "amount": 1, "method": "card", "status": "success"}
    stop = asyncio.Event()

    async def keep_paying():
        while not stop.is_set():
            assert (await http.post("/payments", json=order)).status_code == 201

    paying = [asyncio.create_task(keep_paying()) for _ in range(3)]
    try:
        for attempt in range(12):
            newest = (await http.get(f"/api/analytics/metrics?tenantId={tenant_id}")).json()["seq"]
            since = newest - 30 + attempt
            async with listen(seq=since) as listener:
                await listener.event("payment_event", 60)
                heard = seqs(listener)
                assert heard == list(range(since + 1, since + 1 + len(heard)))
    finally:
        stop.set()
        await asyncio.gather(*paying)


async def test_a_client_that_missed_too_much_reloads(record, listen):
    await record(*({"amount": n} for n in range(60)))  # the shared server allows 50
    async with listen(seq=3) as listener:
        assert (await listener.event("connected"))["seq"] == 60
        assert await listener.event("reload") == {"seq": 60}
        await record(amount=1)
        await listener.event("payment_event")
        assert seqs(listener) == [61]


async def test_a_client_that_is_ahead_reloads(record, listen):
    await record(amount=1)
    async with listen(seq=1000) as listener:
        assert await listener.event("reload") == {"seq": 1}
        await record(amount=1)
        assert (await listener.event("payment_event"))["seq"] == 2


async def test_a_client_that_needs_deleted_changes_reloads(
    shared_server, tenant_id, record, listen
):
    for amount in range(3):
        await record(amount=amount)
    with MongoClient(shared_server.settings["mongodb_uri"]) as client:
        changes = client.get_default_database().changes
        changes.delete_one({"tenantId": tenant_id, "firstSeq": 1})
    async with listen(seq=0) as listener:
        assert await listener.event("reload") == {"seq": 3}
    async with listen(seq=1) as listener:
        await listener.event("payment_event", 2)
        assert seqs(listener) == [2, 3]


async def test_heartbeats_have_the_last_seq(record, listen):
    await record(amount=1)
    async with listen() as listener:
        beat = await listener.event("heartbeat")
        assert beat.keys() == {"seq", "serverTime"}
        assert beat["seq"] == 1
        await record(amount=2)
        await listener.event("payment_event")
        count = len(listener.all("heartbeat"))
        assert (await listener.event("heartbeat", count + 1))["seq"] == 2


async def test_polling_alone_works_too(http, tenant_id, record):
    """Without a client: the Python client takes at most 16 events per answer, and ends slowly."""
    await record({"amount": 1}, {"amount": 2}, {"amount": 3})
    url = "/ws/payments/?EIO=4&transport=polling"
    opened = (await http.get(url)).text
    url += f"&sid={json.loads(opened[1:])['sid']}"
    hello = json.dumps({"tenantId": tenant_id, "seq": 1})
    await http.post(url, content=f"40{hello}")
    heard = []
    fourth = False
    async with asyncio.timeout(15):
        while len(heard) < 4:
            if len(heard) == 3 and not fourth:  # a poll may return only a heartbeat
                await record(amount=4)
                fourth = True
            packets = (await http.get(url)).text.split("\x1e")
            messages = [json.loads(packet[2:]) for packet in packets if packet.startswith("42")]
            heard += [each for each in messages if each[0] != "heartbeat"]
    assert [name for name, _ in heard] == ["connected", *["payment_event"] * 3]
    assert [data["seq"] for _, data in heard] == [1, 2, 3, 4]
    await http.post(url, content="1")


@pytest.mark.parametrize(
    ("auth", "status", "field"),
    [
        ({"tenantId": "nobody"}, 404, None),
        ({"tenantId": {"$ne": "x"}}, 422, "tenantId"),
        ({"tenantId": "a b"}, 422, "tenantId"),
        ({"tenantId": ""}, 422, "tenantId"),
        ({"tenantId": None}, 422, "tenantId"),
        ({"seq": -1}, 422, "seq"),
        ({"seq": "x"}, 422, "seq"),
        ({"seq": 1.5}, 422, "seq"),
        ({"seq": True}, 422, "seq"),
        ({"seq": 10**30}, 422, "seq"),
        ("tenant_1", 422, "auth"),
    ],
)
async def test_a_refused_client_is_told_why(shared_server, auth, status, field):
    listener = Listener(shared_server.url, auth=auth)
    told = []
    listener.client.on("connect_error", told.append)
    with pytest.raises(NotConnected):
        await listener.client.connect(
            shared_server.url, socketio_path=PATH, auth=auth, transports=["websocket"]
        )
    (refusal,) = told
    assert refusal["message"]
    assert refusal["data"]["status"] == status
    assert refusal["data"].get("field") == field


@pytest.mark.parametrize(
    ("query", "auth"),
    [
        ("tenantId=a&tenantId=b", None),
        ("tenantId=tenant_1", {"tenantId": "another"}),
        ("tenantId=tenant_1&tenantId=another", {"tenantId": "tenant_1"}),
    ],
)
async def test_a_client_that_names_two_tenants_is_refused(shared_server, query, auth):
    listener = Listener(shared_server.url, query=query, auth=auth)
    told = []
    listener.client.on("connect_error", told.append)
    with pytest.raises(NotConnected):
        await listener.__aenter__()
    assert told[0]["data"]["field"] == "tenantId"


async def test_commits_of_another_server_are_published(start, database_uri):
    first, second = (start(database_uri) for _ in range(2))
    order = {"amount": 1, "method": "card", "status": "success"}
    async with (
        Listener(first.url) as here,
        Listener(second.url) as there,
        httpx.AsyncClient(timeout=30) as http,
    ):
        await here.event("connected")
        await there.event("connected")
        await asyncio.gather(
            *(http.post(f"{server.url}/payments", json=order) for server in [first, second] * 40)
        )
        for listener in (here, there):
            await listener.event("payment_event", 80)
            assert seqs(listener) == list(range(1, 81))


async def test_events_are_written_in_bulk(http, record, listen):
    """Under uvicorn, fan-out uses its fast path."""
    await record(amount=1)
    async with listen() as listener:
        await listener.event("connected")
        before = await raw_writes(http)
        await record(*({"amount": n} for n in range(500)))
        await listener.event("payment_event", 500)
        assert 0 < await raw_writes(http) - before < 100


async def raw_writes(http):
    text = (await http.get("/metrics")).text
    name = "financeops_stream_raw_writes_total"
    return float(next(x for x in text.splitlines() if x.startswith(name)).split()[1])
