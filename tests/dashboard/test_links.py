"""Links: the view that an address opens, and how it follows the viewer's choices."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from financeops.client.query import keywords_of
from financeops.core.days import Days
from financeops.core.dimensions import Dimension
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.dashboard import Dashboard
from financeops.dashboard.links import View, view_of
from financeops.dashboard.preferences import Preferences, Theme
from financeops.dashboard.state.timeline import Grouping
from tests.dashboard.snapshots import snapshot

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
LINK = {
    "tenant": "shop_2",
    "period": "month",
    "currency": "EUR",
    "method": "card",
    "status": "failed",
    "group": "order",
    "processor": "adyen",
    "network": "visa",
    "funding": "credit",
    "country": "DE",
    "issuerCountry": "-",
    "channel": "other",
    "authentication": "none",
    "by": "issuerCountry",
    "lang": "de-AT",
    "theme": "dark",
}


@pytest.fixture
def dashboard():
    return Dashboard(now=lambda: AS_OF)


def open_page(dashboard, languages=("en-GB",), **parameters):
    """Send what the page sends when a browser shows it."""
    dashboard._page._handle_custom_msg(
        {"opened": parameters, "languages": list(languages), "has": 0}, []
    )


def press(dashboard, action, value):
    dashboard.screen.header.widget._handle_custom_msg({"action": action, "value": value}, [])


def load(dashboard):
    dashboard.model.load(snapshot([], as_of=AS_OF, zone=ZoneInfo("UTC")))


def test_a_link_is_read():
    assert view_of(LINK) == (
        View(
            tenant="shop_2",
            period=Period.MONTH,
            currency="EUR",
            method="card",
            status=Status.FAILED,
            group=Grouping.ORDER,
            facets=tuple((each, LINK[each]) for each in list(Dimension)[1:]),
            by=Dimension.ISSUER_COUNTRY,
            lang="de-AT",
            theme=Theme.DARK,
        ),
        [],
    )
    assert view_of({"currency": "reporting"}) == (View(currency="reporting"), [])
    assert view_of({}) == view_of({"utm_source": "mail", "period": ""}) == (View(), [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("period", "fortnight"),
        ("currency", "EURO"),
        ("currency", "Reporting"),
        ("currency", "XAU"),
        ("status", "pending"),
        ("lang", "xx"),
        ("lang", "../../etc"),
        ("theme", "pink"),
        ("group", "customer"),
    ],
)
def test_an_invalid_value_is_ignored_and_named(name, value):
    assert view_of({**LINK, name: value})[1] == [name]
    assert getattr(view_of({name: value})[0], name) is None


@pytest.mark.parametrize(
    ("given", "odd"),
    [
        ({"since": "2026-10-01"}, ["since"]),
        ({"through": "2026-10-01"}, ["through"]),
        ({"since": "2026-10-02", "through": "2026-10-01"}, ["since", "through"]),
        ({"since": "2026-10-01", "through": "2100-01-01"}, ["since", "through"]),
        ({"since": "October", "through": "2026-10-01"}, ["since", "through"]),
    ],
)
def test_dates_come_together_and_in_order(given, odd):
    view, named = view_of(given)
    assert (view.days, sorted(named)) == (None, odd)


def test_dates_in_a_link_are_chosen_instead_of_a_period(dashboard):
    load(dashboard)
    open_page(dashboard, period="week", since="2026-10-01", through="2026-10-31")

    model = dashboard.model
    assert model.days == Days(date(2026, 10, 1), date(2026, 10, 31))
    assert model.question == Question(window=model.days.window(model.zone))
    assert dashboard._page.address["since"] == "2026-10-01"
    assert dashboard._page.address["period"] is None

    press(dashboard, "through", "2026-09-30")  # the other end gives way
    assert model.days == Days(date(2026, 9, 30), date(2026, 9, 30))
    press(dashboard, "since", "")  # while one types a date
    press(dashboard, "since", "0026-10-01")
    assert model.days == Days(date(2026, 9, 30), date(2026, 9, 30))

    press(dashboard, "period", "week")
    assert model.days is None
    assert {name: value for name, value in dashboard._page.address.items() if value} == {
        "period": "week"
    }


def test_a_link_opens_its_view_in_a_dashboard_that_showed_another_one(dashboard):
    load(dashboard)

    open_page(dashboard, **LINK)

    model = dashboard.model
    assert not model.loaded, "figures of the other tenant are gone"
    assert (model.tenant, model.period, model.chosen_currency) == ("shop_2", Period.MONTH, "EUR")
    assert (model.method, model.status) == ("card", Status.FAILED)
    assert keywords_of(model.question).items() >= {"country": "DE", "issuer_country": "-"}.items()
    assert len(model.facets) == 7
    assert dashboard._page.look == {
        "theme": "dark",
        "lang": "de-AT",
        "dir": "ltr",
    }
    assert dashboard._page.tab["title"] == "Zahlungen live"
    assert "Zahlungen live" in dashboard.screen.header.widget.html
    assert dashboard._page.address == {**LINK, "since": None, "through": None}


def test_a_page_without_parameters_shows_the_default_and_has_a_short_address(dashboard):
    load(dashboard)
    open_page(dashboard)

    assert dashboard.model.loaded
    assert not any(dashboard._page.address.values())


def test_the_address_follows_choices(dashboard):
    load(dashboard)
    open_page(dashboard, tenant="tenant_1")

    press(dashboard, "period", "year")
    press(dashboard, "theme", "light")
    press(dashboard, "language", "ar")

    address = dashboard._page.address
    assert {name: value for name, value in address.items() if value is not None} == {
        "period": "year",
        "theme": "light",
        "lang": "ar",
    }
    assert dashboard._page.look["dir"] == "rtl"


def test_invalid_parameters_are_named(dashboard):
    load(dashboard)

    open_page(dashboard, period="fortnight", theme="pink")

    assert dashboard.model.period is Period.DAY
    assert dashboard.model.notice() == (
        "These parts of the link are not understood and left out: period, theme"
    )


def test_the_constructor_sets_the_default_that_a_link_changes():
    dashboard = Dashboard(
        tenant="shop_2", period="week", locale="de", theme="dark", now=lambda: AS_OF
    )
    assert "Zahlungen live" in dashboard.screen.header.widget.html

    open_page(dashboard, lang="en")

    assert dashboard.model.tenant == "shop_2"
    assert dashboard._page.look["theme"] == "dark"
    assert "Live payments" in dashboard.screen.header.widget.html
    assert {name for name, value in dashboard._page.address.items() if value} == {"lang"}


@pytest.mark.parametrize("options", [{"locale": "xx"}, {"theme": "pink"}, {"period": "decade"}])
def test_the_constructor_accepts_only_valid_values(options):
    with pytest.raises((InvalidValue, ValueError)):
        Dashboard(**options)


@pytest.mark.parametrize(
    ("chosen", "browser", "locale"),
    [
        (None, [], "en"),
        (None, ["fr-FR", "de-CH", "en"], "de_CH"),
        (None, ["fr", "*", "x"], "en"),
        ("de", ["en-GB", "de-AT"], "de_AT"),
        ("ar", ["en-GB"], "ar"),
        ("en-GB", ["en-US"], "en_GB"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browser_s(chosen, browser, locale):
    preferences = Preferences(language=chosen)
    preferences.browser = browser

    assert str(preferences.locale) == locale
