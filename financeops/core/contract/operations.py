"""How the server and the tenants' sums are."""

from __future__ import annotations

from typing import Literal

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.forms import Document, Time
from financeops.core.periods import Grain


class HealthAnswer(Document, frozen=True, kw_only=True):
    """The process lives."""

    status: Literal["ok"]


class ReadyAnswer(Document, frozen=True, kw_only=True):
    """The database answers."""

    status: Literal["ready"]


class DifferenceAnswer(Document, frozen=True, kw_only=True):
    """A kept sum that differs from what its payments add up to."""

    currency: str
    grain: Grain
    start: Time
    kept: RollupAnswer
    counted: RollupAnswer


class VerifyAnswer(Document, frozen=True, kw_only=True):
    """Whether the kept sums equal a recomputation from the payments."""

    tenant_id: str
    seq: int
    checked: int
    differences: list[DifferenceAnswer]
    repaired: bool


class RezoneAnswer(VerifyAnswer, frozen=True, kw_only=True):
    """What cutting a tenant's days, months and hours in another time zone led to."""

    timezone: str
