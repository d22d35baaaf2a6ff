"""Simulated payments, and what became of them, as operations on the ledger."""

from __future__ import annotations

from collections.abc import Callable

from financeops.core.act_terms import DisputeTerms
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.money import to_major
from financeops.core.payments import Draft
from financeops.simulation.columns import Columns
from financeops.simulation.drafts import PARTIAL, Aftermath, aftermath_of, drafts_of
from financeops.store.documents import Key, derived_payment_id
from financeops.store.writing.operations import Act, Dispute, Insert, Refund, refund_id_of


def inserts_of(columns: Columns, key: Callable[[int], Key]) -> list[Insert]:
    """Return payments, each with the refund of a part and the dispute that it had, and with the key of its place."""
    tenant_id, told = columns.people.config.tenant_id, aftermath_of(columns)
    inserts = []
    for place, draft in enumerate(drafts_of(columns)):
        named, acts = key(place), tuple[Act, ...]()
        if place in told:
            payment_id = derived_payment_id(tenant_id, named)
            acts = _acts(told[place], payment_id, draft)
        inserts.append(Insert(draft=draft, key=named, acts=acts))
    return inserts


def _acts(told: Aftermath, payment_id: str, draft: Draft) -> tuple[Act, ...]:
    acts: list[Act] = []
    if (back := told.part_back) is not None:
        refund = Refund(
            payment_id=payment_id,
            amount=to_major(back.amount, draft.currency),
            reason=PARTIAL,
            at=back.at,
            refund_id=refund_id_of(draft.tenant_id, payment_id, "part"),
            keyed=True,
        )
        acts.append(refund)
    if told.dispute is not None:
        acts += disputes(told.dispute, payment_id, draft.currency)
    return tuple(acts)


def disputes(dispute: Disputed, payment_id: str, currency: str) -> list[Dispute]:
    """Return that a payment is disputed and, if that is so, how the dispute ended."""
    opened = DisputeTerms(
        id=dispute.id,
        status=DisputeStatus.OPEN,
        amount=to_major(dispute.amount, currency),
        reason=dispute.reason,
        at=dispute.opened_at,
    )
    told = [Dispute(payment_id=payment_id, terms=opened)]
    if dispute.status is not DisputeStatus.OPEN:
        closed = DisputeTerms(id=dispute.id, status=dispute.status, at=dispute.closed_at)
        told.append(Dispute(payment_id=payment_id, terms=closed))
    return told
