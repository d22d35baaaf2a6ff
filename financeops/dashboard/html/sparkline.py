"""Small drawings in the cards, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from financeops.dashboard.html.markup import Markup, h

_WIDTH, _HEIGHT, _MARGIN = 120.0, 32.0, 3.0


def sparkline(values: Sequence[Decimal | int | None]) -> Markup:
    """Draw a line over steps of equal width, with gaps where there are no data.

    The last value, which is still running, has a dot.
    """
    known = [float(value) for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = _WIDTH / max(1, len(values) - 1)

    def place(index: int, value: Decimal | int) -> tuple[float, float]:
        share = (float(value) - low) / (high - low) if high > low else 0.5
        return index * step, _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)

    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(place(index, value))
    lines = [run for run in runs if run]
    ends = lines[-1][-1] if lines and values[-1] is not None else None
    return h(
        "svg.fo-spark",
        [h("path.fo-spark-area", d=_area(run)) for run in lines],
        [h("path.fo-spark-line", d=_line(run)) for run in lines],
        # A line without length but with round ends is a dot that keeps its shape when stretched.
        h("path.fo-spark-dot", d=f"M{ends[0]:.1f} {ends[1]:.1f}h0") if ends else None,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def histogram(counts: Sequence[int], *, marked: int | None) -> Markup:
    """Draw a bar for each count; `marked` is highlighted."""
    most = max(counts, default=0) or 1
    step = _WIDTH / max(1, len(counts))
    return h(
        "svg.fo-spark",
        [
            h(
                "rect",
                class_="fo-marked" if index == marked else None,
                x=f"{index * step + 0.5:.1f}",
                width=f"{step - 1:.1f}",
                y=f"{_HEIGHT - (height := max(1.5, n / most * _HEIGHT)):.1f}",
                height=f"{height:.1f}",
                rx=1,
            )
            for index, n in enumerate(counts)
        ],
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _line(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _area(points: list[tuple[float, float]]) -> str:
    first, last = points[0][0], points[-1][0]
    return f"{_line(points)}L{last:.1f} {_HEIGHT:g}L{first:.1f} {_HEIGHT:g}Z"
