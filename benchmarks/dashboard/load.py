"""Post payments at a rate, or as fast as they are taken, and note when each was committed."""

import asyncio
import json
import time
from datetime import UTC, datetime

import httpx

TICK = 0.05
"""Seconds: payments due within one tick go into one request."""

AT_ONCE = 8
"""Most requests under way, so that a server slower than the rate is not flooded."""

METHODS = ("card", "card", "paypal", "bank_transfer", "crypto")
LARGEST_BATCH = 1_000


def payment(number):
    """Return payments of which every sixth fails; the others add one cent each, so that the volume is their number."""
    method = METHODS[number % len(METHODS)]
    if number % 6 == 5:
        code = ("do_not_honor", "insufficient_funds", "expired_card")[number % 3]
        return {"amount": 5, "method": method, "status": "failed", "declineCode": code}
    return {"amount": 0.01, "method": method, "status": "success"}


class Load:
    """Posts payments to one server and notes when each was answered."""

    def __init__(self, url):
        self._http = httpx.AsyncClient(base_url=url, timeout=60)
        self.sent = 0
        self.forget()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._http.aclose()

    async def at_rate(self, rate, seconds):
        """Post for this long; return the events per second that were really taken."""
        room = asyncio.Semaphore(AT_ONCE)
        start = time.monotonic()
        first = self.sent
        async with asyncio.TaskGroup() as tasks:
            while (elapsed := time.monotonic() - start) < seconds:
                due = first + int(elapsed * rate) + 1 - self.sent
                if due > 0:
                    await room.acquire()
                    task = tasks.create_task(self._post(min(due, LARGEST_BATCH)))
                    task.add_done_callback(lambda _: room.release())
                await asyncio.sleep(TICK)
        return (self.sent - first) / (time.monotonic() - start)

    async def count(self, count):
        """Post this many, as fast as they are taken."""
        end = self.sent + count
        while self.sent < end:
            await self._post(min(LARGEST_BATCH, end - self.sent))

    def forget(self):
        """Forget what has been answered so far."""
        self._answered, self._since = {}, datetime.now(UTC)

    async def commits(self):
        """Return when each success was committed and answered, in seconds, in order."""
        answered, found = self._answered, []
        window = {"from": self._since.isoformat(), "to": datetime.now(UTC).isoformat()}
        async with self._http.stream(
            "GET", "/payments/export", params={"format": "ndjson", "status": "success", **window}
        ) as answer:
            async for line in answer.aiter_lines():
                document = json.loads(line)
                if (at := answered.get(document["_id"])) is not None:
                    committed = datetime.fromisoformat(document["updatedAt"]).timestamp()
                    found.append((committed, at))
        return sorted(found)

    async def volume(self):
        """Return the API's total volume of the day, in minor units."""
        answer = await self._http.get("/api/analytics/metrics", params={"period": "day"})
        return round(answer.json()["totalVolume"] * 100)

    async def _post(self, count):
        items = [payment(self.sent + n) for n in range(count)]
        self.sent += count
        answer = await self._http.post("/payments/batch", json=items)
        at = time.time()
        answer.raise_for_status()
        for item, sent in zip(answer.json()["items"], items, strict=True):
            if sent["status"] == "success":
                self._answered[item["_id"]] = at
