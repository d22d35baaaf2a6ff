"""Tokens for a proxy in front of the server, and the progress bar."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from financeops.core.errors import FinanceOpsError
from financeops.loading import connect, progress


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
    with ThreadingHTTPServer(("127.0.0.1", 0), Guard) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


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
