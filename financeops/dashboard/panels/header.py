"""Title, selection, controls, and the state badge."""

from __future__ import annotations

from datetime import datetime

from financeops.core.days import EARLIEST_DAY, LATEST_DAY
from financeops.core.periods import Period, day_of
from financeops.core.reporting import REPORTING
from financeops.dashboard.html import icons
from financeops.dashboard.html.choice import choice
from financeops.dashboard.html.markup import Markup, h, join
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.preferences import Preferences, controls
from financeops.dashboard.state.model import Connection, DashboardModel


class Header:
    """The top of the dashboard.

    Parameters
    ----------
    formats : Formats
    preferences : Preferences
    **actions : callable
        ``period``, ``since``, ``through``, ``currency``, ``language`` and ``theme`` (with what was
        chosen), ``dates``, ``pause`` and ``export``.
    """

    def __init__(self, formats: Formats, preferences: Preferences, **actions: Action) -> None:
        self._formats = formats
        self._preferences = preferences
        self.widget = Panel("header", **actions)

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model."""
        say = self._formats.say
        self.widget.html = h(
            "header",
            h(
                "div.fo-brand",
                icons.LOGO,
                h(
                    "div.fo-title",
                    h("h1", say(texts.TITLE)),
                    h(
                        "p",
                        h("span", h("bdi", model.tenant, data_tenant=True)),
                        self._detail(model),
                    ),
                ),
                badge(model, now, self._formats),
            ),
            h(
                "div.fo-controls",
                self._periods(model),
                self._days(model),
                self._pause(model),
                self._export(model),
                controls(self._preferences, self._formats),
            ),
        )

    def _detail(self, model: DashboardModel) -> Markup | None:
        if not model.loaded:
            return None
        say = self._formats.say
        chosen = model.chosen_currency or model.currency
        everything = chosen == REPORTING
        several = sorted({*model.currencies, *(() if everything else (chosen,))})
        options = {code: code for code in several}
        if everything:
            options[REPORTING] = say(texts.ALL_IN, currency=model.currency)
        else:
            options[REPORTING] = say(texts.ALL_CURRENCIES)
        return join(
            h(
                "span",
                choice(
                    "currency",
                    options,
                    chosen,
                    label=say(texts.CURRENCY),
                ),
            )
            if len(several) > 1 or everything
            else h("span", h("bdi", model.currency, data_currency=True)),
            h("span.fo-zone", h("bdi", model.timezone)),
        )

    def _export(self, model: DashboardModel) -> Markup:
        busy = model.exported is not None
        say = self._formats.say
        size = self._formats.size(model.exported or 0)
        text = say(texts.EXPORTING, size=size) if busy else say(texts.EXPORT)
        return h(
            "button.fo-button",
            icons.EXPORT,
            h("span", text),
            type="button",
            data_action="export",
            aria_busy="true" if busy else None,
            disabled=busy or not model.loaded,
        )

    def _periods(self, model: DashboardModel) -> Markup:
        return h(
            "div.fo-segments",
            [
                h(
                    "button",
                    self._formats.say(texts.PERIODS[period]),
                    type="button",
                    data_action="period",
                    data_value=period.value,
                    aria_pressed="true" if period is model.period and not model.days else "false",
                )
                for period in Period
            ],
            h(
                "button",
                icons.CALENDAR,
                h("span.fo-hidden", self._formats.say(texts.DATES)),
                type="button",
                title=self._formats.say(texts.DATES),
                data_action="dates",
                data_toggles=True,
                aria_pressed="true" if model.days else "false",
                disabled=not model.loaded,
            ),
            role="group",
            aria_label=self._formats.say(texts.PERIOD),
        )

    def _days(self, model: DashboardModel) -> Markup | None:
        days = model.days
        if days is None:
            return None
        last = LATEST_DAY if model.as_of is None else day_of(model.as_of, model.zone)
        return h(
            "div.fo-days",
            [
                h(
                    "label",
                    h("span", self._formats.say(name)),
                    h(
                        "input",
                        type="date",
                        value=str(day),
                        min=str(EARLIEST_DAY),
                        max=str(max(last, days.through)),
                        data_action=action,
                    ),
                    data_key=action,
                )
                for action, name, day in (
                    ("since", texts.SINCE, days.since),
                    ("through", texts.THROUGH, days.through),
                )
            ],
            role="group",
            aria_label=self._formats.say(texts.DATES),
        )

    def _pause(self, model: DashboardModel) -> Markup:
        return h(
            "button.fo-button",
            icons.RESUME if model.paused else icons.PAUSE,
            h("span", self._formats.say(texts.RESUME if model.paused else texts.PAUSE)),
            type="button",
            data_action="pause",
            data_paused="true" if model.paused else "false",
            disabled=not model.loaded,
        )


def badge(model: DashboardModel, now: datetime, formats: Formats) -> Markup:
    """Return a badge: a word and a colour for how fresh the figures are."""
    state, word, detail = _state(model, now, formats)
    return h(
        "div.fo-badge",
        h("span.fo-dot", aria_hidden="true"),
        # Screen readers announce only the word, not a counter that changes every second.
        h("span.fo-badge-word", word, role="status"),
        h("bdi.fo-badge-detail", detail, title=formats.say(texts.LAG_TITLE)) if detail else None,
        data_state=state,
    )


def _state(model: DashboardModel, now: datetime, formats: Formats) -> tuple[str, str, str | None]:
    say = formats.say
    if model.paused:
        return "paused", say(texts.PAUSED), say(texts.MISSED, count=model.missed)
    if model.error is not None and not model.loaded:
        return "none", say(texts.NO_FIGURES), None
    detail = None
    connection: Connection = model.connection
    match connection:
        case Connection.LIVE if model.slow:
            return "loading", say(texts.LOADING_FIGURES), None
        case Connection.LIVE:
            word = say(texts.LIVE)
            detail = None if model.lag is None else formats.lag(model.lag)
        case Connection.RECONNECTING:
            word = say(texts.RECONNECTING)
            away = model.disconnected_for(now)
            detail = None if away is None else formats.seconds(away)
        case Connection.STALE:
            word = say(texts.STALE)
        case Connection.CONNECTING:
            word = say(texts.CONNECTING)
    return model.connection.value, word, detail
