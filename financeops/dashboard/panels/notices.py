"""Notices for when there are no figures, or old ones."""

from __future__ import annotations

from decimal import Decimal

from financeops.core.errors import Busy, NotFound, Unavailable
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.model import Connection, DashboardModel
from financeops.dashboard.state.totals import Figures

_NAMED = 5
"""Most currencies that a notice names."""


class Notice:
    """A line or a full screen that says what is wrong and what to do."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("notice")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        self.widget.html = self._notice(model)

    def _notice(self, model: DashboardModel) -> Markup:
        say = self._formats.say
        if not model.loaded:
            return self._skeleton() if model.error is None else self._error(model)
        if model.empty:
            command = h("code", texts.EMPTY_COMMAND, dir="ltr", lang="en")
            return _full(say(texts.EMPTY), say(texts.EMPTY_HINT), command, state="empty")
        if model.connection in {Connection.RECONNECTING, Connection.STALE}:
            reconnecting = model.connection is Connection.RECONNECTING
            hint = texts.RECONNECTING_HINT if reconnecting else texts.STALE_HINT
            return _line(say(hint, time=self._time(model)), state=model.connection.value)
        if model.counting:
            return _line(say(texts.COUNTING_HINT, time=self._time(model)), state="counting")
        if model.recording is not None:
            share = self._formats.percent(Decimal(100 * model.recording), decimals=0)
            return _line(say(texts.RECORDING, share=share), state="recording")
        if model.notice:
            return _line(model.notice(), state="said")
        return self._unconverted(model.figures) or h("div")

    def _time(self, model: DashboardModel) -> str:
        """Until when the figures that are shown are complete."""
        assert model.fresh_at is not None, "loaded figures have a time"
        local = model.fresh_at.astimezone(model.zone)
        return self._formats.clock(model.fresh_at, model.zone, local.date())

    def _unconverted(self, figures: Figures) -> Markup | None:
        """Say which payments are in none of the figures."""
        if figures.unconverted is None or not figures.unconverted[0]:
            return None
        count, currencies = figures.unconverted
        named = [*currencies[:_NAMED], *("…" for _ in currencies[_NAMED : _NAMED + 1])]
        text = self._formats.say(texts.UNCONVERTED, count=count, currencies=", ".join(named))
        return _line(text, state="unconverted")

    def _error(self, model: DashboardModel) -> Markup:
        say = self._formats.say
        # The error message is for administrators, and in English.
        reason = h("p.fo-quiet", str(model.error), dir="ltr", lang="en")
        match model.error:
            case NotFound():
                tenant = h("code", h("bdi", model.tenant, data_tenant=True))
                hint = say(texts.NOT_FOUND_HINT)
                return _full(say(texts.NOT_FOUND), hint, tenant, state="not-found")
            case Busy() if model.facets:
                hint = say(texts.BUSY_HINT)
                return _full(say(texts.COUNTING), hint, reason, state="counting")
            case Busy():
                return _full(say(texts.BUSY), say(texts.BUSY_HINT), reason, state="busy")
            case Unavailable():
                hint = say(texts.NOT_REACHED_HINT)
                return _full(say(texts.NOT_REACHED), hint, reason, state="not-reached")
            case _:
                return _full(say(texts.FAILED), None, reason, state="failed")

    def _skeleton(self) -> Markup:
        """Return grey shapes in the places of the figures."""
        return h(
            "div.fo-skeleton",
            h("span.fo-hidden", self._formats.say(texts.LOADING), role="status"),
            h("div.fo-card-row", [h("div.fo-card") for _ in range(4)]),
            h("div.fo-skeleton-charts", h("div.fo-box"), h("div.fo-box")),
            h("div.fo-box"),
            data_notice="loading",
        )


def _full(title: str, hint: str | None, more: Markup, *, state: str) -> Markup:
    return h(
        "section.fo-box.fo-full",
        h("h2", title),
        h("p", hint) if hint else None,
        more,
        role="status",
        data_notice=state,
    )


def _line(text: str, *, state: str) -> Markup:
    return h("p.fo-line", text, role="status", data_notice=state)
