"""Flame graphs: where time went, as an SVG of nested bars, each as wide as the share of its samples."""

from collections import Counter
from html import escape

_WIDTH, _HEIGHT, _TEXT = 1200, 16, 6.2
_LEAST = 0.004
"""Share of all samples below which a bar is left out."""


def svg(stacks: Counter, title: str) -> str:
    """Draw the stacks: tuples of names, outermost first, each with how often it was seen."""
    everything = sum(stacks.values())
    bars, deepest = [], 0
    waiting = [(0, 0.0, everything, list(stacks.items()))]
    while waiting:
        depth, left, _, within = waiting.pop()
        deepest = max(deepest, depth)
        below = {}
        for stack, count in within:
            if depth < len(stack):
                below.setdefault(stack[depth], []).append((stack, count))
        for name, group in sorted(below.items()):
            share = sum(count for _, count in group) / everything
            if share >= _LEAST:
                bars.append((depth, left, share, name))
                waiting.append((depth + 1, left, share, group))
            left += share
    height = (deepest + 2) * _HEIGHT
    drawn = "\n".join(_bar(*bar, height) for bar in bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="monospace" '
        f'font-size="10">\n<text x="4" y="12">{escape(title)} ({everything:,} samples)</text>\n{drawn}\n</svg>\n'
    )


def _bar(depth, left, share, name, height):
    x, width, y = left * _WIDTH, share * _WIDTH, height - (depth + 1) * _HEIGHT
    hue = sum(map(ord, name)) % 40 + 15
    letters = int((width - 4) / _TEXT)
    shown = name if len(name) <= letters else name[: max(0, letters - 1)] + "…"
    text = f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(shown)}</text>' if letters > 2 else ""
    return (
        f'<g><title>{escape(name)} {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
        f'height="{_HEIGHT - 1}" fill="hsl({hue} 80% 68%)"/>{text}</g>'
    )
