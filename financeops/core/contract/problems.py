"""The form of every refusal: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence

from financeops.core.contract.forms import Document


class FieldProblem(Document, frozen=True, kw_only=True):
    """One parameter that is wrong, and what is wrong with it."""

    field: str
    problem: str


class Problem(Document, frozen=True, kw_only=True):
    """What was wrong, in which field, and what would be right; `errors` if there are several.

    `payments` holds the ids of payments of which it is not known whether they were recorded.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FieldProblem] | None = None
    payments: Sequence[str] | None = None
