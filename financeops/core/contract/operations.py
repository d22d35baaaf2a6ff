"""The state of the server, and of the tenants' sums."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.forms import Document, Time
from financeops.core.contract.problems import Problem
from financeops.core.periods import Grain, Period


class HomeAnswer(Document, frozen=True, kw_only=True):
    """What this server is; `dashboard` is null unless a setting names it."""

    name: Literal["FinanceOps"]
    version: str
    documentation: str
    dashboard: str | None


class HealthAnswer(Document, frozen=True, kw_only=True):
    """The process is running."""

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
    """Displayed figures that differ from what the payments add up to.

    `period` is the period of the query, null for all time; `from` and `to` bound the part of it
    that differs (all of it, a bucket, or with `previous` the period before). `remembered` tells
    whether the answer came from the server's memory or was read anew.
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

    Of `checked` sums, `differing` do not; `differences` lists the first of these.
    """

    tenant_id: str
    seq: int
    checked: int
    differing: int
    differences: list[DifferenceAnswer]
    repaired: bool


class VerifyAnswer(SumsAnswer, frozen=True, kw_only=True):
    """Whether the kept sums and the displayed figures equal a recomputation from the payments.

    `asked` is the number of displayed figures compared: in each currency those of all time, of
    each period, its buckets and the period before. `misnumbered` are the orders whose attempts had
    wrong numbers, `mistimed` the payments whose refunds, disputes or fees were not found by their
    time, or not as waiting for an exchange rate, `unreported` those in other currencies than the tenant's
    that were neither converted nor waited, `overdue` those beside which acts still waited for them;
    the first thousand of each.
    """

    asked: int
    shown: list[ShownAnswer]
    misnumbered: list[str]
    mistimed: list[str]
    unreported: list[str]
    overdue: list[str]


class ProgressAnswer(Document, frozen=True, kw_only=True):
    """Progress of one step of a verification: `done` of about `of`.

    First the payments are counted, then the kept totals compared, differences checked again and
    repaired, and at last the displayed figures compared.
    """

    step: Literal["payments", "totals", "differences", "figures"]
    done: int
    of: int


class VerificationAnswer(Document, frozen=True, kw_only=True):
    """A verification that runs in the background.

    It has a `report` once it is `done`, a `problem` if it `failed`.
    """

    id: str
    tenant_id: str
    repair: bool
    state: Literal["waiting", "running", "done", "stopped", "failed"]
    progress: ProgressAnswer | None
    report: VerifyAnswer | None
    problem: Problem | None


class RezoneAnswer(SumsAnswer, frozen=True, kw_only=True):
    """Result of recomputing a tenant's days, months and hours in another time zone."""

    timezone: str
