"""`financeops rates import`: exchange rates of a file."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core.errors import InvalidValue, Misconfigured
from financeops.core.rate_files import read_rates
from financeops.core.rates import Rate, by_day

_PART = 200
"""Days that are sent at once: the server does nothing else while it reads them."""

_DAYS = 31
"""Days of which payments are converted by one request."""


async def rates_imported(url: str, file: Path, *, source: str | None, replace: bool) -> str:
    """Record the rates of a file, and return the line to print.

    All days are checked before the first is recorded, so that a file that contradicts what is known
    changes nothing.
    """
    rates = _rates_in(file, source)
    days = by_day(rates)
    parts = [days[at : at + _PART] for at in range(0, len(days), _PART)]
    added = replaced = unchanged = 0
    async with Client(url) as client:
        with Bar(total=2 * len(parts)) as bar:
            for step, (check, part) in enumerate((c, p) for c in (True, False) for p in parts):
                bar.show(step, f"{'checking' if check else 'recording'} rates")
                ask = partial(client.record_rates, part, replace=replace, check=check)
                answer = await patiently(ask, say=bar.say)
                if check:  # what is sent again after an interruption is known already
                    added += answer.added
                    replaced += answer.replaced
                    unchanged += answer.unchanged
    counts = f"{added:,} rates added, {replaced:,} replaced, {unchanged:,} known"
    if not rates:
        return f"{file.name}: no rates"
    return f"{file.name}: {counts}; {rates[0].date} to {rates[-1].date}"


async def rates_recomputed(url: str, *, tenant_id: str, start: date, end: date) -> str:
    """Convert a tenant's payments of some days again, and return the line to print.

    A part at a time: doing it again after an interruption changes nothing twice.
    """
    parts = [
        (start + timedelta(at), min(start + timedelta(at + _DAYS), end))
        for at in range(0, (end - start).days, _DAYS)
    ]
    checked = changed = 0
    async with Client(url) as client:
        with Bar(total=len(parts)) as bar:
            for step, (first, last) in enumerate(parts):
                bar.show(step, f"converting payments from {first}")
                ask = partial(client.recompute_rates, tenant_id, start=first, end=last)
                answer = await patiently(ask, say=bar.say)
                checked += answer.checked
                changed += answer.changed
    return f"{tenant_id}: {checked:,} payments in other currencies, {changed:,} changed"


def _rates_in(file: Path, source: str | None) -> list[Rate]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return read_rates(lines, source=source)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidValue(str(file), "is not text in UTF-8") from None
    except InvalidValue as error:
        option = "--source" if error.field == "source" else error.field
        raise InvalidValue(f"{file.name}: {option}", error.problem) from None
