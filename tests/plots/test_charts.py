"""Charts hold what they were given, leave gaps where there is no data, and fit light and dark."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from bqplot import Lines, Scatter

from financeops import plots
from financeops.core.errors import InvalidValue

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURS = [NOON + timedelta(hours=n) for n in range(4)]


def luminance(colour):
    """Relative luminance of WCAG 2.2."""
    channels = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_each_line_has_its_values_and_a_gap_where_there_are_none():
    figure = plots.lines(HOURS, {"rate": [90, None, 92, 93]}, title="Success rate")
    (line,) = figure.marks
    assert line.x.tolist()[0] == NOON.replace(tzinfo=None)
    assert np.array_equal(line.y, [90, np.nan, 92, 93], equal_nan=True)


def test_times_of_any_zone_are_shown_in_utc():
    berlin = [at.astimezone(timezone(timedelta(hours=1))) for at in HOURS]
    (line,) = plots.lines(berlin, {"rate": [1, 2, 3, 4]}, title="Success rate").marks
    (in_utc,) = plots.lines(HOURS, {"rate": [1, 2, 3, 4]}, title="Success rate").marks
    assert (line.x == in_utc.x).all()


def test_a_line_ends_with_its_last_value():
    figure = plots.lines([0, 1, 2], {"a": [1, 2, 3], "b": [1, 2, None]}, title="Value")
    assert [len(line.x) for line in figure.marks] == [3, 2]


def test_a_band_lies_behind_and_marked_points_in_front():
    figure = plots.lines(
        HOURS,
        {"rate": [3, 3, 3, 3]},
        band=([1, 1, 1, 1], [5, 5, 5, 5]),
        marked=[(HOURS[2], 3)],
        title="Success rate",
    )
    band, line, points = figure.marks
    assert band.fill == "between"
    assert isinstance(line, Lines)
    assert isinstance(points, Scatter)
    assert points.x.tolist() == [HOURS[2].replace(tzinfo=None)]


def test_the_first_bar_is_on_top_and_losses_have_their_colour():
    figure = plots.bars(["gain", "loss"], [2, -1], negative=plots.BAD, title="Effect")
    (bars,) = figure.marks
    assert list(bars.x) == ["loss", "gain"]
    assert list(bars.y) == [-1, 2]
    assert bars.colors == [plots.BAD, plots.PLAIN]


def test_figures_are_written_into_the_shades():
    values = [[14.7, 12.3], [15.4, 11.5]]
    figure = plots.heat(["1997-01", "1997-02"], ["1", "2"], values, title="Retention")
    shades, figures = figure.marks
    assert shades.color.tolist() == values
    assert list(figures.text) == ["15", "12", "15", "12"]


def test_a_table_of_one_row_is_refused():
    with pytest.raises(InvalidValue, match="two rows"):
        plots.heat(["1997-01"], ["1", "2"], [[14.7, 12.3]], title="Retention")


@pytest.mark.parametrize("colour", [plots.PLAIN, plots.GOOD, plots.BAD, plots.QUIET])
@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_colours_stand_out_from_light_and_dark_pages(colour, page):
    light, dark = sorted([luminance(colour), luminance(page)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
