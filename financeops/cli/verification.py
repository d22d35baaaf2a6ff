"""`financeops verify` and `financeops tenant set-timezone`."""

from __future__ import annotations

from collections.abc import Sequence

from financeops.cli.progress import Bar
from financeops.client import Client, VerificationAnswer
from financeops.core import wire
from financeops.core.contract.operations import DifferenceAnswer, ShownAnswer

_SHOWN = 20
_STEPS = {
    "payments": "counting payments",
    "totals": "comparing totals",
    "differences": "checking differences again",
    "figures": "checking displayed figures",
}


async def verified(url: str, *, tenant_id: str, repair: bool) -> tuple[list[str], bool]:
    """Have the server verify; return the lines to print, and whether all is correct now."""
    async with Client(url) as client:
        with Bar(total=100) as bar:
            answer = await client.verify(
                tenant_id, repair=repair, progress=lambda now: bar.show(*_how_far(now))
            )
    found = answer.differing
    checked = f"{tenant_id}: {answer.checked:,} totals checked at change {answer.seq:,}"
    if not found:
        outcome = "no difference"
    elif answer.repaired:
        outcome = f"{found:,} differed and were repaired"
    else:
        outcome = f"{found:,} differ; `financeops verify --repair` repairs them"
    lines = [*_some(answer.differences, of=found), f"{checked}, {outcome}"]
    if answer.misnumbered:
        orders = ", ".join(answer.misnumbered[:_SHOWN])
        lines.append(f"{tenant_id}: attempts of orders had wrong numbers: {orders}")
    if answer.mistimed:
        payments = ", ".join(answer.mistimed[:_SHOWN])
        lines.append(
            f"{tenant_id}: what happened to payments was not found by its time: {payments}"
        )
    if answer.unreported:
        payments = ", ".join(answer.unreported[:_SHOWN])
        lines.append(
            f"{tenant_id}: payments were neither converted nor waited for a rate: {payments}"
        )
    if answer.overdue:
        payments = ", ".join(answer.overdue[:_SHOWN])
        lines.append(f"{tenant_id}: acts still waited for payments that were recorded: {payments}")
    good = answer.repaired or not (
        found or answer.misnumbered or answer.mistimed or answer.unreported or answer.overdue
    )
    lasting = sum(not each.remembered for each in answer.shown)
    if not answer.shown:
        outcome = "no difference"
    elif lasting and good:
        outcome = f"{lasting:,} are displayed wrong although the totals are right: please report it"
    elif lasting:
        outcome = f"{lasting:,} are displayed wrong because totals differ"
    elif answer.repaired:
        outcome = f"{len(answer.shown):,} were cached wrong and have been dropped"
    else:
        outcome = (
            f"{len(answer.shown):,} are cached wrong; "
            "`financeops verify --repair` drops them from the caches"
        )
    return (
        [
            *_some(answer.shown, of=len(answer.shown)),
            f"{tenant_id}: {answer.asked:,} displayed figures checked, {outcome}",
            *lines,
        ],
        good and (not answer.shown or (not lasting and answer.repaired)),
    )


def _how_far(verification: VerificationAnswer) -> tuple[int, str]:
    """Return the percentage of the present step, and its description."""
    progress = verification.progress
    if progress is None:
        return (
            0,
            "waiting for another verification" if verification.state == "waiting" else "starting",
        )
    share = 100 * progress.done // max(1, progress.of)
    return (
        share,
        f"{_STEPS.get(progress.step, progress.step)}: {progress.done:,} of {progress.of:,}",
    )


def _some(differences: Sequence[DifferenceAnswer | ShownAnswer], *, of: int) -> list[str]:
    """Return the first differences, one per line, and how many more there are."""
    lines = [wire.encode(difference).decode() for difference in differences[:_SHOWN]]
    more = of - len(lines)
    return [*lines, f"... and {more:,} more"] if more > 0 else lines


async def rezoned(url: str, *, tenant_id: str, timezone: str) -> str:
    """Change a tenant's time zone, and return the line to print."""
    async with Client(url) as client:
        answer = await client.set_timezone(tenant_id, timezone)
    return (
        f"{tenant_id}: {answer.differing:,} of {answer.checked:,} totals were recomputed in "
        f"{timezone}; if FINANCEOPS_TENANTS names the tenant, change its zone there too"
    )
