"""Tokens for a proxy in front of the server, answers that do not arrive through it, and the progress bar."""

import socket
from http.server import BaseHTTPRequestHandler

import pytest

from financeops.client import Client
from financeops.core.errors import FinanceOpsError, Unavailable
from financeops.loading import connect, patience, progress
from financeops.loading.demonstration import demo
from tests.relay import relay, served


class Guard(BaseHTTPRequestHandler):
    """Requires a token."""

    def do_GET(self):
        self.send_response(200 if self.headers["Authorization"] == "Bearer s3cret" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def guarded_url():
    with served(Guard) as url:
        yield url


def test_a_token_is_sent(guarded_url):
    connect(guarded_url, token="s3cret").close()
    for token in (None, "guessed"):
        with pytest.raises(FinanceOpsError, match="token"):
            connect(guarded_url, token=token)


@pytest.mark.parametrize("cache", [True, False])
def test_a_long_load_shows_its_progress(connection, record, capfd, monkeypatch, cache):
    record(*({"amount": n} for n in range(1, 4)))
    monkeypatch.setattr(progress, "PATIENCE", 3600)
    connection.payments(cache=cache)
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0)
    record({"amount": 5, "createdAt": "2024-01-01T00:00:00Z"})
    connection.payments(cache=cache)
    assert ("0.00/1.00" if cache else "0.00/4.00") in capfd.readouterr().err


def test_progress_can_be_turned_off(server, tenant_id, record, capfd, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0)
    record(amount=1)
    with connect(server.url, tenant_id, progress=False) as connection:
        connection.payments(cache=False)
    assert capfd.readouterr().err == ""


def test_an_export_that_breaks_off_is_loaded_again_and_no_row_twice(
    server, tenant_id, record, caplog
):
    record(*({"amount": n} for n in range(1, 301)))
    with (
        served(relay(server.url, "/payments/export", cuts=2)) as url,
        connect(url, tenant_id) as connection,
    ):
        loaded = connection.payments(cache=False)
    assert sorted(loaded["amount"]) == [100 * n for n in range(1, 301)]
    assert loaded["id"].n_unique() == 300
    assert caplog.text.count("trying again for 60 s") == 1


def test_an_export_that_breaks_off_again_and_again_ends_with_the_reason(
    server, tenant_id, record, monkeypatch
):
    record(amount=1)
    monkeypatch.setattr(patience, "PATIENCE", 0)
    with (
        served(relay(server.url, "/payments/export", cuts=99)) as url,
        connect(url, tenant_id) as connection,
        pytest.raises(Unavailable, match="broke off"),
    ):
        connection.payments(cache=False)


def test_the_demonstration_asks_again(server, caplog):
    """Here the second answer says that its tenant does not exist, and the proxy takes no payments."""
    metrics = "/api/analytics/metrics"
    with (
        served(relay(server.url, metrics, cuts=1)) as url,
        pytest.raises(FinanceOpsError, match="501"),
    ):
        demo(url, progress=False)
    assert "broke off; trying again" in caplog.text


async def test_a_server_that_takes_a_connection_and_does_not_answer_is_not_called_away():
    with socket.create_server(("127.0.0.1", 0)) as stalled:
        port = stalled.getsockname()[1]
        async with Client(f"http://127.0.0.1:{port}", timeout=0.2) as client:
            with pytest.raises(
                Unavailable, match=r"takes connections, but did not .* within 0\.2 s"
            ):
                await client.ready()
