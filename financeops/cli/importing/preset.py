"""Presets: what the columns and rows of a provider's files mean, as data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from financeops.cli.importing.amounts import Separator
from financeops.cli.importing.dateformats import check_format
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.payments import OPTIONAL

OPTION = "--from"
_ENDING = ".toml"
_FIELDS = ("amount", "currency", "method", "status", "createdAt", *(each.json for each in OPTIONAL))
_OF_DISPUTES = ("id", "amount", "status", "openedAt", "closedAt", "reason")

Where = dict[str, list[str]]
"""Texts that the cells of these columns may hold; an empty one stands for an empty cell."""


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of a preset's file; a name that is not known is an error."""


class Source(_Part, frozen=True, kw_only=True):
    """Where the value of a field comes from; of several the first that gives one.

    Parameters
    ----------
    column : str or list of str
        The column; of several names the first that the file has.
    joined : list of str
        Columns whose texts belong together, such as a date and a time.
    constant : str
        The value itself.
    given : str
        The value, if the column has any.
    tenders : dict of str to str
        By columns of amounts: the value that stands for the only one that is not zero.
    where : Where
        Only rows for which this holds.
    values : dict of str to str
        What each text means; ``""`` for nothing.
    others : str
        Whether texts that `values` does not name are refused, or kept.
    case : str
        How the text is then written: ``word`` is that of methods and networks.
    negate : bool
        The file has costs as negative amounts.
    date_format : str
        Of times that are not ISO 8601; ``excel`` for the days that a spreadsheet counts.
    zone, zone_column, zones
        The zone of times: always the same, or by the texts of a column. It is an IANA name or an
        offset; texts that `zones` does not name are taken for one.
    not_before : str
        A time at which an earlier one is taken for this field's.
    """

    column: str | list[str] = []
    joined: list[str] = []
    constant: str | None = None
    given: str | None = None
    tenders: dict[str, str] = {}
    where: Where = {}
    values: dict[str, str] = {}
    others: Literal["refuse", "keep"] = "refuse"
    case: Literal["upper", "lower", "word", "country", "last4"] | None = None
    negate: bool = False
    date_format: str | None = None
    zone: str | None = None
    zone_column: str | None = None
    zones: dict[str, str] = {}
    not_before: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns of which it needs one."""
        return [self.column] if isinstance(self.column, str) else self.column

    @property
    def columns(self) -> set[str]:
        """All columns that it looks at."""
        zone = {self.zone_column} if self.zone_column else set[str]()
        return {*self.names, *self.joined, *self.tenders, *self.where, *zone}

    def fits(self, columns: Collection[str]) -> bool:
        """Whether a file with these columns can tell."""
        if self.tenders:
            return not self.tenders.keys().isdisjoint(columns)
        if self.joined:
            return set(self.joined) <= set(columns)
        return self.constant is not None or not set(self.names).isdisjoint(columns)


Sources = Source | list[Source]


class FeeSource(_Part, frozen=True, kw_only=True):
    """A fee in a column, less what another column has of it; of several names the first that has a value.

    If the column `currency` names another currency than the payment's, the fee cannot be told.
    """

    kind: FeeKind
    column: str | list[str]
    less: list[str] = []
    currency: str | None = None
    negate: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the column; the file has one of them."""
        return [self.column] if isinstance(self.column, str) else self.column


class RowRule(_Part, frozen=True, kw_only=True):
    """What rows are: payments, unless it says why they are skipped."""

    where: Where
    skip: str | None = None


class Recognition(_Part, frozen=True, kw_only=True):
    """The columns that a file must have: all of `columns`, and one of each of `either`."""

    columns: list[str]
    either: list[list[str]] = []

    def missing(self, columns: Collection[str]) -> list[str]:
        """Which of them a file lacks."""
        return [
            *(name for name in self.columns if name not in columns),
            *(" or ".join(names) for names in self.either if set(names).isdisjoint(columns)),
        ]


class Preset(_Part, frozen=True, kw_only=True):
    """What a provider's files mean.

    Parameters
    ----------
    name, title, notes : str
        `notes` say what was decided where the provider leaves something open, and why.
    recognised : Recognition
    fields : dict of str to Sources
        By field of a payment.
    rows : list of RowRule
        The first that applies decides; a row to which none applies is refused. Without any, all
        rows are payments.
    zero : list of str
        Columns that must be empty or zero in a payment's row: what they say is not read.
    fees : list of FeeSource
    dispute : dict of str to Sources
        The parts of a dispute: ``id``, ``amount``, ``status``, ``openedAt``, ``closedAt``, ``reason``.
    metadata_ending : str, optional
        Columns whose names end so are pairs of metadata.
    decimal : Separator, optional
        How the provider writes amounts; by default each column tells.
    """

    name: str
    title: str
    notes: str
    recognised: Recognition
    fields: dict[str, Sources]
    rows: list[RowRule] = []
    zero: list[str] = []
    fees: list[FeeSource] = []
    dispute: dict[str, Sources] = {}
    metadata_ending: str | None = None
    decimal: Separator | None = None
    text: str = field(default="", name="text")
    """The file itself, as it is shown."""

    def columns(self) -> set[str]:
        """All columns that it looks at."""
        found = {*self.recognised.columns, *self.zero}
        for names in self.recognised.either:
            found |= set(names)
        for sources in (*self.fields.values(), *self.dispute.values()):
            for source in each_of(sources):
                found |= source.columns
        for rule in self.rows:
            found |= rule.where.keys()
        for fee in self.fees:
            found |= {*fee.names, *fee.less, *([fee.currency] if fee.currency else [])}
        return found


def each_of(sources: Sources) -> list[Source]:
    """The sources of a field, in the order in which they are asked."""
    return [sources] if isinstance(sources, Source) else sources


@lru_cache(maxsize=1)
def known() -> dict[str, Preset]:
    """The presets that come with the program, by name."""
    there = files("financeops.cli.importing") / "presets"
    found = sorted(there.iterdir(), key=lambda each: each.name)
    texts = [each.read_text("utf-8") for each in found if each.name.endswith(_ENDING)]
    presets = [preset_in(text, called=OPTION) for text in texts]
    return {each.name: each for each in presets}


def preset_in(text: str, *, called: str) -> Preset:
    """A preset of its file's text; raises `InvalidValue`, naming `called`."""
    try:
        preset = msgspec.toml.decode(text, type=Preset)
        _check(preset)
    except (msgspec.DecodeError, ValueError) as error:  # tomllib raises a ValueError
        raise InvalidValue(called, f"is no preset: {error}") from None
    except InvalidValue as error:
        raise InvalidValue(called, f"is no preset: {error}") from None
    return msgspec.structs.replace(preset, text=text)


def _check(preset: Preset) -> None:
    for where, sources, known_ in (
        ("fields", preset.fields, _FIELDS),
        ("dispute", preset.dispute, _OF_DISPUTES),
    ):
        if unknown := [name for name in sources if name not in known_]:
            raise InvalidValue(where, f"{unknown[0]!r} is not one of {', '.join(known_)}")
        for each in (each for parts in sources.values() for each in each_of(parts)):
            if each.date_format is not None:
                check_format(each.date_format)


def preset_of(text: str) -> Preset:
    """The preset that a name or a path names.

    Raises
    ------
    InvalidValue
        Naming ``--from``.
    """
    if (preset := known().get(text)) is not None:
        return preset
    path = Path(text)
    if path.suffix == _ENDING or "/" in text:
        try:
            return preset_in(path.read_text("utf-8"), called=f"{OPTION} {text}")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise InvalidValue(OPTION, f"{text} cannot be read: {reason}") from None
    raise InvalidValue(
        OPTION,
        f"must be auto, none, the path of a preset's file ({_ENDING}), or one of "
        f"{', '.join(known())}, not {text!r}",
    )


def recognised(columns: Collection[str]) -> Preset | None:
    """The preset that a file with these columns fits, None if none does.

    Raises
    ------
    InvalidValue
        Naming ``--from``, when several do.
    """
    fitting = list(_fitting(columns))
    if len(fitting) > 1:
        names = " and ".join(each.name for each in fitting)
        raise InvalidValue(OPTION, f"is required: {names} fit the columns of the file")
    return fitting[0] if fitting else None


def _fitting(columns: Collection[str]) -> Iterator[Preset]:
    for preset in known().values():
        if not preset.recognised.missing(columns):
            yield preset


def familiar() -> set[str]:
    """Columns of all presets, which help to find what separates columns."""
    return set().union(*(preset.columns() for preset in known().values()))
