"""One payment: what happened to it, and all that it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter

from financeops.core.disputes import Disputed
from financeops.core.payments import Payment, Status
from financeops.dashboard.html.markup import Markup, h, words
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.state.model import DashboardModel


class PaymentPanel:
    """The payment that a viewer opened, over everything else; it follows what happens to it.

    Parameters
    ----------
    formats : Formats
    **actions : callable
        ``close``.
    """

    def __init__(self, formats: Formats, **actions: Action) -> None:
        self._formats = formats
        self.widget = Panel("payment", **actions)

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model."""
        payment = model.opened
        if payment is None:
            self.widget.html = ""
            return
        say = self._formats.say
        today = now.astimezone(model.zone).date()

        def clock(at: datetime) -> Markup:
            shown = self._formats.clock(at, model.zone, today)
            return h("time", h("bdi", shown), datetime=at.isoformat())

        self.widget.html = h(
            "dialog",
            h(
                "div.fo-dialog",
                h(
                    "form",
                    h("h2", say(texts.PAYMENT), id="fo-payment-title"),
                    h("button.fo-button", say(texts.CLOSE)),
                    method="dialog",
                ),
                h(
                    "p",
                    h("strong", h("bdi", self._formats.money(payment.amount, payment.currency))),
                    h("span.fo-status", say(texts.STATUSES[payment.status])),
                    data_status=payment.status.value,
                ),
                h("h3", say(texts.HAPPENED)),
                h(
                    "ol",
                    [h("li", clock(at), h("span", what)) for at, what in self._history(payment)],
                ),
                h("h3", say(texts.DETAILS)),
                h(
                    "dl",
                    [
                        h("div", h("dt", name), h("dd", h("bdi", words(value))))
                        for name, value in self._details(payment)
                    ],
                ),
            ),
            # Opened again at once, it is another one: the page may not have seen that there was none.
            data_key=f"{payment.id}-{model.openings}",
            aria_labelledby="fo-payment-title",
        )

    def _history(self, payment: Payment) -> Iterator[tuple[datetime, str]]:
        """What happened when, earliest first."""
        yield from sorted(self._acts(payment), key=itemgetter(0))

    def _acts(self, payment: Payment) -> Iterator[tuple[datetime, str]]:
        say = self._formats.say
        failed = payment.status is Status.FAILED
        yield payment.created_at, say(texts.STATUSES[Status.FAILED if failed else Status.SUCCESS])
        single = payment.refunds or ()
        for each in single:
            amount = self._formats.money(each.amount, payment.currency)
            said = say(texts.PART_REFUNDED, amount=amount)
            yield each.at, f"{said}: {each.reason}" if each.reason else said
        # What was given back as a whole, or came with an import, is no refund of its own.
        rest = payment.returned - sum(each.amount for each in single)
        if payment.refunded_at is not None and (rest or not single):
            amount = self._formats.money(rest, payment.currency)
            yield payment.refunded_at, say(texts.PART_REFUNDED, amount=amount)

        for fee in payment.fees or ():
            amount = self._formats.money(fee.amount, payment.currency)
            yield fee.at, say(texts.FEE, kind=say(texts.FEE_KINDS[fee.kind]), amount=amount)
        if payment.dispute is not None:
            yield from self._dispute(payment.dispute, payment.currency)
        if payment.settled_at is not None:
            said = say(texts.PAID_OUT, payout=payment.payout_id or "")
            if payment.settled_amount is not None and payment.settled_currency is not None:
                amount = self._formats.money(payment.settled_amount, payment.settled_currency)
                said = f"{said}, {amount}"
            yield payment.settled_at, said

    def _dispute(self, dispute: Disputed, currency: str) -> Iterator[tuple[datetime, str]]:
        say = self._formats.say
        if dispute.opened_at is not None:
            said = say(texts.DISPUTED, amount=self._formats.money(dispute.amount, currency))
            yield dispute.opened_at, f"{said}: {dispute.reason}" if dispute.reason else said
        if dispute.closed_at is not None:
            yield dispute.closed_at, say(texts.DISPUTES[dispute.status])

    def _details(self, payment: Payment) -> Iterator[tuple[str, str]]:
        """The name and the value of all that the payment says."""
        say, named = self._formats.say, self._formats.named
        yield say(texts.METHOD), named(payment.method, texts.METHODS)
        if reason := payment.decline_code:
            yield say(texts.REASON), named(reason, texts.REASONS)
        if payment.failure_stage is not None:
            yield say(texts.STAGE), say(texts.STAGES[payment.failure_stage])
        if payment.decline_kind is not None:
            yield say(texts.ANOTHER_TRY), say(texts.TRIES[payment.decline_kind])
        if payment.bin or payment.last4:
            yield say(texts.CARD), f"{payment.bin or ''} … {payment.last4 or ''}".strip()
        if payment.fee_amount is not None:
            yield say(texts.FEES), self._formats.money(payment.fee_amount, payment.currency)
        if (currency := payment.reporting_currency) is not None:
            yield say(texts.CONVERTED), self._converted(payment, currency)
        for field, name in texts.PAYMENT_FIELDS.items():
            if (value := getattr(payment, field)) is not None:
                yield say(name), str(value)
        yield from (payment.metadata or {}).items()

    def _converted(self, payment: Payment, currency: str) -> str:
        """What it is in its tenant's own currency, and by which rate."""
        say = self._formats.say
        if payment.reporting_amount is None:
            return say(texts.NO_RATE, currency=payment.currency)
        return say(
            texts.AT_RATE,
            amount=self._formats.money(payment.reporting_amount, currency),
            rate=payment.rate or "",
            day=payment.rate_date or "",
            source=payment.rate_source or "",
        )
