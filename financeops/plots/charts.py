"""Line charts, bar charts and heat maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import numpy as np
from bqplot import (
    Axis,
    Bars,
    ColorScale,
    DateScale,
    Figure,
    GridHeatMap,
    Label,
    LinearScale,
    Lines,
    OrdinalScale,
    Scatter,
)
from numpy.typing import NDArray

from financeops.core.errors import InvalidValue
from financeops.plots.colours import BAD, PLAIN, SERIES, SHADES
from financeops.plots.scales import Fitted

_HEIGHT = 280
_ROW = 30
_INK = "var(--jp-ui-font-color1)"
_MARGIN = {"top": 36, "bottom": 50, "left": 80, "right": 40}
"""In pixels; on the right there is room for half a label of the last tick."""
_ROOM = 0.16
"""Share of the height for one name."""
_LETTER = 7
"""Approximate width of a letter in pixels."""


def lines(
    x: Iterable[Any],
    series: Mapping[str, Iterable[float | None]],
    *,
    title: str,
    unit: str = "",
    x_unit: str = "",
    band: tuple[Iterable[float | None], Iterable[float | None]] | None = None,
    marked: Iterable[tuple[Any, float]] = (),
) -> Figure:
    """Lines over times or numbers.

    Parameters
    ----------
    x : iterable of datetime or float
        Aware datetimes are shown in UTC.
    series : mapping of str to iterable of float
        Values of each line; None and NaN leave a gap.
    title : str
        What the chart shows.
    unit : str
        Of the values.
    x_unit : str
        Of `x`, if these are numbers.
    band : (low, high), optional
        Limits of a shaded area behind the lines.
    marked : iterable of (x, y)
        Points to mark.

    Returns
    -------
    bqplot.Figure
        Its `marks` are the band (if given), a mark for each line, and the marked points (if any).
        Set `x` and `y` of a mark to change it: the axes adapt.
    """
    places = _places(x)
    dated = places.dtype.kind == "M"
    drawn = {name: _floats(values) for name, values in series.items()}
    edges = np.array([_floats(edge) for edge in band or ()])
    scales = {"x": DateScale() if dated else LinearScale(), "y": LinearScale()}
    marks: list[Any] = []
    if band is not None:
        marks.append(
            Lines(
                x=places,
                y=edges,
                scales=scales,
                colors=["transparent"],
                fill="between",
                fill_colors=[PLAIN],
                fill_opacities=[0.22],
            )
        )
    for colour, (name, values) in zip(cycle(SERIES), drawn.items(), strict=False):
        # End a line with its last value: bqplot writes its name there. Without values it must have no
        # places either, else bqplot draws a path that is "null".
        known = np.flatnonzero(~np.isnan(values))
        until = known[-1] + 1 if len(known) else 0
        marks.append(
            Lines(
                x=places[:until],
                y=values[:until],
                scales=scales,
                colors=[colour],
                stroke_width=2,
                labels=[name],
                display_legend=len(drawn) > 1,
            )
        )
    if found := list(marked):
        marks.append(
            Scatter(
                x=_places(at for at, _ in found),
                y=np.array([value for _, value in found], dtype=np.float64),
                scales=scales,
                colors=[BAD],
                default_size=90,
            )
        )
    axes = [
        _axis(scales["x"], label="UTC" if dated else x_unit),
        _axis(scales["y"], label=unit, side="left", grid_lines="solid"),
    ]
    # Leave room for the names of several lines at the top.
    Fitted(marks, *axes, places=places, room=_ROOM * len(drawn) if len(drawn) > 1 else 0.0)
    return _figure(marks, axes, title=title, legend_location="top-left")


def bars(
    names: Iterable[str],
    values: Iterable[float | None],
    *,
    title: str,
    unit: str = "",
    colour: str = PLAIN,
    negative: str | None = None,
) -> Figure:
    """Horizontal bars, the first name on top.

    Parameters
    ----------
    names : iterable of str
    values : iterable of float
        None draws no bar.
    title, unit : str
    colour : str
        Colour of the bars.
    negative : str, optional
        Colour of bars below zero.

    Returns
    -------
    bqplot.Figure
        Its only mark is the bars.
    """
    # The first bar is at the bottom of the scale.
    labels = list(names)[::-1]
    lengths = _floats(values)[::-1]
    scales = {"x": OrdinalScale(domain=labels), "y": LinearScale()}
    mark = Bars(
        x=labels,
        y=np.nan_to_num(lengths),
        scales=scales,
        orientation="horizontal",
        colors=[negative if negative and value < 0 else colour for value in lengths],
        stroke="transparent",
        padding=0.25,
    )
    axes = [
        _axis(scales["x"], side="left"),
        _axis(scales["y"], label=unit, grid_lines="solid"),
    ]
    Fitted([mark], None, axes[1], zero=True)
    margin = {**_MARGIN, "left": 24 + _LETTER * max(map(len, labels), default=0)}
    height = 100 + _ROW * len(labels)
    return _figure([mark], axes, title=title, fig_margin=margin, height=height)


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    title: str,
    unit: str = "",
) -> Figure:
    """A heat map with the value written in each cell.

    Parameters
    ----------
    rows, columns : sequence of str
        The first row is on top.
    values : sequence of sequence of float
        Shape (rows, columns), at least two of each.
    title, unit : str

    Returns
    -------
    bqplot.Figure
        Its marks are the cells, then their values.

    Raises
    ------
    InvalidValue
        When there is only one row or column, which bqplot would take for a list; or when a value is
        missing, because its cell would be black.
    """
    cells = np.array(values, dtype=np.float64)
    if min(len(rows), len(columns)) < 2:
        raise InvalidValue("values", "must have at least two rows and columns")
    if not np.isfinite(cells).all():
        raise InvalidValue("values", "must have no gaps: leave out rows or columns that have some")
    low, high = float(cells.min()), float(cells.max())
    scales: dict[str, Any] = {
        "row": OrdinalScale(domain=list(rows)[::-1]),
        "column": OrdinalScale(domain=list(columns)),
        "color": ColorScale(colors=list(SHADES), min=low, max=high),
    }
    grid = GridHeatMap(
        row=list(rows), column=list(columns), color=cells, scales=scales, stroke="transparent"
    )
    figures = Label(
        x=[column for _ in rows for column in columns],
        y=[row for row in rows for _ in columns],
        text=[f"{value:.0f}" for value in cells.flat],
        scales={"x": scales["column"], "y": scales["row"]},
        align="middle",
        default_size=11,
        colors=["black" if value < (low + high) / 2 else "white" for value in cells.flat],
    )
    axes = [
        _axis(scales["row"], side="left"),
        _axis(scales["column"], label=unit),
    ]
    margin = {**_MARGIN, "left": 24 + _LETTER * max(map(len, rows), default=0)}
    height = 100 + _ROW * len(rows)
    return _figure([grid, figures], axes, title=title, fig_margin=margin, height=height)


def _axis(scale: Any, *, label: str = "", **traits: Any) -> Axis:
    upright = traits.get("side") == "left"
    return Axis(
        **{
            "scale": scale,
            "label": label,
            "label_offset": "60px" if upright else "32px",
            # By default it is orange on a dark page.
            "label_color": _INK,
            "grid_lines": "none",
            **traits,
        }
    )


def _figure(
    marks: list[Any], axes: list[Axis], *, title: str, height: int = _HEIGHT, **traits: Any
) -> Figure:
    return Figure(
        **{
            "marks": marks,
            "axes": axes,
            "title": title,
            "title_style": {"font-size": "14px", "fill": _INK},
            "fig_margin": _MARGIN,
            # Transparent, because the page is light or dark.
            "background_style": {"fill": "transparent"},
            "legend_style": {"fill": "transparent"},
            "min_aspect_ratio": 0.3,
            "max_aspect_ratio": 12,
            "animation_duration": 0,
            "layout": {"width": "100%", "height": f"{height}px"},
            **traits,
        }
    )


def _places(x: Iterable[Any]) -> NDArray[Any]:
    """Times as NumPy's, in UTC without a zone; numbers unchanged."""
    found = list(x)
    if found and isinstance(found[0], datetime):
        return np.array(
            [at.astimezone(UTC).replace(tzinfo=None) for at in found], dtype="datetime64[ms]"
        )
    return np.array(found)


def _floats(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
