"""Running totals: whether they are what the payments add up to, and in which time zone."""

from __future__ import annotations

from financeops.client import Client
from financeops.core import wire

_SHOWN = 20


async def verified(url: str, *, tenant_id: str, repair: bool) -> tuple[list[str], bool]:
    """Ask the server, and return what to say and whether all is well now."""
    async with Client(url) as client:
        answer = await client.verify(tenant_id, repair=repair)
    found = len(answer.differences)
    lines = [wire.encode(difference).decode() for difference in answer.differences[:_SHOWN]]
    if found > _SHOWN:
        lines.append(f"... and {found - _SHOWN:,} more")
    checked = f"{tenant_id}: {answer.checked:,} totals checked at change {answer.seq:,}"
    if not found:
        outcome = "no difference"
    elif answer.repaired:
        outcome = f"{found:,} differed and were repaired"
    else:
        outcome = f"{found:,} differ; `financeops verify --repair` mends them"
    return [*lines, f"{checked}, {outcome}"], not found or bool(answer.repaired)


async def rezoned(url: str, *, tenant_id: str, timezone: str) -> str:
    """Give a tenant another time zone, and return what to say."""
    async with Client(url) as client:
        answer = await client.set_timezone(tenant_id, timezone)
    return (
        f"{tenant_id}: {len(answer.differences):,} of {answer.checked:,} totals were cut anew in "
        f"{timezone}; set this zone in FINANCEOPS_TENANTS too"
    )
