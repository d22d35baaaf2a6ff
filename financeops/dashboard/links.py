"""Links: what the address of a page says about the view, and what it should say.

A parameter that is not there leaves the dashboard's own default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.dashboard.language.words import locale_of
from financeops.dashboard.preferences import Preferences, Theme
from financeops.dashboard.state.model import DashboardModel


class View(Struct, frozen=True, kw_only=True):
    """What is looked at, and how. None is the default.

    The fields have the names of the parameters.
    """

    tenant: str | None = None
    period: Period | None = None
    currency: str | None = None
    method: str | None = None
    status: Status | None = None
    lang: str | None = None
    theme: Theme | None = None


def view_of(parameters: Mapping[str, str]) -> tuple[View, list[str]]:
    """Read an address.

    Parameters
    ----------
    parameters : mapping of str to str
        Of its query; those that are not ours are left alone.

    Returns
    -------
    View
        What it asks for. Whether the tenant exists, only the server knows.
    list of str
        Names of our parameters whose value means nothing.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "tenant": str,
        "period": Period,
        "currency": _currency,
        "method": str,
        "status": Status,
        "lang": _language,
        "theme": Theme,
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
    return View(**fields), odd


class Address:
    """Keeps what is shown and the address of its page in step.

    What is shown when this is made is the default: it needs no parameter.

    Parameters
    ----------
    model : DashboardModel
    preferences : Preferences
    choose_tenant : callable
        Shows another tenant.
    write : callable
        Takes the parameters of the address: None for one that is not needed.
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
        model.observe(self._follow, ["tenant", "period", "chosen_currency", "method", "status"])
        preferences.observe(self._follow, ["theme", "language"])

    def open(self, parameters: Mapping[str, str]) -> list[str]:
        """Show what an address asks for; returns the names of the parameters that mean nothing."""
        asked, odd = view_of(parameters)
        default, model, preferences = self._default, self._model, self._preferences
        tenant = asked.tenant or default.tenant
        if tenant is not None and tenant != model.tenant:
            self._choose_tenant(tenant)
        model.period = asked.period or default.period
        model.chosen_currency = asked.currency or default.currency
        model.method = asked.method or default.method
        model.status = asked.status or default.status
        preferences.theme = asked.theme or default.theme
        preferences.language = asked.lang or default.lang
        return odd

    def _shown(self) -> View:
        model = self._model
        return View(
            tenant=model.tenant,
            period=model.period,
            currency=model.chosen_currency,
            method=model.method,
            status=model.status,
            lang=self._preferences.language,
            theme=self._preferences.theme,
        )

    def _follow(self, _change: object) -> None:
        shown = self._shown()
        self._write(
            {
                name: None if value == getattr(self._default, name) else value
                for name in View.__struct_fields__
                for value in [getattr(shown, name)]
            }
        )


def _currency(text: str) -> str:
    exponent(text)
    return text


def _language(text: str) -> str:
    locale = locale_of(text)
    if locale is None:
        raise ValueError(text)
    return str(locale).replace("_", "-")
