"""Every text in every language, and values in the form of each language."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from gettext import NullTranslations, c2py
from html.parser import HTMLParser
from string import Formatter
from unicodedata import digit
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from babel.numbers import get_currency_symbol, get_decimal_symbol
from ipywidgets import Widget

from financeops.core.errors import InvalidValue, NotFound, Unavailable
from financeops.core.money import decimals_of
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.withdrawn import WITHDRAWN
from financeops.dashboard import Dashboard
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats, letters
from financeops.dashboard.language.words import CATALOGUES, LANGUAGES, SOURCE, Words, locale_of
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.panels.ticks import round_ticks
from financeops.dashboard.state.model import Connection
from tests.builders import change, payment
from tests.dashboard.snapshots import snapshot
from tests.strategies import CURRENCIES

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
TRANSLATED = sorted(set(LANGUAGES) - {SOURCE})
KEYWORDS = {"Text": None, "Plural": (1, 2)}


def catalogue(language):
    with (CATALOGUES / language / "LC_MESSAGES" / "financeops.po").open("rb") as file:
        return read_po(file, locale=language)


def messages_in_source():
    """Return the messages that `pybabel extract` finds."""
    found = extract_from_file("python", texts.__file__, keywords=KEYWORDS)
    return {message for _line, message, _comments, _context in found}


def placeholders(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def forms_of(catalogue):
    """Return the numbers, of those that matter, for which each plural form is used."""
    form_of = c2py(catalogue.plural_expr)
    return {
        form: [n for n in range(201) if form_of(n) == form] for form in range(catalogue.num_plurals)
    }


def test_there_is_a_catalogue_for_each_language_and_no_other():
    assert sorted(path.name for path in CATALOGUES.iterdir() if path.is_dir()) == TRANSLATED


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language):
    translated = catalogue(language)

    assert {message.id for message in translated if message.id} == messages_in_source()
    for message in translated:
        strings = message.string if isinstance(message.id, tuple) else [message.string]
        assert all(strings), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_the_source(language):
    translated = catalogue(language)
    forms = forms_of(translated)
    for message in translated:
        if not isinstance(message.id, tuple):
            assert placeholders(message.string) == placeholders(message.id)
            continue
        assert len(message.string) == translated.num_plurals, message.id
        for form, text in enumerate(message.string):
            wanted = placeholders(message.id[1])
            if len(forms[form]) == 1 and placeholders(text) != wanted:
                wanted.remove("count")  # "one", "two" and "none" can be said in words
            assert placeholders(text) == wanted, message.id


NAMES = {"CSV", "FINANCEOPS_URL", "JavaScript", "PayPal"}
"""What no language translates."""

PHRASES = {
    "every few seconds": {"ar": "كل بضع ثوانٍ", "de": "alle paar Sekunden"},
    "period before": {"ar": "الفترة السابقة", "de": "Zeitraum davor"},
    "success rate": {"ar": "معدل النجاح", "de": "Erfolgsquote"},
    "These figures are from {time}": {
        "ar": "هذه الأرقام من {time}",
        "de": "Diese Zahlen sind von {time}",
    },
}
"""What several messages say, and must say alike in each language."""


def end(text):
    """The mark with which a sentence ends, if one does."""
    last = text.replace("؟", "?")[-1]
    return last if last in ".?:)" else ""


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_say_what_the_source_says_as_far_as_that_can_be_compared(language):
    for message in catalogue(language):
        if not message.id:
            continue
        source, *strings = (
            (message.id[1], *message.string)
            if isinstance(message.id, tuple)
            else (message.id, message.string)
        )
        for text in strings:
            assert {name for name in NAMES if name in text} == {
                name for name in NAMES if name in source
            }, text
            assert end(text) == end(source), text
            for phrase, said in PHRASES.items():
                assert phrase.lower() not in source.lower() or said[language] in text, source


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["0 payments", "1 payment", "2 payments", "1,234 payments"]),
        ("de", ["0 Zahlungen", "1 Zahlung", "2 Zahlungen", "1.234 Zahlungen"]),
        ("ar", ["لا مدفوعات", "دفعة واحدة", "دفعتان", "1,234 دفعة"]),
    ],
)
def test_a_number_has_the_form_of_its_language(language, said):
    formats = Formats(Locale(language))

    spoken = [formats.say(texts.PAYMENTS, count=n) for n in (0, 1, 2, 1234)]

    assert [re.sub("[\u2068\u2069]", "", text) for text in spoken] == said


def test_arabic_counts_three_to_ten_as_few():
    formats = Formats(Locale("ar"))

    assert "دفعات" in formats.say(texts.PAYMENTS, count=7)
    assert "دفعات" in formats.say(texts.PAYMENTS, count=103)
    assert "دفعات" not in formats.say(texts.PAYMENTS, count=11)


@pytest.mark.parametrize("currency", ["USD", "GBP", "JPY", "KWD"])
def test_a_currency_of_latin_letters_keeps_its_direction_in_arabic(currency):
    said = Formats(Locale("ar")).money(1000, currency)
    symbol = Formats(Locale("ar")).symbol(currency)
    latin = any("A" <= each <= "Z" for each in symbol)
    assert latin == (f"{symbol}\N{LEFT-TO-RIGHT MARK}" in said)


def test_values_in_a_right_to_left_sentence_keep_their_direction():
    said = Formats(Locale("ar")).say(texts.EXPORT_FAILED, reason="no answer (timeout)")

    assert "\u2068no answer (timeout)\u2069" in said


SPACE = "\N{NO-BREAK SPACE}"


WRITTEN = {
    "en": ("$1,234.50", "$9.9K", "85.4%", "-3.2%", "12,345", "Mar 9, 12:20:00"),
    "de": ("1.234,50_$", "9.876_$", "85,4_%", "-3,2_%", "12.345", "9. März, 12:20:00"),
    "de_AT": ("$_1.234,50", "$_9.876", "85,4_%", "-3,2_%", "12.345", "9. März, 12:20:00"),
    "ar": ("1,234.50_US$", "9.9_ألف_US$", "85.4%", "-3.2%", "12,345", "9 مارس، 12:20:00"),
}


@pytest.mark.parametrize("tag", WRITTEN)
def test_values_are_written_as_the_language_writes_them(tag):
    formats = Formats(locale_of(tag))
    day_before = AS_OF - timedelta(days=1)
    values = (
        formats.money(123450, "USD"),
        formats.short_money(987600, "USD"),
        formats.percent(Decimal("85.4")),
        formats.change(Decimal("-3.21")),
        formats.count(12345),
        formats.clock(day_before, ZoneInfo("UTC"), AS_OF.date()),
    )

    marks = str.maketrans({"\u200e": "", "\u200f": "", SPACE: "_"})  # of direction
    assert tuple(value.translate(marks) for value in values) == WRITTEN[tag]


READERS = ["en", "en_IN", "de", "de_AT", "de_CH", "ar", "ar_EG"]
"""Languages of the dashboard, with different signs, groups and digits of numbers."""


def said_amount(text, currency, locale):
    """Return the number in a text, with as many decimals as are written."""
    bare = text.replace(get_currency_symbol(currency, locale=locale), "")
    point = get_decimal_symbol(locale=locale)
    return Decimal(
        "".join(
            "." if sign == point else str(digit(sign))
            for sign in bare
            if sign == point or sign.isdigit()
        )
    )


@pytest.mark.parametrize("tag", READERS)
def test_money_is_written_with_the_decimals_of_iso_4217(tag):
    """CLDR, which Babel follows, has no decimals for thirteen currencies. QQQ is in no table."""
    locale = locale_of(tag)
    formats = Formats(locale)
    for currency in (*CURRENCIES, *WITHDRAWN, "QQQ"):
        decimals = decimals_of(currency)
        small = 15 * 10**decimals // 10
        for minor in (0, 1, small, 123_456_789):
            exact = Decimal(minor).scaleb(-decimals)
            for text in (formats.money(minor, currency), formats.major(exact, currency)):
                written = said_amount(text, currency, locale)
                assert (written, -written.as_tuple().exponent) == (exact, decimals), currency
        short = said_amount(formats.short_money(small, currency), currency, locale)
        assert short == Decimal(small).scaleb(-decimals), currency


@pytest.mark.parametrize("tag", READERS)
@pytest.mark.parametrize("currency", ["USD", "RSD", "IQD", "CLF", "JPY", "QQQ"])
def test_each_value_of_an_axis_has_its_own_label(tag, currency):
    """Even if the currency would be too long: 0.50 is not 0."""
    locale = locale_of(tag)
    for highest in (1, 3, 8, 60, 149, 1234, 4900, 98_765, 1_499_999):
        ticks = round_ticks(highest)
        labels = Formats(locale).axis(ticks, currency)
        assert len(set(labels)) == len(ticks), labels
        for tick, label in zip(ticks, labels, strict=True):
            major = Decimal(tick).scaleb(-decimals_of(currency))
            if major < 1000:
                assert said_amount(label, currency, locale) == major, labels


def test_beside_an_axis_a_long_amount_is_without_its_currency():
    ticks = [0, 150_000_000, 300_000_000]

    assert Formats(Locale("en")).axis(ticks, "USD") == ["$0", "$1.5M", "$3M"]
    assert Formats(Locale("de")).axis(ticks, "USD") == ["0", f"1,5{SPACE}Mio.", f"3{SPACE}Mio."]


def test_marks_of_direction_take_no_room_beside_an_axis():
    labels = Formats(Locale("ar")).axis([0, 300_000, 600_000], "USD")

    assert [letters(label) for label in labels] == [5, 9, 9]
    assert len(labels[-1]) > 9
    assert all("US$" in label for label in labels)


@pytest.mark.parametrize("tag", ["xx", "", "fr", "de_XX", "../ar", "😀"])
def test_a_language_without_words_has_no_locale(tag):
    assert locale_of(tag) is None


class Marked(NullTranslations):
    """A language that marks every message, so that other text can be found."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, one, other, n):
        return f"⟦{one if n == 1 else other}⟧"


class Readable(HTMLParser):
    """Collects what a person reads or hears of the panels' HTML, without values and quotations."""

    HEARD = ("title", "aria-label", "aria-description", "aria-valuetext", "placeholder", "alt")
    EMPTY = ("br", "col", "hr", "img", "input", "wbr")

    def __init__(self, html):
        super().__init__()
        self.texts = []
        self._quotes = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        # bdi holds values, kbd keys, and what the program says to who looks after it is English;
        # a language is offered in its own words, a currency by its code.
        quote = (
            tag in {"bdi", "kbd"}
            or attributes.get("lang") == "en"
            or attributes.get("value") in {*LANGUAGES, "EUR", "USD"}
            or "fo-id" in (attributes.get("class") or "")
        )
        if tag not in self.EMPTY:
            self._quotes.append(quote)
        if not quote:
            self.texts += [attributes[name] for name in self.HEARD if attributes.get(name)]

    def handle_endtag(self, tag):
        self._quotes.pop()

    def handle_data(self, data):
        if not any(self._quotes):
            self.texts.append(data)


def unmarked(dashboard):
    """Texts on the screen with Latin letters that come from no message."""
    texts = [
        text for panel in panels(dashboard.screen.widget) for text in Readable(panel.html).texts
    ]
    return [text for text in texts if re.search("[A-Za-z]", without_messages(text))]


def without_messages(text):
    """Remove messages, of which one may be part of another."""
    rest = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    return rest if rest == text else without_messages(rest)


def panels(widget):
    """Return all panels in a widget and its descendants."""
    if isinstance(widget, Panel):
        yield widget
    inside = [*getattr(widget, "children", ()), *getattr(widget, "marks", ())]
    for each in [*inside, getattr(widget, "tooltip", None)]:
        if isinstance(each, Widget):
            yield from panels(each)


@pytest.fixture
def dashboard():
    """A dashboard in the marking language, fed by the test."""
    dashboard = Dashboard(now=lambda: AS_OF)
    japanese = Locale("ja")  # its dates have no Latin letters: any Latin text is English
    dashboard._formats.use(japanese, Words(japanese, Marked()))
    dashboard.screen.forget()
    return dashboard


def load(dashboard, payments):
    model = dashboard.model
    model.load(snapshot(payments, as_of=AS_OF, zone=ZoneInfo("UTC"), period=model.period))
    model.connection = Connection.LIVE


def of_all_kinds():
    """Payments of every method, status and known decline code, now and in the previous period."""
    kinds = [
        *({"method": method} for method in texts.METHODS),
        *({"status": Status.FAILED, "decline_code": code} for code in texts.REASONS),
        {"status": Status.REFUNDED},
        {"currency": "EUR"},
    ]
    return [
        payment(
            id=f"{day:012x}{number:012x}",
            amount=1_000 + 37 * number,
            created_at=AS_OF - timedelta(days=day, minutes=number),
            **kind,
        )
        for day in (0, 1, 8, 40)
        for number, kind in enumerate(kinds)
    ]


def test_every_word_of_the_figures_is_a_message(dashboard):
    for period in Period:
        dashboard.model.period = period
        load(dashboard, of_all_kinds())
        dashboard.paint()
        trend = dashboard.screen.trend
        last = len(trend.bars.y) - 1
        trend.columns._hover_handlers(trend.columns, {"data": {"index": last}})

        assert unmarked(dashboard) == []

    said = "".join(panel.html for panel in panels(dashboard.screen.widget))
    assert said.count("⟦") > 100
    assert "⟦Insufficient funds⟧" in said


def test_words_that_are_no_messages_would_be_found():
    dashboard = Dashboard(now=lambda: AS_OF)
    load(dashboard, of_all_kinds())
    dashboard.paint()

    assert len(unmarked(dashboard)) > 100


def test_every_word_of_the_controls_is_a_message(dashboard):
    load(dashboard, of_all_kinds())
    model = dashboard.model
    model.lag = 0.084
    dashboard.paint()
    assert unmarked(dashboard) == []

    model.method, model.status = "card", Status.FAILED
    model.exported = 12_000_000
    model.paused = True
    model.receive(change(5, id="f" * 24, created_at=AS_OF))
    dashboard.paint()
    assert unmarked(dashboard) == []

    dashboard.screen.header.widget._handle_custom_msg({"action": "pause", "value": None}, [])
    dashboard.paint()
    assert "⟦" in dashboard.screen.notice.widget.html
    assert unmarked(dashboard) == []


def test_every_word_of_the_states_is_a_message(dashboard):
    model = dashboard.model
    dashboard.paint()
    assert unmarked(dashboard) == []
    for error in (
        Unavailable("no answer"),
        NotFound("there is no tenant_9"),
        InvalidValue("x", "y"),
    ):
        model.error = error
        dashboard.paint()
        assert unmarked(dashboard) == []

    load(dashboard, [])
    dashboard.paint()
    assert unmarked(dashboard) == []

    load(dashboard, of_all_kinds())
    for model.connection in Connection:
        model.disconnected_at = AS_OF - timedelta(seconds=12)
        dashboard.paint()
        assert unmarked(dashboard) == []


def test_another_language_is_used_everywhere_at_once():
    dashboard = Dashboard(now=lambda: AS_OF)
    load(dashboard, of_all_kinds())
    dashboard.paint()

    dashboard.screen.header.widget._handle_custom_msg({"action": "language", "value": "de"}, [])
    dashboard.paint()

    screen = dashboard.screen
    for part, word in (
        (screen.header.widget, "Anhalten"),
        (screen.cards.widget, "Gesamtumsatz"),
        (screen.trend.head, "Umsatz und Erfolgsquote"),
        (screen.methods.table, "Zahlungsart"),
        (screen.declines.widget, "Warum Zahlungen scheitern"),
        (screen.feed.widget, "Live-Verlauf"),
    ):
        assert word in part.html
    assert screen.trend._rates.tick_labels["100"] == f"100{SPACE}%"
    assert dashboard._page.look["lang"] == "de"
