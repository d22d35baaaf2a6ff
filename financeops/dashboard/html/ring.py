"""A ring of shares, as SVG: what bqplot draws, before it is there."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from financeops.dashboard.html.markup import Markup, h


def ring(sizes: Sequence[float], colours: Sequence[str], *, outer: float, inner: float) -> Markup:
    """Draw shares clockwise from the top, each in its colour; radii are in pixels."""
    whole = sum(sizes) or 1.0
    slices = []
    begin = 0.0
    for index, size in enumerate(sizes):
        end = begin + size / whole
        if size:
            path = _slice(begin, min(end, begin + 0.99999), outer, inner)
            slices.append(h("path.slice", d=path, style=_style(colours[index % len(colours)])))
        begin = end
    return h(
        "svg",
        slices,
        viewBox=f"{-outer - 6:g} {-outer - 6:g} {2 * outer + 12:g} {2 * outer + 12:g}",
        aria_hidden="true",
    )


def _style(colour: str) -> str:
    return f"fill: {colour}; stroke: var(--fo-surface)"


def _slice(begin: float, end: float, outer: float, inner: float) -> str:
    long = int(end - begin > 0.5)
    return (
        f"M{_point(begin, outer)}A{outer:g} {outer:g} 0 {long} 1 {_point(end, outer)}"
        f"L{_point(end, inner)}A{inner:g} {inner:g} 0 {long} 0 {_point(begin, inner)}Z"
    )


def _point(turn: float, radius: float) -> str:
    return f"{radius * sin(2 * pi * turn):.2f} {-radius * cos(2 * pi * turn):.2f}"
