"""Imports: starting, listing, finishing and undoing them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from financeops.core.contract.forms import Body, Document, Time
from financeops.core.contract.texts import LINE_PATTERN, MAX_TEXT, OPTION_PATTERN, TenantId

Line = Annotated[str, Meta(extra_json_schema={"pattern": LINE_PATTERN})]
Option = Line | bool | list[Line]
"""Value of one option of the command line."""

_Count = Annotated[float, Meta(ge=0, le=2**53 - 1, multiple_of=1)]
"""A whole number, up to what every reader of JSON can hold; ``7.0`` is one too."""


class StartRequest(Body, frozen=True, kw_only=True):
    """An import to start. If the same import was interrupted, it is resumed."""

    file: Annotated[Line, Meta(min_length=1, max_length=4 * MAX_TEXT)]
    tenant_id: TenantId | UnsetType = UNSET
    size: _Count | None = None
    options: dict[Annotated[str, Meta(pattern=OPTION_PATTERN)], Option] = field(
        default_factory=dict
    )


class FinishRequest(Body, frozen=True, kw_only=True):
    """How many rows changed nothing, and why; sent once all rows were sent."""

    duplicate: _Count = 0
    conflict: _Count = 0
    rejected: _Count = 0


class ImportCounts(Document, frozen=True, kw_only=True):
    """Number of rows by outcome; all but `created` and `updated` are known once it is done."""

    created: int
    updated: int
    duplicate: int
    conflict: int
    rejected: int


class ImportAnswer(Document, frozen=True, kw_only=True):
    """One import: `running` (also if it was interrupted), `done`, `undoing` or `undone`."""

    id: str = field(name="_id")
    tenant_id: str
    file: str
    size: int | None
    options: dict[str, Option]
    state: str
    started_at: Time
    finished_at: Time | None
    undone_at: Time | None
    counts: ImportCounts
