"""How the server and the tenants' sums are."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.forms import Document, Time
from financeops.core.contract.problems import Problem
from financeops.core.periods import Grain, Period


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


class ShownAnswer(Document, frozen=True, kw_only=True):
    """Figures that are shown otherwise than the payments add up to.

    `period` is what was asked for, null all time; `from` and `to` bound the part of it that differs
    (the whole, a bucket, or with `previous` the period before). `remembered` tells whether it was
    answered from the server's memory or read anew.
    """

    currency: str
    period: Period | None
    previous: bool
    start: Time | None = field(name="from")
    end: Time | None = field(name="to")
    remembered: bool
    shown: RollupAnswer
    counted: RollupAnswer


class SumsAnswer(Document, frozen=True, kw_only=True):
    """Whether the kept sums equal a recomputation from the payments.

    Of `checked` sums `differing` do not; the first of these are `differences`.
    """

    tenant_id: str
    seq: int
    checked: int
    differing: int
    differences: list[DifferenceAnswer]
    repaired: bool


class VerifyAnswer(SumsAnswer, frozen=True, kw_only=True):
    """Whether the kept sums and what is shown equal a recomputation from the payments.

    `asked` figures were compared as they are shown: in each currency of all time, of each period,
    its buckets and the period before.
    """

    asked: int
    shown: list[ShownAnswer]


class ProgressAnswer(Document, frozen=True, kw_only=True):
    """How far one step of a verification is: `done` of about `of`.

    First the payments are counted, then the kept totals compared, differences looked at again and
    repaired, and at last figures are asked for as they are shown.
    """

    step: Literal["payments", "totals", "differences", "figures"]
    done: int
    of: int


class VerificationAnswer(Document, frozen=True, kw_only=True):
    """A verification that goes on in the background.

    `report` is there once it is `done`, `problem` when it `failed`.
    """

    id: str
    tenant_id: str
    repair: bool
    state: Literal["waiting", "running", "done", "stopped", "failed"]
    progress: ProgressAnswer | None
    report: VerifyAnswer | None
    problem: Problem | None


class RezoneAnswer(SumsAnswer, frozen=True, kw_only=True):
    """What cutting a tenant's days, months and hours in another time zone led to."""

    timezone: str
