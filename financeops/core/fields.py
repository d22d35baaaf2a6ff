"""The fields of a payment: described where it declares them, read by all that list fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from msgspec import Struct, defstruct
from msgspec.structs import FieldInfo, fields

from financeops.core.contract.texts import FREE, Rule
from financeops.core.pairs import Pairs


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integers"
    INSTANT = "instants"
    PAIRS = "pairs"
    """Pairs of texts: JSON text in columns and in the database, whose names must not hold dots."""

    ACTS = "acts"
    """What happened to a payment: JSON text in columns and in the database (`core/act_texts.py`)."""


class About(Struct, frozen=True):
    """What a declaration tells about its field besides name, type and default.

    Parameters
    ----------
    meaning : str
        Text for the documentation.
    text : Rule
        The rule for its texts.
    only : StrEnum, optional
        The only status of a payment with which the field may be given.
    json : str, optional
        Its name outside Python; by default its name in camelCase.
    after : str, optional
        For a field that a subclass declares: the column that it follows; ``""`` puts it first.
    """

    meaning: str
    text: Rule = FREE
    only: StrEnum | None = None
    json: str | None = None
    after: str | None = None

    def __repr__(self) -> str:
        return repr(self.meaning)  # the signature of the class shows this


class Field(Struct, frozen=True, kw_only=True):
    """All that is known about a field, which is also a column of data frames and files of payments.

    `json` is its name in the REST contract, in exports and in the database; it is `nullable` if a
    payment may lack it; `choices` are its possible texts if it has only a few; `text` is the rule
    for its texts; `only` is the one status of a payment with which it may be given.
    """

    name: str
    json: str
    kind: Kind
    nullable: bool
    choices: type[StrEnum] | None
    text: Rule
    only: StrEnum | None
    meaning: str


def fields_of(struct: type[Struct]) -> dict[str, Field]:
    """Fields of a struct whose declarations have an `About`, by name, in the order of columns."""
    columns: list[FieldInfo] = []
    for declared in fields(struct):
        names = [column.name for column in columns]
        match _about(declared).after:
            case None:
                place = len(names)
            case "":
                place = 0
            case before:
                place = names.index(before) + 1
        columns.insert(place, declared)
    return {column.name: _field(column) for column in columns}


def _field(declared: FieldInfo) -> Field:
    about = _about(declared)
    kind, choices = _kind(declared)
    return Field(
        name=declared.name,
        json=about.json or _camel(declared.name),
        kind=kind,
        nullable=not declared.required,
        choices=choices,
        text=about.text,
        only=about.only,
        meaning=about.meaning,
    )


def _about(declared: FieldInfo) -> About:
    found: list[About] = [
        each for each in getattr(declared.type, "__metadata__", ()) if isinstance(each, About)
    ]
    if len(found) != 1:
        raise TypeError(f"{declared.name}: declare it as Annotated[type, About(...)]")
    return found[0]


def _kind(declared: FieldInfo) -> tuple[Kind, type[StrEnum] | None]:
    """Kind of the column, and its possible texts if there are only a few."""
    plain = declared.type.__origin__
    kinds = get_args(plain) if isinstance(plain, UnionType) else (plain,)
    match [kind for kind in kinds if kind is not NoneType]:
        case [kind] if kind == Pairs:
            return Kind.PAIRS, None
        case [kind] if kind is str:
            return Kind.TEXT, None
        case [kind] if get_origin(kind) is tuple:
            return Kind.ACTS, None
        case [kind] if kind is int:
            return Kind.INTEGER, None
        case [kind] if kind is datetime:
            return Kind.INSTANT, None
        case [kind] if issubclass(kind, StrEnum):
            return Kind.TEXT, kind
        case [kind] if issubclass(kind, Struct):
            return Kind.ACTS, None
        case _:
            raise TypeError(f"{declared.name}: no column holds {plain}")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


AnyStruct = TypeVar("AnyStruct", bound=Struct)


def with_fields(
    declared: Iterable[tuple[str, Any] | tuple[str, Any, Any]], *, kw_only: bool = False
) -> Callable[[type[AnyStruct]], type[AnyStruct]]:
    """Decorate a struct: add fields, each a (name, type, default), after its own."""

    def add(struct: type[AnyStruct]) -> type[AnyStruct]:
        made: type[Any] = defstruct(
            struct.__name__,
            declared,
            bases=(struct,),
            module=struct.__module__,
            namespace={"__doc__": struct.__doc__},
            kw_only=kw_only,
        )
        return made

    return add
