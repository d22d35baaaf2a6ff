"""Messages to the viewer, in the viewer's language."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel import Locale, UnknownLocaleError

SOURCE = "en"
"""The language of `texts.py`."""

LANGUAGES = {"ar": "العربية", "de": "Deutsch", "en": "English"}
"""The translated languages, by their own names."""

CATALOGUES = Path(__file__).parent / "locale"

_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


class Text(str):
    """A message in English. `Words.say` gives its translation."""

    __slots__ = ()


class Plural(NamedTuple):
    """A message in English whose form depends on a number, `count`."""

    one: str
    other: str


def locale_of(tag: str) -> Locale | None:
    """Return the locale of a tag such as ``de``, ``de-AT`` or ``de_AT``; None if it is not translated."""
    try:
        locale = Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return None
    return locale if locale.language in LANGUAGES else None


class Words:
    """Messages in one language.

    Parameters
    ----------
    locale : Locale
    translations : NullTranslations
        The catalogue.
    """

    def __init__(self, locale: Locale, translations: NullTranslations) -> None:
        self._translations = translations
        self._right_to_left = locale.text_direction == "rtl"

    def say(self, message: Text | Plural, *, number: int | None = None, **values: str) -> str:
        """The message with its placeholders filled.

        Parameters
        ----------
        message : Text or Plural
        number : int, optional
            Chooses the form of a `Plural`; its formatted text is in `values`.
        **values : str
            What takes the place of ``{name}``.
        """
        match message:
            case Plural(one, other):
                assert number is not None, f"a number chooses between {one!r} and {other!r}"
                text = self._translations.ngettext(one, other, number)
            case _:
                text = self._translations.gettext(message)
        if self._right_to_left:
            # Names and numbers keep their own direction without affecting that of the sentence.
            values = {name: f"{_ISOLATE}{value}{_END}" for name, value in values.items()}
        return text.format_map(values)


def words_in(locale: Locale) -> Words:
    """Words of the locale's language."""
    return Words(locale, _translations(locale.language))


@cache
def _translations(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    # Imported here because most viewers do not need them. Compiled here (10 ms), so that checkouts
    # and wheels need no build step for .mo files.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    file = CATALOGUES / language / "LC_MESSAGES" / "financeops.po"
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language, domain="financeops")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
