"""What becomes of simulated payments after they were made, as operations on the ledger."""

from __future__ import annotations

from collections.abc import Callable

from financeops.core.act_terms import DisputeTerms
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.money import to_major
from financeops.simulation.columns import Columns
from financeops.simulation.drafts import PARTIAL, Aftermath, aftermath_of
from financeops.store.documents import Key, derived_payment_id
from financeops.store.writing.operations import Dispute, Operation, Refund, refund_id_of


def acts_of(columns: Columns, key: Callable[[int], Key]) -> dict[int, list[Operation]]:
    """Return refunds of parts, and disputes, by the places of payments with these keys; each counts once."""
    config = columns.people.config
    acts: dict[int, list[Operation]] = {}
    for place, told in aftermath_of(columns).items():
        payment_id = derived_payment_id(config.tenant_id, key(place))
        acts[place] = _acts(told, payment_id, config.tenant_id, config.currency)
    return acts


def _acts(told: Aftermath, payment_id: str, tenant_id: str, currency: str) -> list[Operation]:
    acts: list[Operation] = []
    if (back := told.part_back) is not None:
        refund = Refund(
            payment_id=payment_id,
            amount=to_major(back.amount, currency),
            reason=PARTIAL,
            at=back.at,
            refund_id=refund_id_of(tenant_id, payment_id, "part"),
            keyed=True,
        )
        acts.append(refund)
    if told.dispute is not None:
        acts += disputes(told.dispute, payment_id, currency)
    return acts


def disputes(dispute: Disputed, payment_id: str, currency: str) -> list[Operation]:
    """Return that a payment is disputed and, if that is so, how the dispute ended."""
    opened = DisputeTerms(
        id=dispute.id,
        status=DisputeStatus.OPEN,
        amount=to_major(dispute.amount, currency),
        reason=dispute.reason,
        at=dispute.opened_at,
    )
    told: list[Operation] = [Dispute(payment_id=payment_id, terms=opened)]
    if dispute.status is not DisputeStatus.OPEN:
        closed = DisputeTerms(id=dispute.id, status=dispute.status, at=dispute.closed_at)
        told.append(Dispute(payment_id=payment_id, terms=closed))
    return told
