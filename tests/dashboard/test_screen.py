"""What is on the screen, read from the widgets' state without a browser."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from msgspec.structs import replace

from financeops.core.acts import GivenBack
from financeops.core.days import Days
from financeops.core.dimensions import Dimension
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import Busy, InvalidValue, NotFound, Unavailable
from financeops.core.fees import Fee, FeeKind
from financeops.core.payments import Change, Earlier, Status
from financeops.core.periods import Period
from financeops.dashboard.app import Dashboard
from financeops.dashboard.state.model import Connection
from tests.builders import change, payment
from tests.dashboard.snapshots import snapshot

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
ODD = [
    "a tenant name of sixty letters that goes on and on and on and on",
    "مدفوعات",
    "</td><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
    "\0 \n \t",
    "🦄" * 20,
    "",
]
"""Names that nobody expects."""

UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def dashboard():
    """A dashboard that the test feeds and that follows no server."""
    return Dashboard(now=lambda: AS_OF)


def load(dashboard, payments=(), *, seq=0, **options):
    period = dashboard.model.days or dashboard.model.period
    dashboard.model.load(
        snapshot(payments, as_of=AS_OF, zone=UTC_ZONE, period=period, seq=seq, **options)
    )
    dashboard.model.connection = Connection.LIVE
    dashboard.paint()


def paid(n=1, **fields):
    ordinary = {"id": f"{n:024x}", "created_at": AS_OF - timedelta(minutes=n)}
    return payment(**{**ordinary, **fields})


def text(part):
    """Return the text that a person reads in a part or a panel."""
    panel = getattr(part, "widget", part)
    return " ".join(re.sub(r"<[^>]*>", " ", panel.html).split())


def figure(dashboard, name):
    """Value of a card."""
    html = dashboard.screen.cards.widget.html
    found = re.search(rf'data-figure="{name}"[^>]*>(?:<bdi>)?([^<]*)<', html)
    assert found is not None
    return found[1]


def badge(dashboard):
    found = re.search(r'class="fo-badge" data-state="(\w+)"', dashboard.screen.header.widget.html)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("language", "titles", "without"),
    [
        ("en", ["Live payments", "Live · Live payments", "Paused · Live payments"], "No figures"),
        (
            "de",
            ["Zahlungen live", "Live · Zahlungen live", "Angehalten · Zahlungen live"],
            "Keine Zahlen",
        ),
        (
            "ar",
            ["المدفوعات المباشرة", "مباشر · المدفوعات المباشرة", "متوقف · المدفوعات المباشرة"],
            "لا أرقام",
        ),
    ],
)
def test_tab_and_badge_say_how_it_goes_in_each_language(dashboard, language, titles, without):
    dashboard.preferences.language = language

    def tab():
        return dashboard._page.tab["state"], dashboard._page.tab["title"]

    assert tab() == ("none", titles[0])
    load(dashboard)
    assert tab() == ("live", titles[1])
    dashboard.model.paused = True
    assert tab() == ("paused", titles[2])
    dashboard.model.paused = False
    for connection in (Connection.RECONNECTING, Connection.STALE):
        dashboard.model.connection = connection
        assert tab()[0] == "trouble"
    dashboard.model.loaded = False
    for error in (NotFound("no such tenant"), Unavailable("away"), InvalidValue("period", "odd")):
        dashboard.model.error = error
        assert tab()[0] == "trouble"
        dashboard.paint()
        assert badge(dashboard) == "none"
        assert without in text(dashboard.screen.header)
    load(dashboard)
    assert badge(dashboard) == "live"


@pytest.mark.parametrize("reasons", [1, 10, 11, 25])
def test_the_reasons_add_up_to_all_failures_however_many_there_are(dashboard, reasons):
    failures = [
        paid(10 * n + m, status="failed", decline_code=f"reason_{n}", amount=700 * n + m)
        for n in range(reasons)
        for m in range(n % 7 + 1)
    ]
    load(dashboard, [paid(1), *failures], seq=1)

    lines = re.findall(r"<tr data-key.*?</tr>|<tr data-others.*?</tr>", rows(dashboard))
    counts = [int(re.search(r"<td[^>]*><bdi>(\d+)<", line)[1]) for line in lines]
    assert sum(counts) == len(failures)
    assert len(lines) == min(reasons, 11)
    others = [line for line in lines if "Other reasons" in line]
    assert len(others) == (reasons > 10)
    if others:
        assert f"Other reasons ({reasons - 10})" in others[0]
        share = round(100 * counts[-1] / len(failures))
        assert f"<bdi>{share}%</bdi>" in others[0]


def test_failures_are_shown_by_stage_with_what_another_try_may_bring(dashboard):
    said = [("declined", "soft"), ("declined", "hard"), ("blocked", "hard"), (None, None)]
    failures = [
        paid(n, status="failed", failure_stage=stage, decline_kind=kind)
        for n, (stage, kind) in enumerate(said)
    ]
    load(dashboard, [paid(4), *failures], seq=1)
    shown = text(dashboard.screen.declines)
    assert "Blocked by risk rules 1 Declined by the issuer 3" in shown
    assert "Abandoned" not in shown
    assert "1 worth another try 2 not worth another try Authorization rate 25.0%" in shown

    dashboard.model.receive(change(2, id="f" * 24, status="failed", failure_stage="abandoned"))
    dashboard.paint()
    assert "Declined by the issuer 3 Abandoned 1" in text(dashboard.screen.declines)


def test_a_payment_that_is_open_says_all_that_it_knows_and_follows_what_happens(dashboard):
    sold = paid(
        1,
        amount=2_000,
        refunded_amount=500,
        refunds=(GivenBack(at=AS_OF, id="a", amount=500, reason="<b>late</b>"),),
        order_id="order 7",
        bin="424242",
        last4="4242",
        metadata={"shop": "Mitte"},
        attempt=2,
        fee_amount=35,
        fees=(Fee(at=AS_OF, kind=FeeKind.PROCESSING, amount=35),),
        dispute=Disputed(
            id="dp", amount=2_000, status=DisputeStatus.LOST, opened_at=AS_OF, closed_at=AS_OF
        ),
        payout_id="po 1",
        settled_at=AS_OF + timedelta(days=2),
        settled_amount=1_850,
        settled_currency="EUR",
        reporting_currency="JPY",
        reporting_amount=3_100,
        rate="155.2",
        rate_date="2026-03-09",
        rate_source="ecb",
    )
    load(dashboard, [sold], seq=1)
    assert dashboard.screen.payment.widget.html == ""
    dashboard.model.opened = dashboard.model.timeline.payment(sold.id)
    dashboard.paint()
    shown = text(dashboard.screen.payment)
    for said in (
        "$20.00",
        "$5.00 refunded: &lt;b&gt;late",
        "order 7",
        "424242 … 4242",
        "shop Mitte",
        "Paid out: po 1, €18.50",
        "Converted ¥3,100, at 155.2 of 2026-03-09 (ecb)",
    ):
        assert said in shown
    assert "Stage" not in shown

    whole = replace(
        sold, status=Status.REFUNDED, refunded_at=AS_OF + timedelta(hours=1), refunded_amount=2_000
    )
    refunded = Change(
        seq=2,
        at=AS_OF + timedelta(hours=1),
        payment=whole,
        previous_status=Status.SUCCESS,
        previous_refunded=500,
    )
    dashboard.model.receive(refunded)
    dashboard.paint()
    assert "$15.00 refunded" in text(dashboard.screen.payment)
    dashboard.model.receive(replace(refunded, seq=3, removed=True))
    dashboard.paint()
    assert dashboard.screen.payment.widget.html == ""


def rows(dashboard):
    return dashboard.screen.declines.widget.html.partition("<tbody>")[2]


def test_the_cards_show_the_figures(dashboard):
    earlier = paid(2, amount=5_000, created_at=AS_OF - timedelta(days=1, minutes=30))
    load(dashboard, [earlier, paid(1, amount=1_234_550), paid(3, status="failed")], seq=3)

    assert figure(dashboard, "total_volume") == "$12,345.50"
    assert figure(dashboard, "success_rate") == "50.0%"
    assert figure(dashboard, "average_amount") == "$12,345.50"
    assert figure(dashboard, "peak_hour") == "12:00"
    assert "-50.0 pp" in text(dashboard.screen.cards)


def test_a_sentence_sums_up_the_period_and_what_grew(dashboard):
    yesterday = [paid(n, created_at=AS_OF - timedelta(days=1, hours=1)) for n in range(50)]
    today = [
        paid(100 + n, **({"status": "failed", "decline_code": "expired_card"} if n % 2 else {}))
        for n in range(50)
    ]
    load(dashboard, yesterday + today, seq=100)
    assert 'data-course="below"' in dashboard.screen.verdict.widget.html
    said = text(dashboard.screen.verdict)
    assert "clearly down: 50.0% (period before: 100.0%)" in said
    assert "Expired card, 50.0% of payments (before: 0.0%)" in said


def test_no_data_is_not_zero(dashboard):
    load(dashboard, [paid(currency="EUR")], seq=1)

    assert figure(dashboard, "total_volume") == "$0.00"
    for name in ("success_rate", "average_amount", "peak_hour"):
        assert figure(dashboard, name) == "no data"
    assert "nothing to compare with" in text(dashboard.screen.cards)


def test_a_change_reaches_every_part(dashboard):
    load(dashboard, [paid(1, amount=1000)], seq=1)

    dashboard.model.receive(
        change(
            2,
            id="f" * 24,
            amount=500,
            method="paypal",
            status="failed",
            decline_code="expired_card",
            created_at=AS_OF,
        )
    )
    dashboard.paint()

    screen = dashboard.screen
    assert figure(dashboard, "success_rate") == "50.0%"
    assert list(screen.methods.pie.sizes) == [1, 1]
    assert "PayPal" in text(screen.methods.table)
    assert "Expired card 1" in text(screen.declines)
    assert f'data-payment="{"f" * 24}" data-status="failed"' in screen.feed.widget.html
    assert screen.trend.rates.y[-1] == 50


def test_the_line_of_rates_ends_with_its_last_value(dashboard):
    # Without a value at the end, bqplot writes translate(…,undefined): an error in the console.
    load(dashboard, [paid(1, created_at=AS_OF - timedelta(hours=5))], seq=1)
    rate = dashboard.screen.trend.rate
    assert len(rate.x) == len(rate.y) < 24
    assert rate.y[-1] == 100


def test_the_chart_follows_the_period_and_marks_are_changed_not_rebuilt(dashboard):
    load(dashboard, [paid(1, amount=1000)], seq=1)
    trend = dashboard.screen.trend
    marks = list(trend.figure.marks)
    assert (len(trend.bars.y), trend.bars.y[-1]) == (24, 1000)
    assert np.isnan(trend.rate.y[0])
    assert trend.rate.y[-1] == 100
    assert len(trend.rate.x) == len(trend.rate.y) == 24

    dashboard.model.period = Period.WEEK
    load(dashboard, [paid(1, amount=1000)], seq=1)

    assert len(trend.bars.y) == len(trend.columns.x) == len(trend.bars.colors) == 7
    assert trend.bars.colors[-1] != trend.bars.colors[0], "the running bucket is marked"
    assert trend.figure.marks == marks
    assert "Last 7 days" in text(trend.head)


@pytest.mark.parametrize(
    ("language", "amount", "named"),
    [("en", 10**9, ""), ("de", 15 * 10**7, "($)"), ("ar", 6 * 10**5, ""), ("ar", 10**9, "(US$)")],
)
def test_the_chart_names_the_currency_where_its_axis_has_no_room(
    dashboard, language, amount, named
):
    dashboard.preferences.language = language
    load(dashboard, [paid(amount=amount)], seq=1)
    trend = dashboard.screen.trend
    assert ("<bdi>" in trend.head.html) == bool(named)
    assert named in text(trend.head)
    assert any("$" in label for label in trend._volumes.tick_labels.values()) != bool(named)


def test_pointing_at_a_bucket_shows_its_values(dashboard):
    load(dashboard, [paid(1, amount=1234)], seq=1)
    trend = dashboard.screen.trend

    trend.columns._hover_handlers(trend.columns, {"data": {"index": 23}})

    assert "$12.34" in trend.columns.tooltip.html
    assert "100.0%" in trend.columns.tooltip.html
    assert "this hour so far" in trend.columns.tooltip.html


def test_each_chart_has_a_text_alternative(dashboard):
    load(dashboard, [paid(1, amount=1234)], seq=1)

    table = dashboard.screen.trend.table.html
    assert table.count("<tr>") == 25
    assert "$12.34" in table


def test_the_button_pauses_and_resumes(dashboard):
    load(dashboard, [paid(1)], seq=1)
    press(dashboard, "pause")
    dashboard.model.receive(change(2, id="f" * 24, created_at=AS_OF))
    dashboard.paint()

    assert badge(dashboard) == "paused"
    assert "Paused 1 missed" in text(dashboard.screen.header)
    assert "Resume" in text(dashboard.screen.header)

    press(dashboard, "pause")
    dashboard.paint()
    assert badge(dashboard) == "live"
    assert dashboard.model.figures.metrics.total_payments == 2
    assert "1 change came while paused" in text(dashboard.screen.notice)
    # Like all else, it is said in the language that is chosen now.
    dashboard.preferences.language = "de"
    dashboard.paint()
    assert "1 Änderung" in text(dashboard.screen.notice)


def test_a_button_chooses_a_period(dashboard):
    load(dashboard)
    press(dashboard, "period", "month")
    dashboard.paint()

    assert dashboard.model.period is Period.MONTH
    assert re.search(r'data-value="month" aria-pressed="true"', dashboard.screen.header.widget.html)


def press(dashboard, action, value=None):
    """Send what the browser sends when a control is used."""
    panel = dashboard.screen.header.widget
    panel._handle_custom_msg({"action": action, "value": value}, [])


def test_the_badge_shows_how_fresh_the_figures_are(dashboard):
    load(dashboard, [paid()], seq=1)
    dashboard.model.lag = 0.084
    dashboard.paint()
    assert "Live 84 ms" in text(dashboard.screen.header)

    dashboard.model.connection = Connection.RECONNECTING
    dashboard.model.disconnected_at = AS_OF - timedelta(seconds=12)
    dashboard.paint()
    assert badge(dashboard) == "reconnecting"
    assert "12 sec" in text(dashboard.screen.header)
    assert "12:20:00" in text(dashboard.screen.notice)

    dashboard.model.connection = Connection.STALE
    dashboard.paint()
    assert badge(dashboard) == "stale"
    assert "may be old" in text(dashboard.screen.notice)


@pytest.mark.parametrize(
    ("language", "said", "heading"),
    [
        ("en", "still being counted", "Payments of Mar 7, 2026"),
        ("de", "wird noch gezählt", "Zahlungen vom 07.03.2026"),
        ("ar", "جاري", "مدفوعات"),
    ],
)
def test_figures_of_before_are_not_those_of_a_filter_that_is_counted(
    dashboard, language, said, heading
):
    dashboard.preferences.language = language
    load(dashboard, [paid()], seq=1)
    notice, body = dashboard.screen.notice, dashboard.screen._body
    dashboard.model.facets = (("country", "DE"),)
    dashboard.model.error = Busy("ask again")
    dashboard.paint()
    assert "fo-outdated" in body._dom_classes
    assert text(notice) == ""  # at first: most figures come at once
    dashboard.model.ticks += 2
    dashboard.paint()
    assert said in text(notice)
    assert 'data-notice="counting"' in notice.widget.html
    assert "fo-counting" in body._dom_classes
    assert badge(dashboard) == "loading"
    day = (AS_OF - timedelta(days=3)).date()
    dashboard.model.days = Days(day, day)
    dashboard.paint()
    assert heading in text(dashboard.screen.feed)
    load(dashboard, [paid(country="DE")], seq=1)
    assert text(notice) == ""
    assert "fo-counting" not in body._dom_classes


def test_loading_empty_and_errors_are_designed(dashboard):
    notice, body = dashboard.screen.notice, dashboard.screen._body
    assert 'data-notice="loading"' in notice.widget.html
    assert "fo-off" in body._dom_classes

    dashboard.model.error = Unavailable("no answer from http://localhost:3001")
    dashboard.paint()
    assert "cannot be reached" in text(notice)

    dashboard.model.error = Busy("the database does not answer in time")
    dashboard.paint()
    assert "does not answer in time" in text(notice)
    assert "FINANCEOPS_URL" not in text(notice)
    assert "reached" not in text(notice)

    dashboard.model.error = NotFound("there is no tenant_9")
    dashboard.paint()
    assert "does not exist" in text(notice)

    load(dashboard)
    assert "No payments yet" in text(notice)
    assert "financeops seed" in text(notice)
    assert "fo-off" in body._dom_classes

    load(dashboard, currency="CHF", currencies=["USD"])
    assert "fo-off" not in body._dom_classes, "it has payments in another currency"

    load(dashboard, [paid()], seq=1)
    assert "fo-off" not in body._dom_classes
    assert text(notice) == ""


def test_the_feed_turns_its_pages(dashboard):
    load(dashboard, [paid(n, amount=n) for n in range(1, 31)], seq=30)
    feed = dashboard.screen.feed
    assert "1 to 12 of 30" in text(feed)
    assert "$0.01" in text(feed)

    feed.widget._handle_custom_msg({"action": "older", "value": None}, [])
    assert "13 to 24 of 30" in text(feed)
    assert "Newest 30, as they happen" in text(feed)
    feed.widget._handle_custom_msg({"action": "older", "value": None}, [])
    feed.widget._handle_custom_msg({"action": "older", "value": None}, [])
    assert "25 to 30 of 30" in text(feed)


def test_the_feed_says_what_became_of_a_payment_since(dashboard):
    disputed = {
        status: Disputed(id="dp", amount=900, status=status, opened_at=AS_OF)
        for status in DisputeStatus
    }
    failed = paid(9, status=Status.FAILED, order_id="o", attempt=1, recovered_by=3)
    load(dashboard, [failed, *(paid(n, dispute=each) for n, each in enumerate(disputed.values()))])
    shown = text(dashboard.screen.feed)
    for said in ("paid at attempt 3", "$9.00 disputed", "Dispute won", "Dispute lost"):
        assert shown.count(said) == 1


def test_a_day_that_still_runs_does_not_look_like_a_fall(dashboard):
    dashboard.model.days = Days(AS_OF.date(), AS_OF.date())
    load(dashboard, [paid(), paid(90)], seq=2)
    assert "Mar 10, 2026, by hour" in text(dashboard.screen.trend.head)
    (drawn,) = re.findall(r'fo-spark-line" d="([^"]*)"', dashboard.screen.cards.widget.html)[:1]
    assert drawn.count("L") == AS_OF.hour, "as many steps as hours began"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "$2.50 refunded"), ("de", "2,50 $ erstattet"), ("ar", "استُرد")],
)
def test_the_feed_shows_what_was_given_back_of_a_payment(dashboard, language, words):
    dashboard.preferences.language = language
    load(dashboard, [paid(1, amount=1000), paid(2)], seq=2)
    assert "fo-part" not in dashboard.screen.feed.widget.html
    before = dashboard.model.figures.metrics
    told = {"previous_status": "success", "refunded_amount": 250}
    dashboard.model.receive(
        change(3, id=f"{1:024x}", created_at=paid(1).created_at, amount=1000, **told)
    )
    dashboard.paint()
    html = dashboard.screen.feed.widget.html
    assert html.count("fo-part") == 1
    assert words in text(dashboard.screen.feed).replace("\N{NO-BREAK SPACE}", " ")
    assert html.count('data-status="success"') == 2
    now = dashboard.model.figures.metrics
    assert (now.refunded_volume, now.net_volume) == (250, before.net_volume - 250)
    assert (now.total_volume, now.succeeded_payments) == (before.total_volume, 2)


def test_texts_of_payments_are_never_markup(dashboard):
    script = "<script>alert(1)</script>"
    dashboard.model.tenant = script
    load(
        dashboard, [paid(1, id=script, method=script, status="failed", decline_code=script)], seq=1
    )

    screen = dashboard.screen
    parts = (screen.header, screen.feed, screen.declines)
    for panel in (*(part.widget for part in parts), screen.methods.table):
        assert "<script" not in panel.html.lower()
        assert "&lt;script" in panel.html.lower()


def test_an_error_in_one_part_does_not_affect_the_others(dashboard, monkeypatch, caplog):
    load(dashboard, [paid(1)], seq=1)
    monkeypatch.setattr(dashboard.screen.trend, "paint", lambda _model: 1 / 0)

    dashboard.model.receive(change(2, id="f" * 24, created_at=AS_OF))
    dashboard.paint()

    assert "2 payments" in text(dashboard.screen.cards)
    assert "could not be painted" in caplog.text
    assert "could not be shown" in text(dashboard.screen.trend.head)

    monkeypatch.undo()
    dashboard.model.receive(change(3, id="e" * 24, created_at=AS_OF))
    dashboard.paint()
    assert "Volume and success rate" in text(dashboard.screen.trend.head)


def test_a_method_is_chosen_in_the_table_or_in_the_ring_and_cleared_by_choosing_it_again(dashboard):
    load(dashboard, [paid(1, amount=700), paid(2, amount=300, method="paypal")], seq=2)
    screen = dashboard.screen

    screen.methods.table._handle_custom_msg({"action": "method", "value": "paypal"}, [])
    dashboard.paint()
    assert figure(dashboard, "total_volume") == "$3.00"
    assert "Method PayPal figures and feed" in text(screen.filters)
    assert 'data-value="paypal" aria-pressed="true"' in screen.methods.table.html
    assert screen.methods.pie.opacities[1] == 1.0 > screen.methods.pie.opacities[0]
    assert "Bank transfer" not in text(screen.methods.table)
    assert "Card" in text(screen.methods.table), "another one can be chosen"
    assert "Card" not in text(screen.feed)

    screen.methods.pie._element_click_handlers(screen.methods.pie, {"data": {"index": 1}})
    dashboard.paint()
    assert figure(dashboard, "total_volume") == "$10.00"
    assert "fo-chip" not in screen.filters.widget.html


def test_a_value_of_a_dimension_is_chosen_and_its_chip_removes_it(dashboard):
    sales = [paid(1, country="DE"), paid(2, country="DE"), paid(3)]
    load(dashboard, sales, seq=3, by=Dimension.COUNTRY, listed={"country": {"DE"}})
    dashboard.model.by = Dimension.COUNTRY
    dashboard.paint()
    screen = dashboard.screen
    assert screen.methods.table.html.count('data-action="facet"') == 2
    screen.methods.pie._element_click_handlers(screen.methods.pie, {"data": {"index": 1}})
    assert dashboard.model.question.facets == (("country", "-"),)
    screen.methods.table._handle_custom_msg({"action": "facet", "value": "country:DE"}, [])
    assert dashboard.model.question.facets == (("country", "DE"),)
    dashboard.paint()
    assert "Country Germany figures and feed" in text(screen.filters)
    screen.filters.widget._handle_custom_msg({"action": "facet", "value": "country:"}, [])
    dashboard.paint()
    assert "fo-chip" not in screen.filters.widget.html
    assert dashboard.model.question.facets == ()


def test_a_status_filters_the_feed_and_escape_clears_it(dashboard):
    load(dashboard, [paid(1), paid(2, status="failed")], seq=2)
    screen = dashboard.screen

    screen.feed.widget._handle_custom_msg({"action": "status", "value": "refunded"}, [])
    dashboard.paint()
    assert "Looking for older payments" in text(screen.feed)
    dashboard.model.remember([], complete=True)
    dashboard.paint()
    assert "No payments like these" in text(screen.feed)
    assert figure(dashboard, "success_rate") == "50.0%"

    assert 'data-escape="clear"' in screen.filters.widget.html
    screen.filters.widget._handle_custom_msg({"action": "clear", "value": None}, [])
    dashboard.paint()
    assert screen.feed.widget.html.count("data-payment") == 2


def test_one_of_several_currencies_can_be_chosen(dashboard):
    load(dashboard, [paid(1)], seq=1)
    assert 'data-action="currency"' not in dashboard.screen.header.widget.html

    load(dashboard, [paid(1)], seq=1, currencies=["JPY", "USD"])
    assert 'data-action="currency"' in dashboard.screen.header.widget.html
    press(dashboard, "currency", "JPY")
    assert dashboard.model.chosen_currency == "JPY"


def test_all_currencies_are_shown_together_with_what_is_in_no_figure(dashboard):
    both = {"currencies": ["JPY", "USD"]}
    load(dashboard, [paid(1)], seq=1, **both)
    press(dashboard, "currency", "reporting")
    assert dashboard.model.question.currency == "reporting"
    assert dashboard.model.selection.currency is None
    waits = {"currency": "JPY", "amount": 1000, "reporting_currency": "USD"}
    load(dashboard, [paid(1), paid(2, **waits)], seq=2, reporting=True, **both)
    assert "All in USD" in text(dashboard.screen.header)
    assert figure(dashboard, "total_volume") == "$18.50"
    said = "1 payment (JPY) is in none of these figures: no exchange rate is known for it."
    assert said in text(dashboard.screen.notice)

    converted = change(
        3, previous_status="success", **waits, reporting_amount=650, rate="0.0065", id=f"{2:024x}"
    )
    earlier = Earlier(reporting_currency="USD")
    made = replace(converted.payment, created_at=AS_OF - timedelta(minutes=2))
    dashboard.model.receive(replace(converted, payment=made, earlier=earlier))
    dashboard.paint()
    assert figure(dashboard, "total_volume") == "$25.00"
    assert text(dashboard.screen.notice) == ""


def test_an_older_page_stays_in_place_while_payments_arrive(dashboard):
    load(dashboard, [paid(n) for n in range(1, 31)], seq=30)
    feed = dashboard.screen.feed
    feed.widget._handle_custom_msg({"action": "older", "value": None}, [])

    dashboard.model.receive(change(31, id="f" * 24, created_at=AS_OF))
    dashboard.paint()

    assert "14 to 25 of 31" in text(feed)


def test_the_trend_is_read_with_the_arrow_keys(dashboard):
    load(dashboard, [paid(1, amount=1234)], seq=1)
    cursor = dashboard.screen.trend.pointer.widget
    assert 'aria-valuenow="23" aria-valuetext="Tue, Mar 10, 12:00, $12.34, 100.0%' in cursor.html

    cursor._handle_custom_msg({"action": "point", "value": "ArrowLeft"}, [])
    assert 'aria-valuenow="22"' in cursor.html
    cursor._handle_custom_msg({"action": "point", "value": "Home"}, [])
    assert 'aria-valuenow="0"' in cursor.html


@pytest.mark.parametrize("odd", ODD)
def test_no_name_breaks_anything(dashboard, odd, caplog):
    dashboard.model.tenant = odd
    payments = [
        paid(n, id=f"{odd}{n}", method=f"{odd}{n}", status="failed", decline_code=f"{odd}{n}")
        for n in range(12)
    ]
    load(dashboard, payments, seq=12)
    dashboard.model.method = f"{odd}3"
    dashboard.paint()

    assert len(dashboard.screen.methods.pie.sizes) == 12
    assert dashboard.screen.filters.widget.html.count("data-filter") == 1
    assert dashboard.screen.feed.widget.html.count("data-payment") == 1
    assert not caplog.records


@pytest.mark.parametrize("amount", [0, 1, 10**12])
@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_no_amount_breaks_anything(dashboard, currency, amount, caplog):
    payments = [paid(n, amount=amount, currency=currency) for n in range(1, 101)]
    load(dashboard, payments, seq=100, currency=currency)

    exact = f'data-figure="total_volume" data-exact="{100 * amount}"'
    assert exact in dashboard.screen.cards.widget.html
    assert dashboard.screen.trend.bars.y.sum() == 100 * amount
    assert not caplog.records


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("JPY", 1850, "¥1,850"),
        ("KWD", 1850, "KWD\N{NO-BREAK SPACE}1.850"),
        ("USD", 10**15, "$10,000,000,000,000.00"),
    ],
)
def test_amounts_are_written_in_the_form_of_their_currency(dashboard, currency, amount, shown):
    load(dashboard, [paid(amount=amount, currency=currency)], seq=1, currency=currency)

    assert figure(dashboard, "total_volume") == shown


def test_a_repaint_sends_what_changed_and_not_whole_panels(dashboard):
    load(dashboard, [paid(n) for n in range(1, 40)], seq=39)
    sent = []
    dashboard._page.comm.publish_msg = lambda _kind, data=None, **_: sent.append(data["content"])

    dashboard.model.receive(change(40, id=f"{0:024x}", created_at=AS_OF))
    dashboard.paint()

    (repaint,) = sent
    panels = {panel.model_id: panel for panel in dashboard.screen.panels()}
    whole = sum(len(panels[name].html) for name in repaint["panels"])
    assert dashboard.screen.feed.widget.model_id in repaint["panels"]
    assert len(json.dumps(repaint["panels"])) < whole / 5


def test_charts_are_drawn_again_when_one_would_see_it(dashboard):
    load(dashboard, [paid(n) for n in range(1, 40)], seq=39)
    trend, pie = dashboard.screen.trend, dashboard.screen.methods.pie
    amount, sizes = trend.bars.y[-1], list(pie.sizes)

    dashboard.model.receive(change(40, id=f"{0:024x}", created_at=AS_OF, amount=1))
    dashboard.paint()
    assert trend.bars.y[-1] == amount  # a cent more is no pixel
    assert "<td>21</td>" in trend.table.html

    sale = {"amount": 5_000, "method": "paypal"}
    dashboard.model.receive(change(41, id=f"{50:024x}", created_at=AS_OF, **sale))
    dashboard.paint()
    assert trend.bars.y[-1] == amount + 5_001
    assert list(pie.sizes) != sizes
