"""Totals and shown figures: whether they are what the payments add up to; in which time zone."""

from __future__ import annotations

from typing import Any

from financeops.client import Client
from financeops.core import wire

_SHOWN = 20


async def verified(url: str, *, tenant_id: str, repair: bool) -> tuple[list[str], bool]:
    """Ask the server, and return what to say and whether all is well now."""
    async with Client(url) as client:
        answer = await client.verify(tenant_id, repair=repair)
    found = len(answer.differences)
    checked = f"{tenant_id}: {answer.checked:,} totals checked at change {answer.seq:,}"
    if not found:
        outcome = "no difference"
    elif answer.repaired:
        outcome = f"{found:,} differed and were repaired"
    else:
        outcome = f"{found:,} differ; `financeops verify --repair` mends them"
    lines = [*_some(answer.differences), f"{checked}, {outcome}"]
    good = not found or bool(answer.repaired)
    if not answer.asked:  # a server that does not ask
        return lines, good
    lasting = sum(not each["remembered"] for each in answer.shown)
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
            *_some(answer.shown),
            f"{tenant_id}: {answer.asked:,} figures asked for, {outcome}",
            *lines,
        ],
        good and (not answer.shown or (not lasting and bool(answer.repaired))),
    )


def _some(differences: list[dict[str, Any]]) -> list[str]:
    """The first of them, one a line, and how many more there are."""
    lines = [wire.encode(difference).decode() for difference in differences[:_SHOWN]]
    more = len(differences) - _SHOWN
    return [*lines, f"... and {more:,} more"] if more > 0 else lines


async def rezoned(url: str, *, tenant_id: str, timezone: str) -> str:
    """Give a tenant another time zone, and return what to say."""
    async with Client(url) as client:
        answer = await client.set_timezone(tenant_id, timezone)
    return (
        f"{tenant_id}: {len(answer.differences):,} of {answer.checked:,} totals were cut anew in "
        f"{timezone}; where FINANCEOPS_TENANTS names it, set this zone there too"
    )
