"""Charts show the values given, leave gaps without data, and suit light and dark pages."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from bqplot import Lines, Scatter
from hypothesis import example, given
from hypothesis import strategies as st

from financeops import plots
from financeops.core.errors import InvalidValue
from financeops.plots.scales import number_ticks, time_ticks

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


def test_axes_are_named():
    across, up = plots.lines([0, 1], {"a": [1, 2]}, title="A", unit="USD", x_unit="months").axes
    assert (across.label, up.label) == ("months", "USD")
    across, up = plots.lines(HOURS, {"a": [1, 2, 3, 4]}, title="A", unit="USD").axes
    assert (across.label, up.label) == ("UTC", "USD")


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


def test_values_are_written_into_the_cells():
    values = [[14.7, 12.3], [15.4, 11.5]]
    figure = plots.heat(["1997-01", "1997-02"], ["1", "2"], values, title="Retention")
    shades, figures = figure.marks
    assert shades.color.tolist() == values
    assert list(figures.text) == ["15", "12", "15", "12"]


def test_a_table_of_one_row_is_refused():
    with pytest.raises(InvalidValue, match="two rows"):
        plots.heat(["1997-01"], ["1", "2"], [[14.7, 12.3]], title="Retention")


def test_a_table_with_gaps_is_refused():
    with pytest.raises(InvalidValue, match="no gaps"):
        plots.heat(["a", "b"], ["1", "2"], [[14.7, None], [12.3, 1]], title="Retention")


@pytest.mark.parametrize("colour", [plots.PLAIN, plots.GOOD, plots.BAD, plots.QUIET])
@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_colours_stand_out_from_light_and_dark_pages(colour, page):
    light, dark = sorted([luminance(colour), luminance(page)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def said_outright(axis):
    """Bounds and ticks of an axis, which must be set before a browser draws it."""
    low, high, ticks = axis.scale.min, axis.scale.max, axis.tick_values
    assert low is not None
    assert low < high
    assert len(ticks) >= 2
    assert axis.tick_format
    return low, high


@pytest.mark.parametrize("values", [[], [None], [7], [7, 7], [-3], [None, 2, None]])
def test_a_chart_has_bounds_and_ticks_even_without_data(values):
    for places in (range(len(values)), HOURS[: len(values)]):
        figure = plots.lines(places, {"amount": values}, title="Amount")
        across, up = figure.axes
        said_outright(up)
        if len(values):
            said_outright(across)


def test_a_line_without_values_has_no_places():
    (line,) = plots.lines([0, 1], {"amount": [None, None]}, title="Amount").marks
    assert (len(line.x), len(line.y)) == (0, 0)


def test_bars_without_values_have_bounds():
    assert said_outright(plots.bars([], [], title="Nothing").axes[1]) == (0, 1)


def test_axes_follow_the_changes_of_a_live_chart():
    figure = plots.lines([], {"amount": []}, title="Amount")
    line, (across, up) = figure.marks[0], figure.axes
    line.x, line.y = [3], [40.0]
    said_outright(across)
    assert said_outright(up) == (0, 40)
    line.x, line.y = list(range(30)), [float(n) for n in range(1000, 4000, 100)]
    assert said_outright(across) == (0, 29)
    low, high = said_outright(up)
    assert low <= 1000
    assert high >= 3900


def test_an_axis_includes_zero_where_that_is_near():
    assert number_ticks(np.array([20.0, 100.0]), around=True).low == 0
    assert number_ticks(np.array([90.0, 100.0]), around=True).low == 90


numbers = st.floats(min_value=-1e12, max_value=1e12, allow_subnormal=False).map(
    lambda value: round(value, 6)
)


@given(st.lists(numbers, max_size=5))
@example([1e12, 1e12 - 0.0001])
def test_ticks_are_few_and_around_the_numbers(values):
    ticks = number_ticks(np.array(values, dtype=np.float64), around=True)
    assert 2 <= len(ticks.values) <= 10
    assert np.isfinite(ticks.values).all()
    assert (np.diff(ticks.values) > 0).all()
    near = 1e-9 * max(map(abs, values), default=0)
    assert all(ticks.low - near <= value <= ticks.high + near for value in values)


@given(st.integers(0, 4_000_000_000), st.integers(2, 4_000_000_000))
def test_ticks_of_times_are_few_and_among_them(begin, seconds):
    times = np.array([begin, begin + seconds], dtype="M8[s]").astype("M8[ms]")
    ticks = time_ticks(times)
    assert 1 <= len(ticks.values) <= 9
    assert ((times[0] <= ticks.values) & (ticks.values <= times[1])).all()
