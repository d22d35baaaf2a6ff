"""Commits take turns: no tenant and no batch keeps the others waiting."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from financeops.store.writing.operations import Insert
from server.intake import Intake
from server.monitoring import Meters
from tests.builders import draft, tenant


async def test_other_senders_are_answered_while_a_batch_creates_many_tenants(http, tenant_id):
    def order(whose):
        return {"tenantId": whose, "amount": 1, "method": "card", "status": "success"}

    made = [f"t{place}_{uuid4().hex[:12]}" for place in range(200)]
    sending = http.post("/payments/batch", json=[order(each) for each in made])
    batch = asyncio.create_task(sending)
    answered = 0
    while not batch.done():
        assert (await http.post("/payments", json=order(tenant_id))).status_code == 201
        answered += 1
    assert (await batch).json()["created"] == len(made)
    assert answered > 5, "each of its payments waited for many of the batch"


@pytest.fixture
def intake(db, monkeypatch):
    """An intake with two places, whose transactions hold one operation."""
    monkeypatch.setattr("server.intake.PLACES", 2)
    monkeypatch.setattr("server.intake.MAX_OPERATIONS", 1)
    return Intake(
        db,
        now=lambda: datetime(2026, 3, 9, tzinfo=UTC),
        max_waiting=100,
        committed=lambda _: None,
        meters=Meters(),
    )


async def test_a_tenant_with_much_to_commit_waits_behind_the_others(intake):
    order = []

    async def submit(tenant_id):
        await intake.submit(tenant(tenant_id), [Insert(draft=draft(tenant_id=tenant_id))])
        order.append(tenant_id)

    submitted = ["busy", "bustling"] * 5 + ["quiet"]
    await asyncio.gather(*map(submit, submitted))
    assert sorted(order) == sorted(submitted)
    # Two were committed before it, two more took their turn: not all ten.
    assert order.index("quiet") <= 4, order
