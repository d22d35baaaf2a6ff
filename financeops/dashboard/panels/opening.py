"""Open a payment: at once as the feed knows it, then as it is."""

from __future__ import annotations

from functools import partial

from financeops.client.rest import Client
from financeops.core.errors import FinanceOpsError
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.state.model import DashboardModel


async def open_payment(
    model: DashboardModel, client: Client, formats: Formats, payment_id: str
) -> None:
    """Show a payment of the feed; what changes from now on comes with the stream."""
    with model.hold_trait_notifications():
        model.openings += 1
        model.opened = model.timeline.payment(payment_id)
    try:
        payment = await client.payment(payment_id, model.tenant)
    except FinanceOpsError as error:
        # What the feed knows stays: it may only lack what happened before the page was opened.
        model.notice = partial(formats.say, texts.OPEN_FAILED, reason=str(error))
        return
    shown = model.opened
    if shown is not None and shown.id == payment_id and payment.updated_at >= shown.updated_at:
        model.opened = payment
