"""`up` restarts a database that hangs, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from functools import partial

import httpx
import psutil
import pytest

from financeops.cli.running import children, embedded, pulse
from financeops.cli.running.addresses import free_port
from financeops.cli.running.supervisor import Supervisor
from tests.cli.test_supervisor import Said
from tests.database import EmbeddedDatabase
from tests.verification import verified


def sale(number: int) -> dict:
    return {"amount": number, "method": "card", "status": "success", "reference": str(number)}


def listening(port: int) -> psutil.Process:
    """The embedded database on a port."""
    (found,) = (
        each for each in psutil.Process().children() if f"--port {port}" in " ".join(each.cmdline())
    )
    return found


@pytest.fixture
def database(tmp_path):
    process = EmbeddedDatabase(tmp_path / "mongodb")
    process.start()
    yield process
    process.kill()


async def test_a_working_database_is_told_from_one_that_hangs_and_one_that_is_away(database):
    commits = partial(pulse.commits, embedded.HOST, database.port)
    assert await commits(within=30)
    assert await commits(within=30)
    database.process.send_signal(signal.SIGSTOP)
    assert not await commits(within=0.5)
    database.process.send_signal(signal.SIGCONT)
    assert await commits(within=30)
    database.kill()
    assert not await commits(within=30)


async def test_a_database_that_hangs_is_restarted_and_nothing_is_lost(tmp_path):
    said = Said()
    port, server_port = free_port(), free_port()
    (tmp_path / "db").mkdir()
    password = embedded.password_of(tmp_path / "db")
    login = embedded.USER, password
    impatient = replace(
        children.database(tmp_path / "db", port, password=password),
        responds=partial(pulse.commits, embedded.HOST, port, within=4, login=login),
        silences=3,
        ask_again=0.5,
    )
    uri = embedded.uri(port, "financeops", password=password)
    server = children.server("127.0.0.1", server_port, uri=uri, simulate=False)
    async with (
        Supervisor(tmp_path / "logs", said) as supervisor,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server_port}", timeout=60) as http,
    ):
        await supervisor.start(impatient)
        await supervisor.start(server)
        for number in range(1, 21):
            assert (await http.post("/payments", json=sale(number))).status_code == 201
        listening(port).send_signal(signal.SIGSTOP)
        away = await http.get("/ready")
        assert away.status_code == 503
        assert int(away.headers["Retry-After"]) >= 1

        async with asyncio.timeout(180):
            await said.until("database is ready again")
            for number in range(1, 41):
                # Clients that are told to retry do so by themselves, as soon as they can.
                while (answer := await http.post("/payments", json=sale(number))).is_error:
                    assert answer.status_code == 503
                    await asyncio.sleep(0.1)
                assert answer.status_code == (200 if number <= 20 else 201)
        metrics = (await http.get("/api/analytics/metrics")).json()
        assert (metrics["totalPayments"], metrics["totalVolume"]) == (40, sum(range(1, 41)))
        assert (await verified(http))["differences"] == []
    assert said.lines == [
        "database does not respond",
        "database ended (SIGKILL): starting it again",
        "database is ready again",
    ]
