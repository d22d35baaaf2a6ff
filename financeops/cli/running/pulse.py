"""Whether a database commits: one small write, with a time limit.

A database whose storage is stuck still accepts connections and answers pings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from financeops.cli.running.wire import FAILURES, Value, connected

_BEAT: Mapping[str, Value] = {
    "update": "beats",
    "$db": "financeops_pulse",
    "updates": [{"q": {"_id": 1}, "u": {"$inc": {"count": 1}}, "upsert": True}],
}


async def commits(
    host: str, port: int, *, within: float, login: tuple[str, str] | None = None
) -> bool:
    """Whether a write of one document is acknowledged within so many seconds.

    Parameters
    ----------
    login : (str, str), optional
        User and password, if the database requires them.
    """
    try:
        async with asyncio.timeout(within), connected(host, port) as database:
            if login is not None:
                await database.authenticate(*login)
            answer = await database.run(_BEAT)
    except FAILURES:
        return False
    return answer.get("ok") == 1.0 and "writeErrors" not in answer
