"""The server starts, or one clear line names the setting to change."""

import subprocess
import sys

import httpx
import pytest
from pymongo import MongoClient

from financeops.cli.running.addresses import free_port
from tests.forks import Fork
from tests.processes import ROOT, environment


def refused(done):
    """Return the one line of a server that does not start; its exit code is 1."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def refusal(**settings):
    """Return the message of a server that cannot start with these settings."""
    return refused(Fork("server", env=environment(settings), cwd=ROOT).finish(timeout=60))


def test_a_missing_database_names_the_setting():
    done = subprocess.run(
        [sys.executable, "-m", "server"],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "FINANCEOPS_MONGODB_URI" in refused(done)


def test_a_database_that_does_not_answer_is_named():
    uri = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    assert "FINANCEOPS_MONGODB_URI" in refusal(mongodb_uri=uri, port=0, database_timeout=0.5)


def test_a_password_is_not_shown():
    uri = f"mongodb://user:secret@127.0.0.1:{free_port()}/?directConnection=true"
    assert "secret" not in refusal(mongodb_uri=uri, port=0, database_timeout=0.5)


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", "mongodb+srv://no-such-cluster.invalid"])
def test_an_invalid_uri_is_named(uri):
    assert "FINANCEOPS_MONGODB_URI" in refusal(mongodb_uri=uri, port=0)


def test_a_taken_port_is_named(start, database_uri):
    server = start(database_uri)
    port = int(server.url.rpartition(":")[2])
    line = refusal(mongodb_uri=database_uri, port=port)
    assert "FINANCEOPS_PORT" in line
    assert str(port) in line


def test_payments_of_another_program_are_refused(database_uri):
    with MongoClient(database_uri) as client:
        client.get_default_database().payments.insert_one({"theirs": True})
    line = refusal(mongodb_uri=database_uri, port=0)
    assert "FINANCEOPS_MONGODB_URI" in line
    assert "payments" in line


def test_a_zone_that_differs_is_refused(start, database_uri):
    assert start(database_uri).stop() == 0
    line = refusal(
        mongodb_uri=database_uri, port=0, tenants='{"tenant_1": {"timezone": "Europe/Berlin"}}'
    )
    assert "FINANCEOPS_TENANTS" in line
    assert "set-timezone" in line


def test_a_zone_that_is_not_configured_may_have_been_changed(start, database_uri):
    server = start(database_uri)
    moved = httpx.post(f"{server.url}/api/tenants/tenant_1/timezone?timezone=Asia/Tokyo")
    assert moved.status_code == 200, moved.text
    server.kill()
    again = start(database_uri)
    figures = httpx.get(f"{again.url}/api/analytics/metrics").json()
    assert figures["timezone"] == "Asia/Tokyo"


def test_a_wrong_setting_is_named():
    line = refusal(mongodb_uri="mongodb://127.0.0.1:1/", port="http")
    assert line.startswith("financeops: FINANCEOPS_PORT")


def test_settings_take_effect(start, database_uri):
    server = start(
        database_uri,
        methods="card,cash",
        tenants='{"tenant_2": {"currency": "JPY", "timezone": "Asia/Tokyo"}}',
        allowed_origins="https://app.example.com",
        max_body_bytes=2000,
    )
    with httpx.Client(base_url=server.url) as http:
        metrics = http.get("/api/analytics/metrics?tenantId=tenant_2").json()
        assert (metrics["currency"], metrics["timezone"]) == ("JPY", "Asia/Tokyo")
        order = {"tenantId": "tenant_2", "amount": 500, "method": "cash", "status": "success"}
        origin = {"Origin": "https://app.example.com"}
        recorded = http.post("/payments", json=order, headers=origin)
        assert recorded.status_code == 201
        assert recorded.headers["access-control-allow-origin"] == "https://app.example.com"
        assert recorded.json()["currency"] == "JPY"
        assert http.post("/payments", json={**order, "method": "paypal"}).status_code == 422
        assert http.post("/payments", content=b" " * 2001).status_code == 413


DECLINES = """{"shop": {"declines": {
    "house_limit": {"stage": "blocked", "kind": "hard"},
    "insufficient_funds": {"stage": "declined", "kind": "hard"},
    "queue_full": {"stage": "technical"}}}}"""


def test_a_tenant_s_own_decline_codes_explain_its_failures(start, database_uri):
    with httpx.Client(base_url=start(database_uri, tenants=DECLINES).url) as http:
        for tenant, code, said, stage, kind in (
            ("shop", "house_limit", {}, "blocked", "hard"),
            ("shop", "insufficient_funds", {}, "declined", "hard"),
            ("shop", "queue_full", {}, "technical", None),
            ("shop", "expired_card", {}, "declined", "soft"),
            ("shop", "house_limit", {"failureStage": "abandoned"}, "abandoned", "hard"),
            ("other", "house_limit", {}, "declined", None),
        ):
            failed = {"tenantId": tenant, "amount": 5, "method": "card", "status": "failed"}
            told = http.post("/payments", json={**failed, "declineCode": code, **said}).json()
            assert (told["failureStage"], told.get("declineKind")) == (stage, kind), told
        figures = http.get("/api/analytics/metrics", params={"tenantId": "shop"}).json()
        assert figures["failures"] == {
            "authentication": 0, "blocked": 1, "declined": 2, "technical": 1, "abandoned": 1,
        }  # fmt: skip
        assert (figures["softDeclines"], figures["hardDeclines"]) == (1, 3)


@pytest.mark.parametrize(
    ("declines", "problem"),
    [
        ('{"House Limit": {"stage": "blocked"}}', "House Limit"),
        ('{"house_limit": {"stage": "nowhere"}}', "stage"),
        ('{"house_limit": {"kind": "hard"}}', "stage"),
        ('{"house_limit": {"stage": "blocked", "kind": "maybe"}}', "kind"),
        ('{"house_limit": {"stage": "blocked", "why": "so"}}', "why"),
    ],
)
def test_a_wrong_decline_code_is_named(declines, problem):
    line = refusal(
        mongodb_uri="mongodb://127.0.0.1:1/", tenants=f'{{"shop": {{"declines": {declines}}}}}'
    )
    assert line.startswith("financeops: FINANCEOPS_TENANTS")
    assert problem in line


def test_an_env_file_is_read(tmp_path, database_uri):
    (tmp_path / ".env").write_text(
        f"FINANCEOPS_MONGODB_URI={database_uri}\nFINANCEOPS_PORT=http\nOTHER=1\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "server"],
        cwd=tmp_path,
        env=environment({}) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "FINANCEOPS_PORT" in done.stderr


def test_a_server_starts_without_any_data_frame_library():
    # Each takes as long as everything else together; exports import what they need.
    code = "import sys, server.app; print({'pandas', 'polars', 'scipy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
