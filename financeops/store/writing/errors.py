"""Why a transaction cannot be written as planned."""

from __future__ import annotations

from financeops.core.errors import Conflict


class OutdatedError(Exception):
    """The plan is based on what is no longer true: read and plan again."""


class RefusedError(Exception):
    """A payment is refused for good: by the database's validator or limits, or for this reason."""

    def __init__(self, reason: Conflict | None = None) -> None:
        super().__init__(str(reason) if reason else "the database refuses it")
        self.reason = reason
