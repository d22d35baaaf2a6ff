"""HTML that is safe by construction: everything but `Markup` is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

_VOID = {"br", "col", "hr", "img", "input", "wbr"}
_LONG, _PIECE = 22, 11
"""Letters of a word that is too long for a line, and of the pieces into which it may be broken."""


class Markup(str):
    """Text that is already HTML. Only `h` and `join` create it."""

    __slots__ = ()


def h(tag: str, /, *children: Any, **attributes: Any) -> Markup:
    """One element.

    Parameters
    ----------
    tag : str
        Its name, with classes behind dots: ``"div.card.wide"``.
    *children : Markup, str, int, list of these or None
        Text is escaped, None left out.
    **attributes
        ``data_key`` is written ``data-key``, ``for_`` is ``for``; None and False are left out,
        True is an attribute without a value.
    """
    name, *classes = tag.split(".")
    if classes:
        given = attributes.pop("class_", None)
        attributes = {"class_": " ".join([*classes, given] if given else classes), **attributes}
    head = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{head}>")
    return Markup(f"<{name}{head}>{join(*children)}</{name}>")


def words(text: str) -> Markup:
    """Keep words whole, except those that are too long for most lines."""
    written = []
    for word in text.split(" "):
        length = _PIECE if len(word) > _LONG else len(word) or 1
        pieces = (word[at : at + length] for at in range(0, len(word), length))
        written.append(h("wbr").join(map(escape, pieces)))
    return Markup(" ".join(written))


def join(*children: Any) -> Markup:
    """Join children, and escape those that are text."""
    return Markup("".join(_markup(child) for child in children))


def _markup(child: Any) -> str:
    match child:
        case None | False:
            return ""
        case Markup():
            return child
        case list() | tuple():
            return join(*child)
        case _:
            return escape(str(child))
