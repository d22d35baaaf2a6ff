"""What every refusal is: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from financeops.core.contract.forms import Document


class FieldProblem(Document, frozen=True, kw_only=True):
    """One parameter that is wrong, and how."""

    field: str
    problem: str


class Problem(Document, frozen=True, kw_only=True):
    """What was wrong, in which field, what would be right; `errors` where there are several.

    `payments` holds the ids of those that may be recorded, where that is not known.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | UnsetType = UNSET
    errors: list[FieldProblem] | UnsetType = UNSET
    payments: Sequence[str] | UnsetType = UNSET
