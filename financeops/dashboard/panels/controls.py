"""What the controls of the dashboard do to the model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial

from financeops.core.days import Days
from financeops.core.dimensions import Dimension
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.timeline import Grouping


def controls_of(model: DashboardModel, formats: Formats) -> dict[str, Action]:
    """Return the actions by name; each takes the chosen value."""

    def choose_period(value: str | None) -> None:
        if value is not None:
            model.days = None
            model.period = Period(value)

    def choose_dates(_value: str | None) -> None:
        """Begin with the days that are shown; again, return to the period."""
        model.days = None if model.days else model.shown_days

    def choose_since(value: str | None) -> None:
        choose_days(value, lambda day, days: Days(day, max(day, days.through)))

    def choose_through(value: str | None) -> None:
        choose_days(value, lambda day, days: Days(min(day, days.since), day))

    def choose_days(value: str | None, put: Callable[[date, Days], Days]) -> None:
        """Put a day in; the other end gives way. A date that is not complete is none."""
        if model.days is not None:
            with suppress(ValueError, InvalidValue):
                model.days = put(date.fromisoformat(value or ""), model.days)

    def choose_currency(value: str | None) -> None:
        model.chosen_currency = value

    def choose_method(value: str | None) -> None:
        """Choose a method; the present one again, or none, means all."""
        model.method = None if value == model.method else value or None

    def choose_facet(value: str | None) -> None:
        """Choose a value of a dimension, ``"country:DE"``; the present one again, or none, means all."""
        if value is not None:
            dimension, _, chosen = value.partition(":")
            model.filter_by(Dimension(dimension), chosen or None)

    def break_down(value: str | None) -> None:
        if value is not None:
            model.by = Dimension(value)

    def choose_status(value: str | None) -> None:
        """Choose a status; the present one again, or none, means all."""
        status = Status(value) if value else None
        model.status = None if status == model.status else status

    def choose_group(value: str | None) -> None:
        """Choose what stands together; the present one again means payments one by one."""
        group = Grouping(value or Grouping.PAYMENT)
        model.group = Grouping.PAYMENT if group is model.group else group

    def pause_or_resume(_value: str | None) -> None:
        if not model.paused:
            model.notice = None
            model.paused = True
            return
        came = model.resume()
        model.notice = partial(formats.say, texts.CAUGHT_UP, count=came) if came else None

    return {
        "period": choose_period,
        "dates": choose_dates,
        "since": choose_since,
        "through": choose_through,
        "currency": choose_currency,
        "method": choose_method,
        "facet": choose_facet,
        "status": choose_status,
        "group": choose_group,
        "by": break_down,
        "close": lambda _value: setattr(model, "opened", None),
        "clear": lambda _value: model.clear_filters(),
        "pause": pause_or_resume,
    }
