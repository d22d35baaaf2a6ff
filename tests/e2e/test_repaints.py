"""The page's own scripts in a browser, fed with what the kernel's widgets send, of which some is lost."""

from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import financeops
from financeops.dashboard.page import Page
from financeops.dashboard.panels.panel import Panel, together
from tests.dashboard.markups import htmls

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER = Path(financeops.__file__).parent / "dashboard"
SCRIPTS = [FOLDER / "page.js", FOLDER / "panels" / "panel.js"]
HOST = Path(__file__).with_name("repaints.js").read_text(encoding="utf-8")

pieces = st.tuples(htmls, htmls)
pieces_of_some = st.lists(pieces, max_size=2)
steps = st.lists(
    st.tuples(st.sampled_from(["repainted", "repainted", "lost", "alone"]), pieces), max_size=6
)


class Kernel:
    """Two panels and the page's counterpart, with what they send."""

    def __init__(self):
        self.panels = [Panel("first"), Panel("second")]
        self.page = Page(
            on_beat=lambda _visible: None,
            on_shown=lambda _number: None,
            on_opened=lambda _parameters, _languages: None,
            on_missed=self.tell,
        )
        self.sent = []
        for widget in (self.page, *self.panels):
            widget.comm.publish_msg = self.note_from(widget)

    def note_from(self, widget):
        def note(_kind, data=None, **_):
            if widget is self.page and data["method"] == "custom":
                self.sent.append((None, data["content"]))
            elif widget is not self.page and "html" in data["state"]:
                self.sent.append((widget.model_id, data["state"]["html"]))

        return note

    def tell(self):
        with together(whole=True) as panels:
            for panel in self.panels:
                panel.send_state("html")
        self.page.repaint(panels, whole=True)

    def show(self, new, *, alone=False):
        if alone:
            self.panels[0].html = new[0]
            return
        with together() as panels:
            for panel, html in zip(self.panels, new, strict=True):
                panel.html = html
        if panels:
            self.page.repaint(panels)

    def take(self):
        sent, self.sent = self.sent, []
        return sent


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example(before=[], unheard=[], steps=[("lost", ("", "<b></b>"))], last=("", "<b></b>"))
@given(before=pieces_of_some, unheard=pieces_of_some, steps=steps, last=pieces)
async def test_any_repaints_of_which_some_are_lost_end_with_exactly_the_whole(
    blank, before, unheard, steps, last
):
    kernel = Kernel()
    for new in before:
        kernel.show(new)
    states = {panel.model_id: {"html": panel.get_state()["html"]} for panel in kernel.panels}
    own = {"number": kernel.page.get_state()["number"]}
    sources = [script.read_text("utf-8") for script in SCRIPTS]
    await blank.evaluate(HOST, [*sources, own, states])
    for new in unheard:
        kernel.show(new)
    kernel.take()

    async def arrive():
        while sent := kernel.take():
            for message in await blank.evaluate("hear", sent):
                kernel.page._hear(kernel.page, message, [])

    has = await blank.evaluate("has()")
    kernel.page._hear(kernel.page, {"opened": {}, "languages": ["en"], "has": has}, [])
    if not unheard:
        assert not any("panels" in message for _, message in kernel.sent)
    await arrive()
    for how, new in [*steps, ("repainted", last)]:
        kernel.show(new, alone=how == "alone")
        if how == "lost":
            kernel.take()
            continue
        await arrive()
    # Something always follows, if only the clock's.
    kernel.page.repaint({})
    await arrive()

    shown = {panel.model_id: panel.html for panel in kernel.panels}
    assert await blank.evaluate("wrong", shown) == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def blank(chromium):
    """An empty page."""
    page = await chromium.new_page()
    yield page
    await page.close()
