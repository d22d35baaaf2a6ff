"""The answers of two servers equal a plain recomputation from the export."""

from __future__ import annotations

import secrets
from random import Random

import httpx
from hypothesis import settings

from tests import borders
from tests.clocked import set_clock
from tests.questions import ask, world

QUESTIONS = 5 * settings().max_examples
"""ARGS="--hypothesis-profile=thorough" asks more; `python -m tests.questions` asks 10,000."""


def test_every_answer_equals_a_plain_recomputation(database_uri, tmp_path):
    seed = secrets.randbelow(2**32)  # other questions in each run
    rng = Random(seed)
    zones = ["America/New_York", *rng.sample(list(borders.PRESENTS), 4)]
    with world(database_uri, tmp_path, rng, zones) as made:
        ask(made, QUESTIONS, per_round=20)
    assert made.asked == QUESTIONS
    assert not made.differing, f"seed {seed}, {zones}:\n" + "\n".join(made.differing[:5])


def test_a_local_day_across_a_page_border_counts_once(start, database_uri, tmp_path):
    """2026-10-10T00:00Z is 324 x 64 days after 1970 and lies in New York's 9 October."""
    set_clock(clock := tmp_path / "clock", borders.present_of(borders.ZoneInfo("America/New_York")))
    zone = '{"ny16": {"timezone": "America/New_York"}}'
    servers = [start(database_uri, clock=clock, tenants=zone) for _ in range(2)]
    moments = {100: "2026-09-02T16:00:00Z", 10: "2026-10-09T20:00:00Z", 1: "2026-10-15T16:00:00Z"}
    payments = [
        {"tenantId": "ny16", "amount": n, "method": "card", "status": "success", "createdAt": at}
        for n, at in moments.items()
    ]
    httpx.post(f"{servers[0].url}/payments/batch?source=import", json=payments).raise_for_status()
    window = {"tenantId": "ny16", "from": "2026-09-01T04:00:00Z", "to": "2026-10-20T04:00:00Z"}
    for server in servers * 2:
        with httpx.Client(base_url=f"{server.url}/api/analytics", params=window) as http:
            metrics = http.get("metrics").json()
            trends = http.get("trends").json()
            (card,) = http.get("methods").json()
        assert (metrics["totalVolume"], metrics["totalPayments"]) == (111, 3)
        by_start = {each["timestamp"]: (each["amount"], each["count"]) for each in trends}
        assert by_start["2026-10-09T04:00:00Z"] == (10, 1)
        assert (card["volume"], card["count"]) == (111, 3)
