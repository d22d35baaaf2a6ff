"""A choice of one option: the browser's own list, for every keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Mapping

from financeops.dashboard.html.markup import Markup, h


def choice(
    action: str, options: Mapping[str, str], chosen: str, *, label: str, icon: Markup | None = None
) -> Markup:
    """A list to choose from.

    Parameters
    ----------
    action : str
        What a choice calls, with its value.
    options : mapping of str to str
        Texts by value.
    chosen : str
        Value of the one that holds.
    label : str
        What it chooses, for screen readers and on hovering.
    icon : Markup, optional
        Stands before it.
    """
    return h(
        "label.fo-choice",
        icon,
        h("span.fo-hidden", label),
        h(
            "select",
            [
                h("option", text, value=value, selected=value == chosen)
                for value, text in options.items()
            ],
            data_action=action,
        ),
        title=label,
    )
