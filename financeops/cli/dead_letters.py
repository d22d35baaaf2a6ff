"""`financeops dead-letters`: list what could not be recorded, or try again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core import wire
from financeops.core.contract.agreements import MAX_PAGE
from financeops.core.contract.texts import PAYMENT_ID_PATTERN
from financeops.core.contract.webhooks import DeadLetterAnswer, ReplayAnswer
from financeops.core.errors import NotFound

_HEADINGS = ("ID", "SINCE", "PROVIDER", "EVENT", "TYPE", "REASON")


async def listed(url: str, *, tenant_id: str, as_json: bool) -> list[str]:
    """Return lines that list a tenant's dead letters, newest first."""
    async with Client(url) as client:
        letters = await client.dead_letters(tenant_id, limit=MAX_PAGE)
    if as_json:
        return [wire.encode(letters).decode()]
    if not letters:
        return [f"{tenant_id}: no dead letters"]
    rows = [_HEADINGS, *(_row(each) for each in letters)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


async def replayed(
    url: str, letter_ids: Sequence[str], *, tenant_id: str
) -> tuple[list[str], bool]:
    """Replay dead letters; return the lines to print, and whether all are recorded now."""
    for each in letter_ids:
        if not re.fullmatch(PAYMENT_ID_PATTERN, each):
            raise NotFound(f"there is no dead letter {each}: `financeops dead-letters` lists them")
    answers: list[ReplayAnswer] = []
    async with Client(url) as client:
        with Bar(total=len(letter_ids)) as bar:
            for each in letter_ids:
                ask = partial(client.replay, each, tenant_id)
                answers.append(await patiently(ask, say=bar.say))
                bar.show(len(answers), "replaying")
    lines = [
        f"{each.id}: recorded" if each.recorded else f"{each.id}: still not recorded: {each.reason}"
        for each in answers
    ]
    return lines, all(each.recorded for each in answers)


def _row(letter: DeadLetterAnswer) -> tuple[str, ...]:
    since = wire.timestamp(letter.at)
    kind = letter.kind or "-"
    return letter.id, since, letter.provider, letter.event, kind, letter.reason
