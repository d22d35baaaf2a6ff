"""Carry out one operation of the ledger, and answer with its payment."""

from __future__ import annotations

from financeops.core.payments import Tenant
from financeops.core.wire import payment_document
from financeops.store.writing.operations import Operation, Outcome, Result
from server.dependencies import Services
from server.http.responses import Json


async def carry_out(services: Services, tenant: Tenant, operation: Operation) -> Json:
    """Commit an operation; raises the error that refuses it."""
    (outcome,) = await services.intake.submit(tenant, [operation])
    return _answer(outcome)


def _answer(outcome: Outcome) -> Json:
    if outcome.error is not None:
        raise outcome.error
    assert outcome.payment is not None, "what is not refused has a payment"
    status = 201 if outcome.result is Result.CREATED else 200
    return Json(payment_document(outcome.payment), status_code=status)
