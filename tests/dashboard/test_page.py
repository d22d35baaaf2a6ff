"""The theme and the page that Voilà serves."""

import re
from pathlib import Path

from nbformat.v4 import new_notebook
from voila.execute import VoilaExecutor

import financeops
from financeops.dashboard.page import Page
from financeops.dashboard.serve.app import defaults

PACKAGE = Path(financeops.__file__).parent / "dashboard"


def test_the_theme_includes_its_font_and_loads_nothing_from_other_hosts():
    css = str(Page._css)

    assert "url(data:font/woff2;base64," in css
    assert re.findall(r"url\((?!data:)", css) == []
    assert "http" not in css
    licences = [file.read_text() for file in (PACKAGE / "theme/fonts").glob("OFL-*.txt")]
    assert len(licences) == len(list((PACKAGE / "theme/fonts").glob("*.woff2")))
    assert all("Open Font License" in licence for licence in licences)


def test_every_colour_in_use_has_a_token():
    tokens = set(re.findall(r"(--fo-[\w-]+):", (PACKAGE / "theme/tokens.css").read_text()))
    set_in_place = (
        "offline",
        "state",
        "status",
        "share",
        "place",
        "left",
        "width",
        "course",
        "characters",
        "figures",
    )
    local = {f"--fo-{name}" for name in set_in_place}
    used = {
        name
        for path in [*PACKAGE.rglob("*.css"), *PACKAGE.glob("*.py")]
        for name in re.findall(r"var\((--fo-[\w-]+?)\)", path.read_text())
    }
    assert used <= tokens | local


def test_the_css_of_the_template_has_no_jinja_comment():
    for path in PACKAGE.rglob("*.css"):
        assert "{#" not in path.read_text()


def test_the_page_waits_longer_for_outputs_than_voila_does():
    # If they come too late, the page stays empty.
    assert VoilaExecutor(new_notebook(), config=defaults()).iopub_timeout >= 60


def test_a_page_that_missed_a_repaint_gets_everything_and_a_late_one_does_not():
    missed = []
    page = Page(
        on_beat=lambda _visible: None,
        on_shown=lambda _number: None,
        on_opened=lambda _parameters, _languages: page.repaint({}),
        on_missed=lambda: missed.append(page.repaint({}, whole=True)),
    )

    def beat(*, has):
        page._hear(page, {"beat": True, "has": has}, [])

    def opened(*, has):
        page._hear(page, {"opened": {}, "languages": ["en"], "has": has}, [])

    opened(has=page.get_state()["number"])
    assert missed == []
    beat(has=0)  # sent before the answer to its opening had arrived
    page.repaint({})
    beat(has=1)  # the second one is on its way
    assert missed == []
    beat(has=2)
    page.repaint({})
    page.repaint({})
    beat(has=4)
    page.repaint({})
    beat(has=4)
    assert missed == []
    beat(has=4)  # the fifth one would have arrived by now
    assert missed == [6]
    beat(has=6)
    assert missed == [6]
    has = page.get_state()["number"]
    page.repaint({})  # after its state was taken, and before it listened
    opened(has=has)
    assert missed == [6, 9]
