"""The API's description is true: tests generate requests from it, and it describes every answer."""

import httpx
import pytest
import schemathesis
from fastapi.routing import iter_route_contexts

from server.app import PARTS
from server.http import examples
from server.http.description import _components
from tests.description import drive
from tests.server.described import check
from tests.server.problem import problem

SEED = 10
ORDER = {"amount": 18.5, "method": "card", "status": "success"}
EXISTING = {
    "payment_id": "6756fb49a1b2c3d4e5f60701",
    "import_id": "6756fb49a1b2c3d4e5f60799",
    "verification_id": "6756fb49a1b2c3d4e5f60788",
    "tenant_id": "tenant_1",
    "letter_id": "6756fb49a1b2c3d4e5f60799",
    "provider": "standard",
}
ROUTES = sorted(
    (method, route.path_format)
    for part in PARTS
    for route in iter_route_contexts(part.router.routes)
    for method in route.methods
)
TAKE_BODIES = {
    *("/payments", "/payments/batch", "/payments/{payment_id}/refund"),
    *(f"/payments/{{payment_id}}/{act}" for act in ("dispute", "fees", "settlement")),
    *("/api/imports", "/api/imports/{import_id}/finish", "/api/rates"),
    "/webhooks/{provider}/{tenant_id}",
}
VERBS = {
    *(
        "Change",
        "Charge",
        "Check",
        "Convert",
        "Count",
        "Dispute",
        "Export",
        "Find",
        "Finish",
        "List",
        "Read",
    ),
    *("Record", "Refund", "Replay", "Seed", "Settle", "Show", "Start", "Stop", "Take", "Verify"),
}
WRITING = [path for method, path in ROUTES if method == "POST"]


@pytest.fixture(scope="module")
def described(shared_server):
    """The server's description, to check answers against."""
    return schemathesis.openapi.from_url(f"{shared_server.url}/openapi.json")


@pytest.fixture
def ask(shared_server, described):
    """Send a request to a described route, and check that its answer is described."""
    with httpx.Client(base_url=shared_server.url, timeout=60) as http:

        def answer(method, path, **more):
            response = http.request(method, path.format(**EXISTING), **more)
            check(described.raw_schema, method, path, response)
            described[path][method].validate_response(response)
            return response

        yield answer


def test_every_answer_to_generated_requests_is_described(server, tmp_path):
    """Requests that match the description are accepted, others refused; every answer is described."""
    httpx.post(f"{server.url}/payments/seed", params={"count": 300}, timeout=60)
    run = drive(server.url, seconds=60, directory=tmp_path, seed=SEED)
    assert run.returncode == 0, run.stdout


def test_an_example_may_be_there_before_its_route_but_not_for_long(described, monkeypatch):
    known = described.raw_schema["components"]["schemas"]
    assert {type(example).__name__ for example in examples.ANSWERS} <= known.keys()
    early = object()
    monkeypatch.setattr(examples, "ANSWERS", [*examples.ANSWERS, early])
    assert "object" not in _components(("card",))


def test_every_route_is_described(described):
    document = described.raw_schema
    found = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
    assert sorted(found) == ROUTES
    assert ("GET", "/payments/export") in ROUTES


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_json_answer_has_the_schema_of_a_type(described, method, path):
    document = described.raw_schema
    operation = document["paths"][path][method.lower()]
    verb, *more = operation["summary"].split()
    assert verb in VERBS
    assert more, "a verb alone does not tell what of"
    assert operation["description"]
    assert {"413", "421", "422", "500"} <= operation["responses"].keys()
    for status, response in operation["responses"].items():
        for kind, content in response["content"].items():
            schema = content["schema"]
            if kind == "application/problem+json":
                assert schema == {"$ref": "#/components/schemas/Problem"}
            elif kind == "application/json" and path != "/openapi.json":
                named = schema.get("items", schema)["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][named]["examples"], (path, status)
            else:
                assert schema["type"] in {"string", "object"}
                assert (kind, status) == (kind, "200")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_refusal_is_described(ask, method, path):
    problem(ask(method, path, headers={"Host": "evil.example"}), 421)
    for query in ("colour=red", "colour=red&colour=blue"):
        refused = ask(method, path, params=query)
        assert refused.status_code == 422
        assert "colour: is " in refused.json()["detail"]
    problem(ask(method, path, content=b" " * 10_000_001), 413)
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(ask(method, path, headers=foreign), 403)


@pytest.mark.parametrize("path", WRITING)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"]
)
def test_a_body_of_another_media_type_is_refused(ask, path, kind):
    answer = ask("POST", path, content=b"amount=5", headers={"Content-Type": kind})
    if path in TAKE_BODIES:
        assert "application/json" in problem(answer, 415)["detail"]
    else:
        # None of these accepts a body, which would be ignored.
        assert answer.status_code == 422
        assert "body" in answer.json()["detail"]


def test_the_numbers_of_an_answer_are_numbers(described):
    schemas = described.raw_schema["components"]["schemas"]
    assert schemas["PaymentAnswer"]["properties"]["amount"] == {"type": "number"}
    assert {"type": "number"} in schemas["MetricsAnswer"]["properties"]["successRate"]["anyOf"]
    assert "reference" not in schemas["PaymentAnswer"]["required"]


def test_answers_with_payments_are_described(ask):
    ask("POST", "/payments", json=ORDER)
    items = [{**ORDER, "status": "failed", "declineCode": "expired_card"}, {**ORDER, "amount": -1}]
    batch = ask("POST", "/payments/batch", json=items).json()
    assert (batch["created"], batch["rejected"]) == (1, 1)
    for path in ("metrics", "trends", "methods", "declines"):
        assert ask("GET", f"/api/analytics/{path}").json()
    compared = ask("GET", "/api/analytics/metrics", params={"period": "week", "compare": "true"})
    assert compared.json()["previous"]["from"]
    snapshot = ask("GET", "/api/analytics/snapshot", params={"rollups": "true"}).json()
    assert snapshot["rollups"]["buckets"][-1]["methods"]["card"]
    assert ask("GET", "/payments", params={"limit": 1}).headers["link"]
    assert ask("GET", "/payments/changes", params={"after": 0}).json()["changes"]
    assert ask("GET", "/payments/months").json()["months"]
    for form in ("csv", "ndjson", "parquet", "arrow"):
        assert ask("GET", "/payments/export", params={"format": form}).content
    problem(ask("GET", "/payments", params={"tenantId": "nobody"}), 404)
    problem(ask("POST", "/payments/{payment_id}/refund"), 404)
