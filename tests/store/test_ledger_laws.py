"""Whatever several clients send at once, the ledger is what its payments add up to."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.payments import EventType, Source, Status
from financeops.store.documents import derived_payment_id
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Refund, Result, refund_id_of
from tests.builders import NOON, tenant
from tests.store.recorded import check_ledger, insert, stored_changes
from tests.strategies import METHODS, ZONES, instants

REFERENCES = [f"order-{n}" for n in range(6)]

zones = st.sampled_from(ZONES)
insertions = st.builds(
    insert,
    st.none() | st.sampled_from(REFERENCES),
    request_hash=st.sampled_from(["one", "one", "another"]),
    amount=st.sampled_from([0, 1, 1850, 10**12]),
    currency=st.sampled_from(["USD", "JPY"]),
    method=st.sampled_from(METHODS),
    order_id=st.none() | st.sampled_from(["one", "two"]),
    status=st.sampled_from([Status.SUCCESS, Status.SUCCESS, Status.FAILED, Status.REFUNDED]),
    decline_code=st.none(),
    created_at=instants(NOON - timedelta(days=400), NOON)
    | instants(NOON - timedelta(hours=2), NOON),
    source=st.sampled_from([Source.API.value, Source.IMPORT.value]),
)
refunds = st.tuples(
    st.sampled_from(REFERENCES),
    st.none() | st.sampled_from(["0.01", "1", "10", "18.5"]).map(Decimal),
    st.none() | st.sampled_from(["k1", "k2"]),
)
"""What is refunded, how much of it, and under which key."""
batches = st.lists(insertions | refunds, min_size=1, max_size=8)
histories = st.lists(st.tuples(st.integers(0, 1), batches), min_size=1, max_size=5)
"""Batches, and which of two clients sends each."""


def operation(tenant_id, step):
    """Operations for a tenant: refunds are drawn by reference, for ids depend on the tenant."""
    if isinstance(step, tuple):
        reference, amount, key = step
        payment_id = derived_payment_id(tenant_id, ("reference", reference))
        return Refund(
            payment_id=payment_id,
            amount=amount,
            refund_id=refund_id_of(tenant_id, payment_id, key),
            keyed=key is not None,
        )
    return replace(step, draft=replace(step.draft, tenant_id=tenant_id))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=st.lists(st.tuples(zones, histories), min_size=1, max_size=2))
async def test_ledger_is_what_its_payments_add_up_to(db, other_db, histories):
    tenants = [tenant(f"t-{uuid4().hex[:8]}", timezone=zone) for zone, _ in histories]
    sent = [
        ((db, other_db)[client], one, [operation(one.id, step) for step in batch])
        for one, (_, history) in zip(tenants, histories, strict=True)
        for client, batch in history
    ]
    answers = await asyncio.gather(
        *(commit(client, one, operations, now=NOON) for client, one, operations in sent)
    )

    for one in tenants:
        mine = [
            (operation, outcome)
            for (_, owner, operations), outcomes in zip(sent, answers, strict=True)
            if owner == one
            for operation, outcome in zip(operations, outcomes, strict=True)
        ]
        if not any(outcome.payment for _, outcome in mine):
            continue  # only refunds of payments that do not exist: there is no such tenant
        await check_ledger(db, one.id)
        assert (await verify(db, one.id, as_of=NOON)).differences == []
        counted = Counter(
            change.payment.id
            for change in await stored_changes(db, one.id)
            if change.type is not EventType.UPDATED  # an attempt got another number
        )
        told = Counter(
            outcome.payment.id
            for _, outcome in mine
            if outcome.result in {Result.CREATED, Result.REFUNDED}
        )
        assert told == counted, "what was acknowledged is there, once, and nothing else is"
