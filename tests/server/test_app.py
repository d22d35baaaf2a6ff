"""What every route has in common: problems, limits, origins, documentation, health."""

import re
from importlib.metadata import version

import httpx
import pytest

from tests.server.problem import problem

ORDER = {"amount": 1, "method": "card", "status": "success"}


@pytest.mark.parametrize("path", ["/nothing", "/payments/", "/api/analytics/", "/payments/a/b"])
async def test_an_unknown_route_is_not_found(http, path):
    problem(await http.get(path), 404)


async def test_the_root_says_where_documentation_and_dashboard_are(http, start, database_uri):
    said = (await http.get("/")).json()
    assert said == {
        "name": "FinanceOps",
        "version": version("financeops"),
        "documentation": "/docs",
        "dashboard": None,
    }
    assert (await http.get(said["documentation"])).status_code == 200
    named = start(database_uri, dashboard_url="https://pay.example.com")
    said = (await http.get(named.url)).json()
    assert said["dashboard"] == "https://pay.example.com"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/payments", "GET, POST"),
        ("/payments/seed", "GET, POST"),
        ("/payments/batch", "POST"),
        ("/payments/6756fb49a1b2c3d4e5f60701", "GET"),
        ("/payments/6756fb49a1b2c3d4e5f60701/refund", "POST"),
        ("/api/verify", "POST"),
        ("/health", "GET"),
        ("/docs", "GET"),
        ("/static-offline-docs/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_answered_with_all_allowed_ones(http, path, allowed):
    response = await http.delete(path)
    said = problem(response, 405)
    assert response.headers["allow"] == allowed
    assert allowed in said["detail"]
    for method in allowed.split(", "):
        assert (await http.request(method, path)).status_code != 405


@pytest.mark.parametrize("path", ["/payments", "/payments/batch"])
async def test_a_body_over_the_limit_is_refused(http, path):
    large = b" " * 10_000_001
    problem(await http.post(path, content=large), 413)

    async def parts():
        for _ in range(11):
            yield b" " * 1_000_000

    problem(await http.post(path, content=parts()), 413)
    problem(await http.post(path, content=large[:-1]), 422, field="body")


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/metrics", "/payments/seed", "/payments/batch"]
)
async def test_an_unknown_parameter_is_refused_everywhere(http, path):
    method = "POST" if path == "/payments/batch" else "GET"
    problem(await http.request(method, f"{path}?colour=red"), 422, field="colour")


async def test_of_many_unknown_parameters_an_answer_names_ten(http):
    query = {f"colour_{n}": "red" for n in range(1000)}
    said = problem(await http.get("/payments", params=query), 422, field="colour_0")
    assert [each["field"] for each in said["errors"]] == [f"colour_{n}" for n in range(10)]
    assert said["detail"].endswith("; and 990 more")
    long = await http.get("/payments", params={"x" * 5000: "red"})
    assert len(long.content) < 1000


async def test_health_and_readiness(http):
    for path in ("/health", "/ready"):
        response = await http.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"


async def test_prometheus_metrics_count_what_happened(http):
    await http.post("/payments", json=ORDER)
    response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    for name in (
        'financeops_requests_total{method="POST",route="/payments",status="201"}',
        'financeops_request_seconds_bucket{le="0.1",method="POST",route="/payments"}',
        'financeops_committed_changes_total{result="created"}',
        "financeops_commit_operations_bucket",
        "financeops_stream_clients",
        "financeops_stream_raw_writes_total",
        "financeops_publish_lag_seconds",
        "financeops_waiting_operations",
    ):
        assert name in text, name


async def test_metric_labels_contain_no_ids(http):
    await http.get("/payments/6756fb49a1b2c3d4e5f60701")
    await http.get("/no/such/route")
    text = (await http.get("/metrics")).text
    assert 'route="/payments/{payment_id}"' in text
    assert "6756fb49a1b2c3d4e5f60701" not in text
    assert "/no/such/route" not in text


async def test_the_documentation_loads_nothing_from_other_hosts(http):
    page = await http.get("/docs")
    assert page.status_code == 200
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert assets
    assert all(asset.startswith("/") for asset in assets), assets
    for asset in assets:
        assert (await http.get(asset)).status_code == 200
    assert "://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:8866", "https://localhost", "http://127.0.0.1:1", "http://[::1]:8"]
)
async def test_pages_of_this_computer_may_call(http, origin):
    response = await http.get("/payments", headers={"Origin": origin})
    assert response.headers["access-control-allow-origin"] == origin
    assert (await http.post("/payments", json=ORDER, headers={"Origin": origin})).is_success
    preflight = await http.options(
        "/payments",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,idempotency-key",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://evil.example",
            "http://localhost.evil.example",
            "http://localhost:1@evil",
            "null",
        ),
        *("http://[", "http://[::1", "http://]", "http://[x]", b"http://\xe2\x84\x80", "["),
    ],
)
async def test_pages_of_other_origins_may_not_call(http, origin):
    response = await http.get("/payments", headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers
    for path in ("/payments", "/payments/batch", "/payments/seed"):
        problem(await http.post(path, json=ORDER, headers={"Origin": origin}), 403)
    stream = await http.get("/ws/payments/?EIO=4&transport=polling", headers={"Origin": origin})
    assert stream.status_code == 400
    assert "access-control-allow-origin" not in stream.headers


async def test_one_foreign_origin_of_two_is_refused(http):
    pages = ["http://localhost:1", "https://evil.example"]
    for order in (pages, pages[::-1]):
        headers = [("Origin", origin) for origin in order]
        problem(await http.post("/payments", json=ORDER, headers=headers), 403)


ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
STREAM = "/ws/payments/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    "asked",
    [
        {**ELSEWHERE, "Sec-Fetch-Dest": "image"},
        {**ELSEWHERE, "Sec-Fetch-Dest": "empty"},
        {**LINK, "Sec-Fetch-Dest": "iframe"},
        {**ELSEWHERE, "Sec-Fetch-Site": "same-site", "Host": "pay.localhost"},
        {**ELSEWHERE, "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example"},
        {"Origin": "https://evil.example"},  # a browser that does not send the site
    ],
)
async def test_pages_of_other_sites_may_not_embed_anything(http, asked):
    for path in ("/payments", "/api/analytics/snapshot", "/docs", "/health"):
        said = problem(await http.get(path, headers=asked), 403)
        assert "FINANCEOPS_ALLOWED_ORIGINS" in said["detail"]
    problem(await http.post("/api/verify", headers=asked), 403)
    assert not (await http.get(STREAM, headers=asked)).is_success


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {**ELSEWHERE, "Sec-Fetch-Site": "same-site", "Host": "localhost:3001"},
        {**ELSEWHERE, "Sec-Fetch-Mode": "cors", "Origin": "http://localhost:8866"},
    ],
)
async def test_own_pages_and_pages_of_this_computer_may_load_everything(http, asked):
    for path in ("/payments", "/docs", STREAM):
        assert (await http.get(path, headers=asked)).status_code == 200


async def test_links_from_other_sites_work_but_start_nothing_costly(http):
    for path in ("/docs", "/payments", "/payments/export", "/payments/seed"):
        assert (await http.get(path, headers=LINK)).status_code == 200
    problem(await http.get("/api/verify", headers=LINK), 405)
    problem(await http.post("/api/verify", headers=LINK), 403)
    problem(await http.post("/payments", json=ORDER, headers=LINK), 403)


async def test_the_servers_own_page_may_post_when_reached_by_address(http):
    headers = {"Origin": "http://192.0.2.7:3001", "Host": "192.0.2.7:3001"}
    assert (await http.post("/payments", json=ORDER, headers=headers)).is_success


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:3001", "app.localhost", "127.0.0.1", "[::1]:3001", "192.0.2.7", ""],
)
async def test_the_server_answers_to_addresses_and_this_computers_names(http, host):
    assert (await http.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:3001", "x@localhost.x"])
async def test_a_request_for_another_host_is_refused(http, host):
    rebound = {"Origin": f"http://{host}", "Host": host}
    for path in ("/health", "/payments", "/nothing", "/ws/payments/?EIO=4&transport=polling"):
        said = problem(await http.get(path, headers=rebound), 421)
        assert "FINANCEOPS_ALLOWED_HOSTS" in said["detail"]
    problem(await http.post("/payments", json=ORDER, headers=rebound), 421)


async def test_a_setting_allows_a_host(start, database_uri):
    server = start(database_uri, allowed_hosts="pay.example.com")
    async with httpx.AsyncClient(base_url=server.url) as http:
        for host in ("pay.example.com", "Pay.Example.com:443", "localhost"):
            assert (await http.get("/health", headers={"Host": host})).status_code == 200
        problem(await http.get("/health", headers={"Host": "example.com"}), 421)


async def test_answers_are_not_sniffed_or_framed(http):
    for path in ("/health", "/nothing", "/payments/seed"):
        headers = (await http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_answers_are_not_cached(http):
    paths = ("/payments", "/payments/export", "/nothing", "/payments/seed", "/openapi.json")
    for path in (*paths, "/ws/payments/?EIO=4&transport=polling"):
        assert (await http.get(path)).headers["cache-control"] == "no-store", path
    refused = await http.get("/payments", headers={"Host": "evil.example"})
    assert refused.headers["cache-control"] == "no-store"
    # Public files are revalidated by their content.
    asset = await http.get("/static-offline-docs/swagger-ui.css")
    assert asset.headers["cache-control"] == "no-cache"
    assert asset.headers["etag"]


@pytest.mark.parametrize("query", ["", "&sid=unknown"])
async def test_an_incomplete_upgrade_is_refused_with_a_message(http, query):
    """It arrives like this behind a proxy that drops hop-by-hop headers."""
    path = f"/ws/payments/?EIO=4&transport=websocket{query}"
    answer = await http.get(path, headers={"Upgrade": "websocket", "Connection": "close"})
    assert "Connection: Upgrade" in problem(answer, 400)["detail"]


async def test_an_invalid_request_is_answered(shared_server):
    async with httpx.AsyncClient(base_url=shared_server.url) as http:
        for path in ("/payments/%00", "/payments/%ff", "/payments?before=%ff%00", "/%2e%2e/"):
            assert (await http.get(path)).status_code in {404, 422}
