"""HTML that is safe by construction: what is not `Markup` is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

_VOID = {"br", "col", "hr", "img", "input"}


class Markup(str):
    """Text that is HTML already. Only `h` and `join` make it."""

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


def join(*children: Any) -> Markup:
    """Children beside each other, escaped where they are text."""
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
