"""What changed in HTML, so that only that is sent.

Places are counted in tags, not in characters: Python and browsers count those differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

Edit = tuple[int, int, str]
"""A tag's place, how many are replaced from there on, and the HTML that takes their place."""

_KEY = ' data-key="'
_SHORT = 8
"""Letters of an unchanged tag that are sent again, because beginning another edit takes as many."""


def edits(old: str, new: str) -> list[Edit]:
    """Return what to replace in `old` to make it `new`, the last place first.

    Elements with a ``data-key`` are found again when others came or left before them, all else is
    compared by its place. This is not the shortest answer, but takes a fraction of a millisecond.

    Parameters
    ----------
    old, new : str
        HTML that is empty or begins with a tag, and in whose text every ``<`` is escaped.
    """
    before, after = _tags(old), _tags(new)
    found: list[Edit] = []
    for at, end, to, to_end in _pairs(before, after):
        found += _changes(before[at:end], after[to:to_end], at)
    return found[::-1]


def edited(old: str, changes: Sequence[Edit]) -> str:
    """Return `old` with the changes made, as the page makes them (``page.js``)."""
    tags = _tags(old)
    for at, count, html in changes:
        tags[at : at + count] = _tags(html)
    return _html(tags)


def _tags(html: str) -> list[str]:
    """Each tag and the text behind it, without its ``<``."""
    return html.split("<")[1:]


def _html(tags: Sequence[str]) -> str:
    return "".join([f"<{tag}" for tag in tags])


def _pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Begin and end of what to compare, in both; together they cover both."""
    old, new = _elements(before), _elements(after)
    places = {key: place for place, (key, _) in enumerate(old)}
    at = to = 0
    for place, (key, _) in enumerate(new):
        known = places.get(key, -1)
        if known >= at:
            yield from _in_order(old[at : known + 1], new[to : place + 1])
            at, to = known, place
    yield from _in_order([*old[at:], ("", len(before))], [*new[to:], ("", len(after))])


def _in_order(
    old: Sequence[tuple[str, int]], new: Sequence[tuple[str, int]]
) -> Iterator[tuple[int, int, int, int]]:
    """Pair elements by their order; the last ones only say where those before them end."""
    ends = old[-1][1], new[-1][1]
    pairs = zip_longest(old[:-1], new[:-1])
    for place, (one, other) in enumerate(pairs, 1):
        at, end = (one[1], old[place][1]) if one else (ends[0], ends[0])
        to, to_end = (other[1], new[place][1]) if other else (ends[1], ends[1])
        yield at, end, to, to_end


def _elements(tags: Sequence[str]) -> list[tuple[str, int]]:
    """Keys and places of the elements that have one, of what comes before the first and after the last."""
    found = [("<", 0)]
    found += [
        (tag.partition(_KEY)[2].partition('"')[0], place)
        for place, tag in enumerate(tags)
        if _KEY in tag
    ]
    if len(found) > 1:
        found.append((">", _end(tags, found[-1][1])))
    return found


def _end(tags: Sequence[str], place: int) -> int:
    """Place behind the closing tag of an element."""
    name = tags[place].partition(">")[0].partition(" ")[0]
    opens, closes = (f"{name} ", f"{name}>"), f"/{name}>"
    depth = 0
    for at in range(place, len(tags)):
        if tags[at].startswith(closes):
            depth -= 1
            if not depth:
                return at + 1
        elif tags[at].startswith(opens):
            depth += 1
    return len(tags)


def _changes(before: Sequence[str], after: Sequence[str], at: int) -> Iterator[Edit]:
    if len(before) == len(after):
        yield from _changes_in_place(before, after, at)
        return
    shorter = min(len(before), len(after))
    same = 0
    while same < shorter and before[same] == after[same]:
        same += 1
    behind = 0
    while behind < shorter - same and before[-1 - behind] == after[-1 - behind]:
        behind += 1
    gone = len(before) - same - behind
    yield at + same, gone, _html(after[same : len(after) - behind])


def _changes_in_place(before: Sequence[str], after: Sequence[str], at: int) -> Iterator[Edit]:
    begin = end = -1
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        if one == other:
            continue
        if begin < 0:
            begin = place
        elif place > end + 1 or (place == end + 1 and len(before[end]) > _SHORT):
            yield at + begin, end - begin, _html(after[begin:end])
            begin = place
        end = place + 1
    if begin >= 0:
        yield at + begin, end - begin, _html(after[begin:end])
