"""Links: the parameters in the address of a page, and the view that they describe.

A parameter that is missing leaves the default of the dashboard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from msgspec import Struct

from financeops.core.days import Days
from financeops.core.dimensions import Dimension
from financeops.core.errors import InvalidValue
from financeops.core.facets import FACETED, Facets, check_facet, facets_of
from financeops.core.money import exponent
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.reporting import REPORTING
from financeops.dashboard.language.words import locale_of
from financeops.dashboard.preferences import Preferences, Theme
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.timeline import Grouping


class View(Struct, frozen=True, kw_only=True):
    """What to show, and how. None is the default.

    The fields have the names of the parameters, but for `facets`, of which each has its own. `since`
    and `through` come together.
    """

    tenant: str | None = None
    period: Period | None = None
    since: date | None = None
    through: date | None = None
    currency: str | None = None
    method: str | None = None
    status: Status | None = None
    group: Grouping | None = None
    facets: Facets | None = None
    by: Dimension | None = None
    lang: str | None = None
    theme: Theme | None = None

    @property
    def days(self) -> Days | None:
        """The dates that are asked for, instead of a period."""
        return Days(self.since, self.through) if self.since and self.through else None


def view_of(parameters: Mapping[str, str]) -> tuple[View, list[str]]:
    """Read an address.

    Parameters
    ----------
    parameters : mapping of str to str
        Parameters of its query; unknown ones are ignored.

    Returns
    -------
    View
        What it asks for. Only the server knows whether the tenant exists.
    list of str
        Names of the known parameters whose value is invalid.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "tenant": str,
        "period": Period,
        "since": date.fromisoformat,
        "through": date.fromisoformat,
        "currency": _currency,
        "method": str,
        "status": Status,
        "group": Grouping,
        "by": Dimension,
        "lang": _language,
        "theme": Theme,
        **{name: partial(check_facet, name) for name in FACETED},
    }
    fields: dict[str, Any] = {}
    odd = []
    for name, read in readers.items():
        text = parameters.get(name, "")
        if text:
            try:
                fields[name] = read(text)
            except (ValueError, InvalidValue):
                odd.append(name)
    if not _days_in(fields):
        odd += [name for name in ("since", "through") if fields.pop(name, None)]
    facets = facets_of({name: fields.pop(name, None) for name in FACETED})
    return View(**fields, facets=facets or None), odd


class Address:
    """Keeps the view and the address of its page in step.

    The view at the time of creation is the default, which needs no parameters.

    Parameters
    ----------
    model : DashboardModel
    preferences : Preferences
    choose_tenant : callable
        Called to show another tenant.
    write : callable
        Called with the parameters of the address: None for one to remove.
    """

    def __init__(
        self,
        model: DashboardModel,
        preferences: Preferences,
        *,
        choose_tenant: Callable[[str], None],
        write: Callable[[dict[str, str | None]], None],
    ) -> None:
        self._model = model
        self._preferences = preferences
        self._choose_tenant = choose_tenant
        self._write = write
        self._default = self._shown()
        model.observe(
            self._follow,
            [
                *("tenant", "period", "days", "chosen_currency"),
                *("method", "status", "group", "facets", "by"),
            ],
        )
        preferences.observe(self._follow, ["theme", "language"])

    def open(self, parameters: Mapping[str, str]) -> list[str]:
        """Show what an address asks for; return the names of invalid parameters."""
        view, odd = view_of(parameters)
        default, model, preferences = self._default, self._model, self._preferences
        tenant = view.tenant or default.tenant
        if tenant is not None and tenant != model.tenant:
            self._choose_tenant(tenant)
        model.period = view.period or default.period or Period.DAY
        model.days = view.days or default.days
        model.chosen_currency = view.currency or default.currency
        model.method = view.method or default.method
        model.status = view.status or default.status
        model.group = view.group or default.group or Grouping.PAYMENT
        model.facets = view.facets or ()
        model.by = view.by or default.by or Dimension.METHOD
        preferences.theme = view.theme or default.theme
        preferences.language = view.lang or default.lang
        return odd

    def _shown(self) -> View:
        model = self._model
        return View(
            tenant=model.tenant,
            # Where days are chosen, the period is not.
            period=model.period if model.days is None else None,
            since=None if model.days is None else model.days.since,
            through=None if model.days is None else model.days.through,
            currency=model.chosen_currency,
            method=model.method,
            status=model.status,
            group=model.group,
            facets=model.facets,
            by=model.by,
            lang=self._preferences.language,
            theme=self._preferences.theme,
        )

    def _follow(self, _change: object) -> None:
        shown = self._shown()
        facets = dict(shown.facets or ())
        self._write(
            {
                name: None if value in {None, getattr(self._default, name)} else str(value)
                for name in View.__struct_fields__
                if name != "facets"
                for value in [getattr(shown, name)]
            }
            | {name: facets.get(name) for name in FACETED}
        )


def _days_in(fields: Mapping[str, Any]) -> bool:
    """Whether both ends are given, and in order."""
    try:
        Days(fields["since"], fields["through"])
    except (KeyError, InvalidValue):
        return False
    return True


def _currency(text: str) -> str:
    if text != REPORTING:
        exponent(text)
    return text


def _language(text: str) -> str:
    locale = locale_of(text)
    if locale is None:
        raise ValueError(text)
    return str(locale).replace("_", "-")
