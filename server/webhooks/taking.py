"""Record what letters of providers tell; what cannot be recorded is kept with the reason."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, structs

from financeops.core.act_terms import (
    DisputeTerms,
    FeesTerms,
    RefundTerms,
    SettlementTerms,
)
from financeops.core.drafts import draft_of, request_hash
from financeops.core.errors import InvalidValue
from financeops.core.payments import Source, Tenant
from financeops.core.webhooks.told import ActTold, PaymentTold, Unclear
from financeops.store.dead_letters import Letter, dead_letter, keep_letters
from financeops.store.writing.operations import (
    Act,
    Await,
    Dispute,
    Fees,
    Insert,
    Operation,
    Refund,
    Settlement,
    await_payment,
    keyed,
    payment_named,
    refund_id_of,
)
from server.dependencies import Services
from server.webhooks.providers import told_by


async def take(services: Services, tenant_id: str, letter: Letter) -> str | None:
    """Record what a letter tells, and return why something of it could not be; then it is kept.

    All is committed when this returns. Taking a letter again changes nothing.

    Raises
    ------
    Unavailable
        The letter must be sent again.
    """
    reason = await record(services, tenant_id, letter)
    if reason is not None:
        kept = dead_letter(tenant_id, letter, reason, services.now())
        await keep_letters(services.db, tenant_id, [kept])
    return reason


async def record(services: Services, tenant_id: str, letter: Letter) -> str | None:
    """Record what a letter tells; return why something of it could not be."""
    tenant = await services.tenants.existing_or_new(tenant_id)
    now = services.now()
    operations: list[Operation] = []
    problems: list[str] = []
    try:
        told = told_by(letter, now)
    except InvalidValue as error:
        return str(error)
    for each in told:
        if isinstance(each, Unclear):
            problems.append(each.reason)
            continue
        try:
            operations.append(_operation(services, tenant, each, letter, now))
        except InvalidValue as error:
            problems.append(str(error))
    outcomes = await services.intake.submit(tenant, operations)
    problems += [str(each.error) for each in outcomes if each.error is not None]
    return "; ".join(problems) or None


def _operation(
    services: Services, tenant: Tenant, told: PaymentTold | ActTold, letter: Letter, now: datetime
) -> Insert | Await:
    if isinstance(told, ActTold):
        act = act_of(told, tenant.id)
        return await_payment(
            act, tenant.id, name=told.name, at=told.at, letter=letter, currency=told.currency
        )
    request = told.request
    if request.tenant_id not in (UNSET, tenant.id):
        raise InvalidValue("tenantId", f"must be {tenant.id}, whose webhook this is")
    # However it says so, it is the same payment.
    request = structs.replace(request, tenant_id=UNSET)
    methods = services.settings.methods
    draft = draft_of(request, tenant=tenant, methods=methods, now=now, source=Source.WEBHOOK)
    key = ("key", told.name) if request.reference is None else ("reference", request.reference)
    return Insert(draft=draft, key=key, request_hash=request_hash(request))


def act_of(told: ActTold, tenant_id: str) -> Act:
    """The act of the ledger, with the id that its payment has or will have."""
    payment_id = payment_named(tenant_id, told.reference)
    match told.terms:
        case RefundTerms(amount=amount, reason=reason, at=at):
            return Refund(
                payment_id=payment_id,
                amount=amount,
                reason=reason,
                at=at,
                refund_id=refund_id_of(tenant_id, payment_id, told.name),
                keyed=True,
            )
        case DisputeTerms() as terms:
            dispute = Dispute(payment_id=payment_id, terms=terms, by_event=True)
            return keyed(dispute, tenant_id, told.name)
        case FeesTerms() as terms:
            return keyed(Fees(payment_id=payment_id, terms=terms), tenant_id, told.name)
        case SettlementTerms() as terms:
            return keyed(Settlement(payment_id=payment_id, terms=terms), tenant_id, told.name)
