"""Title, what is shown, the controls, and the state badge."""

from __future__ import annotations

from datetime import datetime

from financeops.core.periods import Period
from financeops.dashboard import icons, texts
from financeops.dashboard.formats import Formats
from financeops.dashboard.markup import Markup, h, join
from financeops.dashboard.model import Connection, DashboardModel
from financeops.dashboard.panel import Action, Panel


class Header:
    """The top of the dashboard.

    Parameters
    ----------
    formats : Formats
    **actions : callable
        ``period`` (with the period chosen), ``pause`` and ``export``.
    """

    def __init__(self, formats: Formats, **actions: Action) -> None:
        self._formats = formats
        self.widget = Panel("header", **actions)

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model."""
        self.widget.html = h(
            "header",
            h(
                "div.fo-brand",
                icons.LOGO,
                h(
                    "div.fo-title",
                    h("h1", texts.TITLE),
                    h("p", h("bdi", model.tenant, data_tenant=True), _detail(model)),
                ),
                badge(model, now, self._formats),
            ),
            h("div.fo-controls", _periods(model), _pause(model), self._export(model)),
        )

    def _export(self, model: DashboardModel) -> Markup:
        busy = model.exported is not None
        text = (
            texts.EXPORTING.format(size=self._formats.size(model.exported or 0))
            if busy
            else texts.EXPORT
        )
        return h(
            "button.fo-button",
            icons.EXPORT,
            h("span", text),
            type="button",
            data_action="export",
            disabled=busy or not model.loaded,
        )


def badge(model: DashboardModel, now: datetime, formats: Formats) -> Markup:
    """How fresh the figures are, in a word and a colour."""
    state, word, detail = _state(model, now, formats)
    return h(
        "div.fo-badge",
        h("span.fo-dot", aria_hidden="true"),
        # Only the word is announced: a counter that is read out every second would chatter.
        h("span.fo-badge-word", word, role="status"),
        h("span.fo-badge-detail", detail, title=texts.LAG_TITLE) if detail else None,
        data_state=state,
    )


def _state(model: DashboardModel, now: datetime, formats: Formats) -> tuple[str, str, str | None]:
    if model.paused:
        missed = texts.MISSED.format(count=formats.count(model.missed))
        return "paused", texts.PAUSED, missed
    detail = None
    match model.connection:
        case Connection.LIVE:
            word = texts.LIVE
            detail = None if model.lag is None else formats.lag(model.lag)
        case Connection.RECONNECTING:
            word = texts.RECONNECTING
            away = model.disconnected_for(now)
            detail = None if away is None else f"{max(0, int(away.total_seconds()))}\u202fs"
        case Connection.STALE:
            word = texts.STALE
        case Connection.CONNECTING:
            word = texts.CONNECTING
    return model.connection.value, word, detail


def _detail(model: DashboardModel) -> Markup | None:
    if not model.loaded:
        return None
    return join(
        h("span", model.currency, data_currency=True),
        h("span.fo-zone", model.timezone),
    )


def _periods(model: DashboardModel) -> Markup:
    return h(
        "div.fo-segments",
        [
            h(
                "button",
                texts.PERIODS[period],
                type="button",
                data_action="period",
                data_value=period.value,
                aria_pressed="true" if period is model.period else "false",
            )
            for period in Period
        ],
        role="group",
        aria_label=texts.PERIOD,
    )


def _pause(model: DashboardModel) -> Markup:
    return h(
        "button.fo-button",
        icons.RESUME if model.paused else icons.PAUSE,
        h("span", texts.RESUME if model.paused else texts.PAUSE),
        type="button",
        data_action="pause",
        data_paused="true" if model.paused else "false",
        disabled=not model.loaded,
    )
