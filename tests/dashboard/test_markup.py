"""HTML that is safe by construction."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from financeops.dashboard.html.markup import h, join, words


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_no_text_becomes_markup(text):
    reader = Reader()
    reader.feed(h("p", text, title=text))
    reader.close()

    assert [tag for tag, _ in reader.elements] == ["p"]
    assert reader.elements[0][1]["title"] == text
    assert reader.text == text


def test_elements_nest_and_nothing_is_left_out_by_accident():
    inner = h("b", "x & y")

    assert join(inner, [None, 0, " <"]) == "<b>x &amp; y</b>0 &lt;"
    assert h("button.wide.fo-button", inner, data_key="k", disabled=False, hidden=True) == (
        '<button class="wide fo-button" data-key="k" hidden><b>x &amp; y</b></button>'
    )


def test_only_words_that_hardly_any_line_could_hold_may_be_broken():
    assert words("Authentifizierung fehlgeschlagen") == "Authentifizierung fehlgeschlagen"
    assert words("a" * 30 + " <b>") == f"{'a' * 11}<wbr>{'a' * 11}<wbr>{'a' * 8} &lt;b&gt;"
