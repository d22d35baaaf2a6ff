"""What a field of a payment is: said where the payment declares it, read by all that list fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, TypeVar, get_args

from msgspec import Struct, defstruct
from msgspec.structs import FieldInfo, fields

from financeops.core.contract.texts import FREE, Rule


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integers"
    INSTANT = "instants"


class About(Struct, frozen=True):
    """What a declaration says of its field besides name, type and default.

    Parameters
    ----------
    meaning : str
        For the documentation.
    text : Rule
        What a text may be.
    only : StrEnum, optional
        The one status of a payment with which the field may come.
    json : str, optional
        Its name outside Python; by default the same in camelCase.
    after : str, optional
        For a field that a subclass declares: which one it follows among the columns; ``""`` for
        the first of them.
    """

    meaning: str
    text: Rule = FREE
    only: StrEnum | None = None
    json: str | None = None
    after: str | None = None

    def __repr__(self) -> str:
        return repr(self.meaning)  # who reads the signature of the class sees this


class Field(Struct, frozen=True, kw_only=True):
    """All that is known of a field, which is a column of data frames and files of payments too.

    `json` is its name in the REST contract, in exports and in the database; it is `nullable` where
    a payment may have none; `choices` are the texts that there are, where these are few; `text` is
    what a text may be; `only`, the one status of a payment with which it may come.
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
    """The fields of a struct that says `About` each of its fields, by name, in order of columns."""
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
    """What the column holds, and the texts that there are if these are few."""
    plain = declared.type.__origin__
    match [kind for kind in get_args(plain) or (plain,) if kind is not NoneType]:
        case [kind] if kind is str:
            return Kind.TEXT, None
        case [kind] if kind is int:
            return Kind.INTEGER, None
        case [kind] if kind is datetime:
            return Kind.INSTANT, None
        case [kind] if issubclass(kind, StrEnum):
            return Kind.TEXT, kind
        case _:
            raise TypeError(f"{declared.name}: no column holds {plain}")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


AnyStruct = TypeVar("AnyStruct", bound=Struct)


def with_fields(
    declared: Iterable[tuple[str, Any] | tuple[str, Any, Any]], *, kw_only: bool = False
) -> Callable[[type[AnyStruct]], type[AnyStruct]]:
    """Decorate a struct: these fields, (name, type, default) each, follow those of its own."""

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
