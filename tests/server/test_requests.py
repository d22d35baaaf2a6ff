"""Ambiguous or hidden parts of a request are refused, with a message that says what is right."""

import asyncio
import json
import re
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest

from tests.server.problem import problem
from tests.verification import ended

ORDER = {"amount": 10, "method": "card", "status": "success"}


def order(tenant_id, **fields):
    return {"tenantId": tenant_id, **ORDER, **fields}


def text(payment, more):
    """The payment's JSON with more text in it, unchanged."""
    return f"{json.dumps(payment)[:-1]}, {more}}}"


async def recorded(http, tenant_id):
    answer = await http.get("/payments", params={"tenantId": tenant_id})
    return [] if answer.status_code == 404 else answer.json()


TWICE = [
    ('"amount": 19.50', "amount"),
    ('"am\\u006funt": 19.50', "amount"),
    ('"amount": {"more": [1, 2]}', "amount"),
    ('"createdAt": null, "createdAt": "2026-05-01T10:00:00Z"', "createdAt"),
    ('"status": "failed"', "status"),
    ('"currency": "USD", "currency": "EUR"', "currency"),
    ('"reference": "a", "reference": "a"', "reference"),
    ('"tenant\\u0049d": "another"', "tenantId"),
    ('"customerId": null, "customerId": null', "customerId"),
]


@pytest.mark.parametrize(("more", "field"), TWICE)
async def test_a_name_that_occurs_twice_is_refused(http, tenant_id, more, field):
    body = text(order(tenant_id), more)
    problem(await http.post("/payments", content=body), 422, field=field)
    batch = await http.post("/payments/batch", content=f"[{body}, {json.dumps(order(tenant_id))}]")
    first, second = batch.json()["items"]
    assert (first["outcome"], second["outcome"]) == ("rejected", "created")
    assert first["problem"]["field"] == field
    assert len(await recorded(http, tenant_id)) == 1


@pytest.mark.parametrize("path", ["/payments", "/payments/batch", "/payments/batch?source=import"])
async def test_a_nested_amount_is_refused(http, tenant_id, path):
    """At any depth: the first decoder skips it, but the search for repeated names does not."""
    for depth in (1, 700, 900, *range(930, 1000, 5), 5000):
        body = json.dumps(order(tenant_id)).replace("10", "[" * depth + '"a", "b"' + "]" * depth, 1)
        if path == "/payments":
            assert (await http.post(path, content=body)).status_code == 422
        else:
            answer = await http.post(path, content=f"[{body}]")
            said = answer.json()
            assert answer.status_code == 422 or said["rejected"] == 1, said


async def test_texts_that_contain_names_and_quotes_are_accepted(http, tenant_id):
    names = ['"amount": 1, "amount": 2', '":{}', "amount", "\\", "é€😀"]
    for reference in names:
        answer = await http.post("/payments", json=order(tenant_id, reference=reference))
        assert answer.status_code == 201, answer.text
        assert answer.json()["reference"] == reference


CONTROLS = [
    "a\u200bb",
    "a\u202eb",
    "a\u2028b",
    "a\x00b",
    "a\nb",
    "\tx",
    "x\r",
    "a\x1fb",
    "a\x7fb",
    "a\x85b",
    "a\x9fb",
]


@pytest.mark.parametrize("field", ["reference", "customerId"])
@pytest.mark.parametrize("value", [*CONTROLS, " k1", "k1 ", "\u00a0k1", "k1\u2003", " "])
async def test_control_characters_and_spaces_at_the_ends_are_refused(http, tenant_id, field, value):
    body = order(tenant_id, **{field: value})
    problem(await http.post("/payments", json=body), 422, field=field)
    item = (await http.post("/payments/batch", json=[body])).json()["items"][0]
    assert item["problem"]["field"] == field
    assert await recorded(http, tenant_id) == []


async def test_spaces_inside_a_text_are_kept(http, tenant_id):
    answer = await http.post("/payments", json=order(tenant_id, reference="a b\u00a0c\u200d"))
    assert answer.json()["reference"] == "a b\u00a0c\u200d"


async def test_spaces_around_a_header_value_are_ignored(shared_server, http, tenant_id):
    """RFC 9110, 5.5; sent over a socket, because clients strip them."""
    keys = (b" z1", b"z1", b" z1 ", b" z1\t", b"\t \tz1\t \t", b" z 1", b"z 1 ")
    body = json.dumps(order(tenant_id)).encode()
    answers = [await send(shared_server.url, key, body) for key in keys]
    assert [status for status, _ in answers] == [201, 200, 200, 200, 200, 201, 200]
    assert len({said["_id"] for _, said in answers}) == 2
    assert len(await recorded(http, tenant_id)) == 2


@pytest.mark.parametrize("key", [b"a\x00b", b"a\x01b", b"a\x7fb", b"a\x85b"])
async def test_a_key_with_a_control_character_is_refused(shared_server, http, tenant_id, key):
    body = json.dumps(order(tenant_id)).encode()
    status, said = await send(shared_server.url, key, body)
    # The web server itself refuses most of them as invalid HTTP.
    assert (status, said.get("field")) in {(422, "Idempotency-Key"), (400, None)}
    assert await recorded(http, tenant_id) == []


async def send(url, key, body):
    """POST a payment with the key's bytes unchanged; return status and answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST /payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nConnection: close\r\nIdempotency-Key:%s\r\n\r\n%s"
        % (len(body), key, body)
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, said = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(said) if said.startswith(b"{") else {}


async def test_null_is_not_a_tenant(http, tenant_id):
    problem(await http.post("/payments", json=order(None)), 422, field="tenantId")
    batch = (await http.post("/payments/batch", json=[order(None), order(tenant_id)])).json()
    assert [item["outcome"] for item in batch["items"]] == ["rejected", "created"]
    assert batch["items"][0]["problem"]["field"] == "tenantId"
    for route in ("/payments", "/api/analytics/metrics", "/payments/export"):
        problem(await http.get(f"{route}?tenantId="), 422, field="tenantId")
    problem(await http.post("/api/verify?tenantId="), 422, field="tenantId")


@pytest.mark.parametrize("path", ["/payments", "/payments/batch"])
@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('Application/JSON; charset="UTF-8"', True),
        ("application/vnd.api+json", True),
        (None, True),
        ("text/plain", False),
        ("text/plain; charset=utf-8", False),
        ("application/xml", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/octet-stream", False),
        ("application/json; charset=utf-16", False),
        ("application/json; charset=utf-8; charset=latin1", False),
        ("application/json; charset*=a; charset*0=b", False),
        (f"application/json; charset*{5000 * '0'}=x", False),
        (f'application/json; x="{10_000 * ";"}"', False),
        ("image/svg+xml", False),
        ("json", False),
        ("", False),
    ],
)
async def test_a_body_must_be_json(http, tenant_id, path, kind, taken):
    body = json.dumps(order(tenant_id) if path == "/payments" else [order(tenant_id)])
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await http.post(path, content=body, headers=headers)
    if taken:
        assert answer.is_success, answer.text
    else:
        assert "application/json" in problem(answer, 415)["detail"]
    assert len(await recorded(http, tenant_id)) == taken


@pytest.mark.parametrize(
    "kind", ["application/x-ndjson", "application/ndjson", "application/jsonl; charset=utf-8"]
)
async def test_ndjson_is_for_batches(http, tenant_id, kind):
    headers = {"Content-Type": kind}
    line = json.dumps(order(tenant_id))
    batch = await http.post("/payments/batch", content=f"{line}\n{line}", headers=headers)
    assert batch.json()["created"] == 2
    problem(await http.post("/payments", content=line, headers=headers), 415)


ANY_ID = "0" * 24


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "/payments", b" ", "body: is empty: it must be JSON"),
        ("POST", "/payments", b'{"amount": 1, ', "body: ends too early"),
        (
            "POST",
            "/payments",
            b'{"reference": "a\\ud800b"}',
            "body: ends too early, or holds half of",
        ),
        ("POST", "/payments/batch?source=seed", b"[]", "source: must be 'api' or 'import'"),
        ("POST", "/payments/batch?importId=x", b"[]", "importId: must be an id: 24 hexadecimal"),
        ("GET", "/api/imports/zz", None, "import_id: must be an id: 24 hexadecimal digits"),
        ("POST", "/api/imports", b'{"file": ""}', "file: must have at least 1 character"),
        (
            "POST",
            f"/api/imports/{ANY_ID}/finish",
            b'{"duplicate": -1}',
            "duplicate: must be at least 0",
        ),
        (
            "POST",
            f"/api/imports/{ANY_ID}/finish",
            b'{"rejected": 1.5}',
            "rejected: must be a whole number",
        ),
        (
            "POST",
            f"/api/imports/{ANY_ID}/finish",
            b'{"conflict": 1e300}',
            "conflict: must be at most 9,007",
        ),
    ],
)
async def test_errors_are_worded_by_the_server(http, method, path, body, says):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    answer = await http.request(method, path, content=body, headers=headers)
    assert problem(answer, 422, field=says.partition(":")[0])["detail"].startswith(says)


async def test_a_body_on_a_route_without_one_is_refused(http, tenant_id):
    """And one whose fields a route does not know: else a refund of a part would be one of all."""
    payment = (await http.post("/payments", json=order(tenant_id))).json()
    query = {"tenantId": tenant_id}
    refund = f"/payments/{payment['_id']}/refund"
    for path, field in ((refund, "part"), ("/api/verify", "body")):
        problem(await http.post(path, params=query, json={"part": 5}), 422, field=field)
        for nothing in (b"", b"{}", b" null\n"):
            answer = await http.post(path, params=query, content=nothing)
            assert answer.is_success
            if answer.status_code == HTTPStatus.ACCEPTED:  # few may wait
                await ended(http, answer)
    refunded = (await http.get(f"/payments/{payment['_id']}", params=query)).json()
    assert refunded["status"] == "refunded"


HINT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
TAKING_TIMES = [
    *(f"/api/analytics/{name}" for name in ("metrics", "trends", "methods", "declines")),
    "/api/analytics/snapshot",
    "/payments",
    "/payments/export",
]


@pytest.mark.parametrize("path", TAKING_TIMES)
async def test_following_a_hint_works(http, path):
    await http.post("/payments", json=ORDER)
    moments = ["2026-05-01", "20260501", "2026-05-01T10", "2026-05-01 10:00:00.25"]
    for moment in (*moments, "2026-05-01T10:00:00 02:00", "yesterday", "1777629600"):
        for name in ("from", "to"):
            said = problem(await http.get(path, params={name: moment}), 422, field=name)
            hint = HINT.search(said["detail"])
            assert hint, said["detail"]
            day = hint[0][:10]
            ends = {"from": f"{day}T00:00:00+12:00", "to": f"{day}T23:59:00-12:00"}
            followed = await http.get(path, params={**ends, name: hint[0]})
            assert followed.status_code == 200, followed.text


async def test_following_a_hint_for_a_field_works(http, tenant_id):
    for moment in ("2026-05-01", "2026-05-01T10:00:00", "10:00", ""):
        asked = order(tenant_id, createdAt=moment)
        said = problem(await http.post("/payments", json=asked), 422, field="createdAt")
        asked["createdAt"] = HINT.search(said["detail"])[0]
        assert (await http.post("/payments", json=asked)).status_code == 201
