"""Send simulated payments, and what became of them, to a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from financeops.client import Client
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import FinanceOpsError
from financeops.core.fields import Kind
from financeops.core.money import to_major
from financeops.core.payments import OPTIONAL, Draft
from financeops.simulation.columns import Columns
from financeops.simulation.drafts import PARTIAL, Aftermath, aftermath_of, drafts_of

_PART = 500
"""Payments that are sent at once: fewer than would be taken, so that none waits long for its commit."""


async def tell(client: Client, columns: Columns, *, arrived: Callable[[int], object] = abs) -> None:
    """Record payments and what became of them; sending all of it again changes nothing.

    The last payment is recorded last: if it is there, so is everything. Each number of payments that
    was recorded is given to `arrived`.

    Raises
    ------
    FinanceOpsError
        The server refused a payment.
    """
    # In a thread: a loop that stands still for seconds does not see that the server closed a connection.
    drafts = await asyncio.to_thread(drafts_of, columns)
    source, last = columns.people.config.source, len(drafts) - 1
    told, ids = aftermath_of(columns), dict[int, str]()
    for start in range(0, last, _PART):
        end = min(start + _PART, last)
        sent = await _send(client, drafts[start:end], start, source)
        ids |= {place: sent[place - start] for place in told if start <= place < end}
        arrived(end - start)
    for place, payment_id in ids.items():
        await _tell(client, payment_id, drafts[place], told[place])
    ids_of_last = await _send(client, drafts[last:], last, source)
    arrived(1)
    if last in told:
        await _tell(client, ids_of_last[0], drafts[last], told[last])


async def _send(client: Client, part: Sequence[Draft], first: int, source: str) -> list[str]:
    """Record some payments, the first of which has this place, and return their ids."""
    documents = [_document(draft, place) for place, draft in enumerate(part, first)]
    answer = await client.post_batch(documents, source=source)
    refused = next((item.problem for item in answer.items if item.problem is not None), None)
    if refused is not None:
        raise FinanceOpsError(f"the demonstration's payments were refused: {refused.detail}")
    return [item.id or "" for item in answer.items]


async def _tell(client: Client, payment_id: str, draft: Draft, told: Aftermath) -> None:
    tenant, currency = draft.tenant_id, draft.currency
    if (back := told.part_back) is not None:
        await client.refund(
            payment_id,
            tenant,
            amount=to_major(back.amount, currency),
            reason=PARTIAL,
            at=back.at,
            idempotency_key="part",
        )
    if (dispute := told.dispute) is not None:
        await client.dispute(
            payment_id,
            tenant,
            dispute_id=dispute.id,
            status=DisputeStatus.OPEN,
            amount=to_major(dispute.amount, currency),
            reason=dispute.reason,
            at=dispute.opened_at,
        )
        if dispute.status is not DisputeStatus.OPEN:
            await client.dispute(
                payment_id,
                tenant,
                dispute_id=dispute.id,
                status=dispute.status,
                at=dispute.closed_at,
            )


def _document(draft: Draft, place: int) -> dict[str, Any]:
    """JSON of a payment; its reference makes sending it again harmless."""
    document = {
        "tenantId": draft.tenant_id,
        "amount": to_major(draft.amount, draft.currency),
        "currency": draft.currency,
        "method": draft.method,
        "status": draft.status.value,
        "createdAt": draft.created_at,
        **{
            field.json: getattr(draft, field.name)
            for field in OPTIONAL
            if field.kind not in {Kind.INTEGER, Kind.ACTS}
        },
        "reference": f"{draft.tenant_id}-{place}",
    }
    if draft.fees:
        document["fees"] = [
            {"kind": fee.kind, "amount": to_major(fee.amount, draft.currency), "at": fee.at}
            for fee in draft.fees
        ]
    if draft.settled_amount is not None and draft.settled_currency is not None:
        document["settledAmount"] = to_major(draft.settled_amount, draft.settled_currency)
    return {name: value for name, value in document.items() if value is not None}
