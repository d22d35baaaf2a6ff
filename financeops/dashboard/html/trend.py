"""Bars with a line above them, in SVG of any width: what bqplot draws, before it is there.

Nobody but the browser knows how wide it will be, so all places are shares of the width. The shape
is bqplot's: the same margins, and within them the same room around the marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from financeops.dashboard.html.markup import Markup, h

_PADDING = 2.5
"""Percent of the plot that bqplot leaves above and below."""

_BAR = 0.72
"""How much of its place a bar takes."""


class Scale(Struct, frozen=True):
    """What an axis measures: its highest value, and labels by value."""

    highest: float
    labels: Mapping[float, str]


def trend(
    bars: Sequence[float],
    colours: Sequence[str],
    line: Mapping[int, float],
    *,
    places: Sequence[str],
    volumes: Scale,
    rates: Scale,
    margin: Mapping[str, int],
) -> Markup:
    """Draw it.

    Parameters
    ----------
    bars : sequence of float
        Heights, on the scale `volumes`.
    colours : sequence of str
        Of the bars.
    line : mapping of int to float
        Values by index of their bar, on the scale `rates`; it has gaps where there are none.
    places : sequence of str
        Labels of the bars.
    volumes, rates : Scale
        The axes on the left and on the right.
    margin : mapping of str to int
        Pixels around the plot: ``top``, ``bottom``, ``left`` and ``right``.
    """
    share = 100 / max(1, len(bars))
    inset = " ".join(f"{margin[side]}px" for side in ("top", "right", "bottom", "left"))
    return h(
        "div.fo-drawing.svg-background",
        h(
            "div",
            h("svg.fo-drawing-places", _times(places, share)),
            h("svg", h("g"), _volumes(volumes)),  # the theme thins out the first axis only
            h("svg.fo-drawing-rates", h("g"), _rates(rates)),
            h("svg.fo-drawing-places", _bars(bars, colours, volumes.highest, share)),
            h(
                "svg.fo-drawing-rates.fo-drawing-places",
                _line(line, rates.highest),
                viewBox=f"-0.5 0 {max(1, len(bars))} 100",
                preserveAspectRatio="none",
            ),
            style=f"inset: {inset}",
        ),
        aria_hidden="true",
    )


def _times(places: Sequence[str], share: float) -> Markup:
    return _axis(
        [
            h("text", text, x=f"{(index + 0.5) * share:.3f}%", y="100%", dy="0.71em")
            for index, text in enumerate(places)
        ],
        anchor="middle",
        transform="translate(0 9)",
    )


def _volumes(scale: Scale) -> Markup:
    ticks = []
    for value, text in scale.labels.items():
        y = f"{_height(value, scale.highest):.3f}%"
        ticks.append([h("line", x2="100%", y1=y, y2=y), h("text", text, x=-3, y=y, dy="0.32em")])
    return _axis(ticks, anchor="end")


def _rates(scale: Scale) -> Markup:
    ticks = [
        h("text", text, x="100%", dx=9, y=f"{100 - 100 * value / scale.highest:.3f}%", dy="0.32em")
        for value, text in scale.labels.items()
    ]
    return _axis(ticks, anchor="start")


def _axis(ticks: Sequence[Markup | list[Markup]], *, anchor: str, **attributes: str) -> Markup:
    # As deep as bqplot's, whose labels the theme thins out where there is little room.
    ticks = [h("g.tick", tick) for tick in ticks]
    return h("g", h("g.axis", ticks, text_anchor=anchor, **attributes))


def _bars(
    bars: Sequence[float], colours: Sequence[str], highest: float, share: float
) -> list[Markup]:
    return [
        h(
            "rect.bar",
            x=f"{(index + (1 - _BAR) / 2) * share:.3f}%",
            width=f"{_BAR * share:.3f}%",
            y=f"{_height(value, highest):.3f}%",
            height=f"{_height(0, highest) - _height(value, highest):.3f}%",
            style=f"fill: {colours[index % len(colours)]}",
        )
        for index, value in enumerate(bars)
    ]


def _line(line: Mapping[int, float], highest: float) -> list[Markup]:
    points = {index: f"{index} {100 - 100 * value / highest:.2f}" for index, value in line.items()}
    path = "".join(
        f"{'L' if index - 1 in points else 'M'}{point}" for index, point in points.items()
    )
    # A line without length but with round ends is a dot that keeps its shape when stretched.
    dots = "".join(f"M{point}h0" for point in points.values())
    return [h("path", d=path), h("path", d=dots)] if points else []


def _height(value: float, highest: float) -> float:
    """How far below the top, in percent of the plot."""
    return 100 - _PADDING - (100 - 2 * _PADDING) * value / highest
