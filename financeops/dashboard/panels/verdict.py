"""How payments are going, in a sentence that anybody understands in five seconds."""

from __future__ import annotations

from financeops.core.money import ratio
from financeops.dashboard.html import icons
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.course import Course, course_of, most_risen
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.totals import Figures

_ICONS = {Course.USUAL: icons.CHECK, Course.BELOW: icons.DOWN, Course.ABOVE: icons.UP}


class Verdict:
    """The success rate compared with the previous period and, if it fell, the failure that grew most."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("verdict")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say, percent = self._formats.say, self._formats.percent
        figures = model.figures
        rate, before = figures.metrics.success_rate, figures.previous.success_rate
        course = course_of(figures.metrics, figures.previous)
        self.widget.html = h(
            "p.fo-line",
            _ICONS.get(course),
            h(
                "span",
                h("strong", say(texts.COURSES[course], rate=percent(rate), before=percent(before))),
                self._cause(figures) if course is Course.BELOW else None,
            ),
            data_course=course.value,
            hidden=rate is None,
        )

    def _cause(self, figures: Figures) -> Markup | None:
        risen = most_risen(figures)
        if risen is None:
            return None
        percent = self._formats.percent
        text = self._formats.say(
            texts.RISEN,
            reason=self._formats.named(risen.decline_code, texts.REASONS),
            share=percent(ratio(100 * risen.count, figures.metrics.total_payments)),
            before=percent(ratio(100 * risen.count_before, figures.previous.total_payments)),
        )
        return h("span", f" {text}", data_cause=risen.decline_code)
