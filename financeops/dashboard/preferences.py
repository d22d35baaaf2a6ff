"""Language and theme that a viewer has chosen; neither changes a figure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from babel import Locale
from traitlets import HasTraits, Unicode, UseEnum

from financeops.dashboard.html import icons
from financeops.dashboard.html.choice import choice
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.language.words import LANGUAGES, SOURCE, locale_of


class Theme(StrEnum):
    """Colour scheme: that of the system, or a fixed one."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Preferences(HasTraits):
    """The choices of a viewer.

    Attributes
    ----------
    theme : Theme
    language : str or None
        Tag of the chosen language; None for the browser's.
    """

    theme = UseEnum(Theme, default_value=Theme.SYSTEM)
    language = Unicode(None, allow_none=True)
    browser: Sequence[str] = ()

    @property
    def locale(self) -> Locale:
        """The chosen language, else the first of the browser's languages that is translated.

        If the browser names a country for the chosen language, dates and numbers follow that
        country.
        """
        known = [locale for locale in map(locale_of, self.browser) if locale is not None]
        chosen = None if self.language is None else locale_of(self.language)
        if chosen is None:
            return known[0] if known else Locale(SOURCE)
        if chosen.territory is None:
            same = (locale for locale in known if locale.language == chosen.language)
            return next(same, chosen)
        return chosen


def controls(preferences: Preferences, formats: Formats) -> Markup:
    """The two choices of the header."""
    say = formats.say
    return h(
        "div.fo-preferences",
        choice(
            "language",
            LANGUAGES,  # each by its own name, for viewers who read no other
            formats.locale.language,
            label=say(texts.LANGUAGE),
            icon=icons.LANGUAGE,
        ),
        choice(
            "theme",
            {theme.value: say(texts.THEMES[theme.value]) for theme in Theme},
            preferences.theme.value,
            label=say(texts.THEME),
            icon=icons.THEME,
        ),
    )
