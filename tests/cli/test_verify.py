"""`financeops verify` while the server is verifying."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from math import inf

import httpx
import pytest

from tests.forks import Fork
from tests.processes import environment, start_server
from tests.verification import verified


@pytest.fixture
async def http(proxy):
    """A client of a server on a database behind the proxy, with one payment."""
    server = await asyncio.to_thread(start_server, proxy.uri)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        order = {"amount": 5, "method": "card", "status": "success"}
        assert (await client.post("/payments", json=order)).is_success
        yield client
    assert await asyncio.to_thread(server.stop) == 0, server.said


async def asked(http):
    """Return how many verifications run or wait."""
    said = (await http.get("/metrics")).text
    return float(re.search(r"^financeops_verifications (\S+)$", said, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("option", "kept"), [((), ""), (("--repair",), "; what was repaired until then stays repaired")]
)
async def test_ctrl_c_ends_the_verification_too(http, proxy, tmp_path, option, kept):
    # Reading at one moment ends with a commit too, so that no verification ends.
    proxy.fail("commitTransaction", times=inf, delay=inf)
    env = environment({"url": str(http.base_url).rstrip("/")})
    fork = await asyncio.to_thread(Fork, "financeops", "verify", *option, env=env, cwd=tmp_path)
    while not await asked(http):
        pass  # asking takes its time
    os.kill(fork.process.pid, signal.SIGINT)
    done = await asyncio.to_thread(fork.finish, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == f"financeops: the verification was stopped{kept}\n"
    assert await asked(http) == 0
    proxy.heal()
    assert (await verified(http))["differing"] == 0
