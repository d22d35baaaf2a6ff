"""Totals and shown figures: whether they are what the payments add up to; in which time zone."""

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
    "differences": "looking at differences again",
    "figures": "asking for figures",
}


async def verified(url: str, *, tenant_id: str, repair: bool) -> tuple[list[str], bool]:
    """Ask the server, and return what to say and whether all is well now."""
    async with Client(url) as client:
        with Bar(total=100) as bar:
            answer = await client.verify(
                tenant_id, repair=repair, told=lambda now: bar.show(*_how_far(now))
            )
    found = answer.differing
    checked = f"{tenant_id}: {answer.checked:,} totals checked at change {answer.seq:,}"
    if not found:
        outcome = "no difference"
    elif answer.repaired:
        outcome = f"{found:,} differed and were repaired"
    else:
        outcome = f"{found:,} differ; `financeops verify --repair` mends them"
    lines = [*_some(answer.differences, of=found), f"{checked}, {outcome}"]
    good = not found or answer.repaired
    lasting = sum(not each.remembered for each in answer.shown)
    if not answer.shown:
        outcome = "no difference"
    elif lasting and good:
        outcome = f"{lasting:,} are shown wrong though the totals are right: please report it"
    elif lasting:
        outcome = f"{lasting:,} are shown wrong because totals differ"
    elif answer.repaired:
        outcome = f"{len(answer.shown):,} were remembered wrong and forgotten"
    else:
        outcome = (
            f"{len(answer.shown):,} are remembered wrong; "
            "`financeops verify --repair` has servers forget them"
        )
    return (
        [
            *_some(answer.shown, of=len(answer.shown)),
            f"{tenant_id}: {answer.asked:,} figures asked for, {outcome}",
            *lines,
        ],
        good and (not answer.shown or (not lasting and answer.repaired)),
    )


def _how_far(verification: VerificationAnswer) -> tuple[int, str]:
    """Percent of the step that it is at, and which one that is."""
    progress = verification.progress
    if progress is None:
        return 0, "others are verified first" if verification.state == "waiting" else "begins"
    share = 100 * progress.done // max(1, progress.of)
    return (
        share,
        f"{_STEPS.get(progress.step, progress.step)}: {progress.done:,} of {progress.of:,}",
    )


def _some(differences: Sequence[DifferenceAnswer | ShownAnswer], *, of: int) -> list[str]:
    """The first of so many, one a line, and how many more there are."""
    lines = [wire.encode(difference).decode() for difference in differences[:_SHOWN]]
    more = of - len(lines)
    return [*lines, f"... and {more:,} more"] if more > 0 else lines


async def rezoned(url: str, *, tenant_id: str, timezone: str) -> str:
    """Give a tenant another time zone, and return what to say."""
    async with Client(url) as client:
        answer = await client.set_timezone(tenant_id, timezone)
    return (
        f"{tenant_id}: {answer.differing:,} of {answer.checked:,} totals were cut anew in "
        f"{timezone}; where FINANCEOPS_TENANTS names it, set this zone there too"
    )
