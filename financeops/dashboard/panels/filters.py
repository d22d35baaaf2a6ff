"""The active filters, and how to remove them."""

from __future__ import annotations

from financeops.core.dimensions import Dimension
from financeops.dashboard.html import icons
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.panels.values import name_of
from financeops.dashboard.state.model import DashboardModel


class Filters:
    """A chip for each filter that removes it; Escape removes all.

    Parameters
    ----------
    formats : Formats
    **actions : callable
        ``method`` and ``status``, called with None to remove the filter, ``facet``, called with its
        dimension (``"country:"``), and ``clear``.
    """

    def __init__(self, formats: Formats, **actions: Action) -> None:
        self._formats = formats
        self.widget = Panel("filters", **actions)

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say = self._formats.say
        chips = []
        if model.method is not None:
            name = self._formats.named(model.method, texts.METHODS)
            chips.append(self._chip("method", say(texts.METHOD), name, say(texts.FILTERS_ALL)))
        for each, value in model.facets:
            by = Dimension(each)
            name, kind = name_of(self._formats, by, value), say(texts.DIMENSIONS[by])
            chips.append(self._chip("facet", kind, name, say(texts.FILTERS_ALL), value=f"{by}:"))
        if model.status is not None:
            name = say(texts.STATUSES[model.status])
            chips.append(self._chip("status", say(texts.STATUS), name, say(texts.FILTERS_FEED)))
        self.widget.html = h(
            "div.fo-filter-row",
            h("span.fo-quiet", say(texts.FILTERS)) if chips else None,
            chips,
            h(
                "button.fo-button.fo-clear",
                say(texts.CLEAR),
                h("kbd", "Esc", aria_hidden="true"),
                type="button",
                data_action="clear",
                data_escape="clear",
                aria_keyshortcuts="Escape",
            )
            if chips
            else None,
            role="group",
            aria_label=say(texts.FILTERS),
        )

    def _chip(self, action: str, kind: str, name: str, scope: str, *, value: str = "") -> Markup:
        return h(
            "button.fo-chip",
            h("span.fo-quiet", kind),
            h("bdi", name),
            h("span.fo-quiet", scope),
            icons.REMOVE,
            h("span.fo-hidden", self._formats.say(texts.REMOVE_FILTER)),
            type="button",
            data_key=f"{action}{value}",
            data_action=action,
            data_value=value,
            data_filter=value.removesuffix(":") or action,
        )
