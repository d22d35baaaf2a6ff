"""The screen as HTML without widgets, which a page comes with."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from financeops.core.errors import NotFound
from financeops.dashboard.app import Dashboard
from financeops.dashboard.html.ring import ring
from tests.builders import payment
from tests.dashboard.snapshots import snapshot

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)


@pytest.fixture
def dashboard():
    """A dashboard that the test feeds and that follows no server."""
    return Dashboard(now=lambda: AS_OF)


def load(dashboard, *amounts, **fields):
    """Load a payment of each amount, the first one in this hour, each of the others an hour before."""
    payments = [
        payment(id=f"{n:024x}", amount=amount, created_at=AS_OF - timedelta(hours=n), **fields)
        for n, amount in enumerate(amounts)
        if amount is not None
    ]
    loaded = snapshot(payments, as_of=AS_OF, zone=ZoneInfo("UTC"), seq=4711)
    dashboard.model.load(loaded)
    dashboard.paint()


def still(dashboard):
    return dashboard.screen.still(dashboard.model)


def heights(html):
    """Heights of the bars of the trend, in percent of its plot."""
    return [float(each) for each in re.findall(r'class="bar"[^>]* height="([\d.]+)%"', html)]


def test_it_has_what_every_panel_shows_and_says_of_when_it_is(dashboard):
    load(dashboard, 1_000, 2_000)
    html = still(dashboard)
    for panel in dashboard.screen.panels():
        assert panel.html in html
    assert 'data-seq="4711" data-as-of="2026-03-10T12:20:00+00:00"' in html
    assert "As of 12:20:00, change 4,711" in html
    assert html.count("<div") == html.count("</div>")


def test_without_figures_it_has_the_reason_and_no_number(dashboard):
    dashboard.paint()
    html = still(dashboard)
    assert 'data-notice="loading"' in html
    assert "data-seq" not in html
    dashboard.model.error = NotFound("no such tenant")
    dashboard.paint()
    assert 'data-notice="not-found"' in still(dashboard)
    load(dashboard)
    assert 'data-notice="empty"' in still(dashboard)


def test_names_are_escaped(dashboard):
    dashboard.model.tenant = "<script>alert(1)</script>"
    load(dashboard, 1_000, method='"><img src=x onerror=alert(1)>')
    html = still(dashboard)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_bars_are_as_high_as_their_amounts_and_the_line_has_gaps(dashboard):
    load(dashboard, 1_000, 3_000, None, 2_000)
    html = still(dashboard)
    bars = heights(html)
    assert len(bars) == 24
    assert bars[-2:] == pytest.approx([bars[-4] * 1.5, bars[-4] / 2], rel=1e-3)
    assert bars[-3] == 0
    # The lonely one begins and ends before the two that are joined; then come the dots.
    line, dots = re.findall(r'<path d="(M[^"]*)"></path>', html)[-2:]
    assert line.count("M") == 2
    assert line.count("L") == 1
    assert dots.count("M") == 3


def test_a_ring_is_whole_whatever_its_shares_are():
    for sizes in ([1], [3, 1], [1, 0, 1], [1] * 30):
        paths = re.findall(
            r' d="M(\S+ \S+)A\S+ \S+ 0 ([01]) 1 (\S+ \S+)L',
            ring(sizes, ["red"], outer=84, inner=62),
        )
        assert len(paths) == len([size for size in sizes if size])
        assert all(end == begin for (_, _, end), (begin, _, _) in pairwise(paths))
        first, last = ([float(n) for n in place.split()] for place in (paths[0][0], paths[-1][2]))
        assert first == pytest.approx(last, abs=0.02)
    assert "<path" not in ring([], ["red"], outer=84, inner=62)
