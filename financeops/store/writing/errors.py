"""Why a transaction cannot be written as planned."""

from __future__ import annotations

from collections.abc import Mapping

from financeops.core.errors import Conflict


class OutdatedError(Exception):
    """The plan is based on what is no longer true: read and plan again."""


class RefusedError(Exception):
    """A payment is refused for good: by the database's validator or limits, or for a reason.

    `reasons` are known of some payments, by id: the others can be written without them.
    """

    def __init__(self, reasons: Mapping[str, Conflict] | None = None) -> None:
        super().__init__(", ".join({str(each) for each in (reasons or {}).values()}))
        self.reasons = reasons or {}
