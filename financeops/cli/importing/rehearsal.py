"""`financeops import --dry-run`: what a file's rows would be recorded as, and which would be refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from financeops.cli.importing.columns import Columns
from financeops.cli.importing.interpreting import Skipped
from financeops.cli.importing.occurrences import Occurrences
from financeops.cli.importing.rows import Row
from financeops.core import wire
from financeops.core.became import dispute_in, refunds_in
from financeops.core.contract.requests import ImportRequest
from financeops.core.drafts import draft_of
from financeops.core.errors import InvalidValue
from financeops.core.money import decimals_of, to_major
from financeops.core.payments import Draft, Source, Status, Tenant
from financeops.core.reading import read_import_request

_SHOWN = 20
"""Reasons that are printed one by one."""

_ROW = {"content": "x", "base": "x", "meaning": "x"}


@dataclass
class Money:
    """Payments of one currency, in minor units."""

    statuses: Counter[Status] = field(default_factory=Counter)
    amounts: Counter[Status] = field(default_factory=Counter)
    returned: int = 0
    fees: int = 0

    def add(self, draft: Draft) -> None:
        """Count a payment."""
        self.statuses[draft.status] += 1
        self.amounts[draft.status] += draft.amount
        self.returned += draft.returned
        self.fees += draft.fee_amount or 0


@dataclass
class Tally:
    """Payments of one method."""

    of: dict[str, Money] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    times: list[datetime] = field(default_factory=list)
    """The first and the last."""

    rows: int = 0
    line: int = 0
    """That of the first."""


@dataclass
class Rehearsal:
    """What has been found out; `methods` have a tally each, as only the server knows which it accepts."""

    methods: dict[str, Tally] = field(default_factory=dict)
    repeated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: dict[str, list[int]] = field(default_factory=dict)
    """Lines, by the reason."""

    def refuse(self, reason: str, line: int, rows: int = 1) -> None:
        """Note rows that are refused, of which the first is in this line."""
        self.refused.setdefault(reason, []).extend([line] * rows)

    def refuse_method(self, method: str, reason: str) -> None:
        """Note that the server does not accept a method."""
        tally = self.methods.pop(method)
        self.refuse(reason, tally.line, tally.rows)

    def lines(self) -> Iterator[str]:
        """Give lines that say all of it."""
        kinds, times, money = Counter[str](), list[datetime](), dict[str, list[Money]]()
        for tally in self.methods.values():
            kinds += tally.kinds
            times += tally.times
            for currency, each in tally.of.items():
                money.setdefault(currency, []).append(each)
        told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        yield f"payments: {told}" if told else "no payments"
        if times:
            yield f"from {wire.timestamp(min(times))} to {wire.timestamp(max(times))}"
        for currency, parts in sorted(money.items()):
            yield _total(currency, parts)
        if self.repeated:
            yield f"{self.repeated:,} repeat the reference of an earlier row, and add nothing"
        yield from (f"{count:,} skipped: {reason}" for reason, count in self.skipped.items())
        for reason, lines in list(self.refused.items())[:_SHOWN]:
            others = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
            yield f"refused: line {lines[0]}{others}: {reason}"
        if (more := len(self.refused) - _SHOWN) > 0:
            yield f"refused: for {more:,} more reasons"


def rehearsed(rows: Iterable[Row], columns: Columns, *, now: datetime) -> Rehearsal:
    """Read rows as payments, and check them as the server would, but for their methods."""
    found, references = Rehearsal(), Occurrences()
    for row in rows:
        if row.values is None:
            found.refuse(row.problem or "cannot be read", row.number)
            continue
        try:
            payment = columns.payment(row.values)
            request = read_import_request(wire.encode({**payment, "row": _ROW}))
            draft, kinds = _checked(request, payment, now)
        except Skipped as reason:
            found.skipped[str(reason)] += 1
        except InvalidValue as error:
            found.refuse(str(error), row.number)
        else:
            if draft.reference and references.count(draft.reference.encode()) > 1:
                found.repeated += 1
                continue
            tally = found.methods.setdefault(draft.method, Tally(line=row.number))
            tally.rows += 1
            tally.kinds.update(kinds)
            tally.of.setdefault(draft.currency, Money()).add(draft)
            at = draft.created_at
            tally.times = [min([at, *tally.times]), max([at, *tally.times])]
    references.close()
    return found


def _checked(
    request: ImportRequest, payment: Mapping[str, Any], now: datetime
) -> tuple[Draft, list[str]]:
    """The payment that the server would make of a row, and what it would count."""
    tenant = Tenant(id=payment["tenantId"], currency=payment["currency"], timezone="UTC")
    draft = draft_of(
        request, tenant=tenant, methods={request.method}, now=now, source=Source.IMPORT
    )
    refunds = refunds_in(request.refunds, draft, now)
    dispute = dispute_in(request.dispute, draft, now)
    part = draft.status is Status.SUCCESS and draft.returned
    told = {
        f"{draft.status}": True,
        "refunded in part": part,
        "with refunds one by one": refunds,
        "disputed": dispute,
        "with fees": draft.fee_amount,
        "with a payout": draft.payout_id,
    }
    return draft, [kind for kind, is_so in told.items() if is_so]


def _total(currency: str, parts: list[Money]) -> str:
    def text(minor: int) -> str:
        return f"{to_major(minor, currency):,.{decimals_of(currency)}f}"

    taken = (Status.SUCCESS, Status.REFUNDED)
    count = sum(each.statuses[status] for each in parts for status in taken)
    volume = sum(each.amounts[status] for each in parts for status in taken)
    failed = sum(each.amounts[Status.FAILED] for each in parts)
    returned = sum(each.returned for each in parts)
    fees = sum(each.fees for each in parts)
    others = [("failed", failed), ("refunded", returned), ("fees", fees)]
    further = "".join(f"; {name} {text(minor)}" for name, minor in others if minor)
    return f"{currency} {text(volume)} paid, by {count:,}{further}"
