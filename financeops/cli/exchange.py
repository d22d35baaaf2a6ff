"""`financeops rates import`: exchange rates of a file."""

from __future__ import annotations

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
