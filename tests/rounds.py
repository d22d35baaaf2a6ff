"""Random rounds of failures while clients pay; afterwards check that every answer was true.

    python -m tests.rounds [--rounds 200] [--seed 1]

In each round writers send payments, batches and refunds, readers ask, and a client listens.
Meanwhile the server or its database is killed or suspended, or their messages are cut, refused or
late (`tests/proxy.py`). Then everything is compared with what the database holds: what was
acknowledged exists once, what was refused does not exist, what may exist is among the named ids,
and figures and events are those of these payments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx

from financeops.cli.running.addresses import free_port
from tests.database import EmbeddedDatabase, with_database
from tests.e2e.listener import Listener
from tests.processes import ServerProcess, start_server
from tests.proxy import UNKNOWN_COMMIT, Proxy
from tests.verification import ended

WRITERS = 4
ENOUGH = 15
"""Acknowledged payments before the blow, and again after it."""

WRITES = ("insert", "update", "delete")
READS = ("find", "aggregate")
TRANSIENT = ("TransientTransactionError",)


@dataclass(eq=False)
class Sent:
    """One payment that a client sent, and the answers to it."""

    tenant: str
    body: dict
    repeatable: bool
    acknowledged: str | None = None
    possible: set[str] = field(default_factory=set)
    """Ids named by answers that could not tell whether the payment was recorded."""
    unknown: bool = False
    """The connection broke: there was no answer."""
    refund_sent: bool = False
    refunded: bool = False
    refund_possible: bool = False

    @property
    def mark(self) -> str:
        """What identifies it among the recorded payments."""
        return self.body["customerId"]


class Ledger:
    """What was sent to servers of one database in one round, and what was answered.

    Attributes
    ----------
    acknowledged : Counter
        Number of payments by the server that acknowledged them.
    """

    def __init__(self, urls: Sequence[str], rng: Random, name: str) -> None:
        self.tenants = [f"{name}_a", f"{name}_b"]
        self.sent: list[Sent] = []
        self.answers = 0
        self.wrong: list[str] = []
        self.acknowledged: Counter[str] = Counter()
        self._urls = urls
        self._rng = rng
        self._stop = asyncio.Event()
        self._more = asyncio.Condition()

    async def open(self) -> None:
        """Create all tenants, each by a first payment."""
        async with self._client(0) as http:
            for tenant in self.tenants:
                sent = self._payment(tenant, repeatable=False)
                sent.acknowledged = (await http.post("/payments", json=sent.body)).json()["_id"]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Write and read until the block ends; what was begun is completed."""
        people = [self._write(n) for n in range(WRITERS)]
        people += [self._read(n, tenant) for n, tenant in enumerate(self.tenants)]
        tasks = [asyncio.create_task(person) for person in people]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def acknowledge_more(self, number: int) -> None:
        """Return when `number` more payments have been acknowledged."""
        goal = self._acknowledged() + number
        async with asyncio.timeout(120), self._more:
            await self._more.wait_for(lambda: self._acknowledged() >= goal)

    def _acknowledged(self, tenant: str | None = None) -> int:
        return sum(
            each.acknowledged is not None for each in self.sent if tenant in {None, each.tenant}
        )

    def _client(self, number: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._urls[number % len(self._urls)], timeout=90)

    async def _write(self, number: int) -> None:
        async with self._client(number) as http:
            while not self._stop.is_set():
                act = self._rng.choice([self._pay, self._pay, self._pay_together, self._refund])
                await act(http)

    def _payment(self, tenant: str, *, repeatable: bool) -> Sent:
        body = {
            "tenantId": tenant,
            "amount": self._rng.randint(1, 500),
            "method": "card",
            "status": "success",
            "customerId": uuid4().hex,
        }
        if repeatable:
            body["reference"] = uuid4().hex
        sent = Sent(tenant, body, repeatable)
        self.sent.append(sent)
        return sent

    async def _pay(self, http: httpx.AsyncClient) -> None:
        sent = self._payment(self._rng.choice(self.tenants), repeatable=self._rng.random() < 0.5)
        async for answer in self._answers(http, "/payments", [sent], json=sent.body):
            self._told(answer, [sent], answer.is_success and [answer.json()])

    async def _pay_together(self, http: httpx.AsyncClient) -> None:
        repeatable = self._rng.random() < 0.7
        tenants = self._rng.choice([self.tenants, self.tenants[:1]])
        together = [
            self._payment(self._rng.choice(tenants), repeatable=repeatable) for _ in range(8)
        ]
        bodies = [sent.body for sent in together]
        async for answer in self._answers(http, "/payments/batch", together, json=bodies):
            self._told(answer, together, answer.is_success and answer.json()["items"])

    async def _refund(self, http: httpx.AsyncClient) -> None:
        paid = [each for each in self.sent if each.acknowledged and not each.refund_sent]
        if not paid:
            return
        sent = self._rng.choice(paid)
        sent.refund_sent = True
        path = f"/payments/{sent.acknowledged}/refund?tenantId={sent.tenant}"
        async for answer in self._answers(http, path, [], repeatable=True):
            if answer is None or "payments" in answer.json():
                sent.refund_possible = True
            elif answer.is_success:
                sent.refunded = sent.refund_possible = True
                if answer.json()["status"] != "refunded":
                    self.wrong.append(f"a refund is answered with {answer.text}")

    async def _answers(
        self,
        http: httpx.AsyncClient,
        path: str,
        sent: list[Sent],
        *,
        json: object = None,
        repeatable: bool | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Yield every answer; repeat what may be sent again until it succeeds."""
        if repeatable is None:
            repeatable = all(each.repeatable for each in sent)
        for tries in count():
            try:
                answer = await http.post(path, json=json)
            except httpx.TransportError:
                for each in sent:
                    each.unknown = True
                if not sent:
                    yield None
                answer = None
            else:
                self.answers += 1
                if answer.status_code not in {200, 201, 503}:
                    self.wrong.append(f"{path}: {answer.status_code} {answer.text}")
                yield answer
            if not repeatable or (answer is not None and answer.status_code != 503):
                return
            if self._stop.is_set() and tries > 3:
                return
            await asyncio.sleep(0.05)  # as a client that waits a little before retrying

    def _told(self, answer: httpx.Response, sent: list[Sent], items: list[dict] | bool) -> None:
        if answer.status_code == 503:
            # A batch of several tenants may name fewer: the others are certainly not recorded.
            for each in sent:
                each.possible.update(answer.json().get("payments", []))
            return
        for each, item in zip(sent, items or [], strict=True):
            each.acknowledged = item["_id"]
            self.acknowledged[f"{answer.url.host}:{answer.url.port}"] += 1
        self._notify()

    def _notify(self) -> None:
        async def notify() -> None:
            async with self._more:
                self._more.notify_all()

        task = asyncio.get_running_loop().create_task(notify())
        self._notifying = task  # the event loop holds it only weakly

    async def _read(self, number: int, tenant: str) -> None:
        """Keep asking how many payments there are: never fewer than were acknowledged."""
        seq = 0
        async with self._client(number) as http:
            while not self._stop.is_set():
                least = self._acknowledged(tenant)
                try:
                    answer = await http.get("/api/analytics/metrics", params={"tenantId": tenant})
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                self.answers += 1
                if answer.status_code == 200:
                    said = answer.json()
                    most = sum(each.tenant == tenant for each in self.sent)
                    if not least <= said["totalPayments"] <= most or said["seq"] < seq:
                        self.wrong.append(f"not {least} to {most}, after {seq}: {answer.text}")
                    seq = said["seq"]
                elif answer.status_code not in {404, 503} or (answer.status_code == 404 and least):
                    self.wrong.append(f"metrics: {answer.status_code} {answer.text}")
                await asyncio.sleep(0.02)

    async def check(self, listener: Listener) -> None:
        """Compare all answers with what the database holds."""
        async with self._client(0) as http:
            for tenant in self.tenants:
                mine = [each for each in self.sent if each.tenant == tenant]
                found = await _recorded(http, tenant)
                self.wrong += _untrue(mine, found)
                metrics = (
                    await _answered(http, f"/api/analytics/metrics?tenantId={tenant}")
                ).json()
                volume = sum(payment["amount"] for payment in found)
                refunded = sum(payment["status"] == "refunded" for payment in found)
                shown = (metrics["totalPayments"], metrics["refundedPayments"], metrics["seq"])
                if shown != (len(found), refunded, len(found) + refunded):
                    self.wrong.append(f"{shown} are shown of {len(found)} and {refunded} refunds")
                if metrics["totalVolume"] != volume:
                    self.wrong.append(f"{metrics['totalVolume']} is shown of {volume}")
                report = await _verified(http, tenant)
                if report["differences"] or report["shown"]:
                    self.wrong.append(f"verify: {json.dumps(report)[:500]}")
                if tenant == self.tenants[0]:
                    heard = [event["seq"] for event in await listener.events(metrics["seq"])]
                    if heard != list(range(1, metrics["seq"] + 1)):
                        self.wrong.append(f"heard {heard}")


async def _recorded(http: httpx.AsyncClient, tenant: str) -> list[dict]:
    answer = await _answered(http, f"/payments/export?tenantId={tenant}&format=ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def _answered(http: httpx.AsyncClient, path: str, method: str = "GET") -> httpx.Response:
    """The final answer: a database that was just killed, or shares its machine, may be slow."""
    async with asyncio.timeout(120):
        while (answer := await http.request(method, path)).status_code == 503:  # noqa: ASYNC110 - as it says
            await asyncio.sleep(float(answer.headers["Retry-After"]))
    assert answer.is_success, answer.text
    return answer


async def _verified(http: httpx.AsyncClient, tenant: str) -> dict:
    """The report of a verification."""
    while True:
        begun = await _answered(http, f"/api/verify?tenantId={tenant}", "POST")
        found = await ended(http, begun)
        if found["state"] == "done":
            return found["report"]
        assert found["problem"]["status"] == 503, found


def _untrue(sent: Iterable[Sent], found: list[dict]) -> list[str]:
    """Every answer that is not true."""
    wrong = []
    by_mark: dict[str, list[dict]] = {}
    for payment in found:
        by_mark.setdefault(payment["customerId"], []).append(payment)
    for each in sent:
        there = by_mark.pop(each.mark, [])
        ids = [payment["_id"] for payment in there]
        told = f"{each.body}, acknowledged {each.acknowledged}, possible {each.possible}"
        if len(there) > 1:
            wrong.append(f"there {len(there)} times: {told}")
        elif each.acknowledged and ids != [each.acknowledged]:
            wrong.append(f"acknowledged and not there: {told}")
        elif ids and not (each.acknowledged or each.unknown or ids[0] in each.possible):
            wrong.append(f"said not to be recorded and there as {ids}: {told}")
        elif there and there[0]["amount"] != each.body["amount"]:
            wrong.append(f"there as {there}: {told}")
        elif each.refunded and there[0]["status"] != "refunded":
            wrong.append(f"said to be refunded and is not: {told}")
        elif there and there[0]["status"] == "refunded" and not each.refund_possible:
            wrong.append(f"said not to be refunded and is: {told}")
    return wrong + [f"nobody sent {payments}" for payments in by_mark.values()]


class World:
    """A database, a proxy before it, a server that uses the proxy, and what may happen to them."""

    def __init__(self, folder: Path, proxy: Proxy, database: EmbeddedDatabase, rng: Random) -> None:
        self._proxy = proxy
        self._database = database
        self._rng = rng
        self._port = free_port()
        self.server: ServerProcess
        self.folder = folder

    async def start_server(self) -> None:
        """Start the server at its earlier address."""
        self.server = await asyncio.to_thread(
            start_server, self._proxy.uri, port=self._port, database_timeout=2
        )

    async def blow(self) -> str:
        """Cause a failure, and describe it."""
        happens: Callable[[], Awaitable[str]] = self._rng.choice(
            [
                self._kill_server,
                self._kill_database,
                self._stall,
                *[self._cut_off] * 2,
                *[self._fail_commands] * 5,
            ]
        )
        return await happens()

    async def _kill_server(self) -> str:
        self.server.kill()
        await self.start_server()
        return "server killed"

    async def _kill_database(self) -> str:
        self._database.kill()
        await asyncio.sleep(self._rng.uniform(0, 2))  # the time without a database
        await asyncio.to_thread(self._database.start)
        return "database killed"

    async def _stall(self) -> str:
        seconds = self._rng.uniform(0.5, 8)
        assert self._database.process is not None
        self._database.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._database.process.send_signal(signal.SIGCONT)
        return f"database stood still for {seconds:.1f} s"

    async def _cut_off(self) -> str:
        seconds = self._rng.uniform(0.1, 4)
        everything = ("hello", "commitTransaction", "abortTransaction", *WRITES, *READS)
        self._proxy.fail(
            *everything, times=float("inf"), after=self._rng.choice([True, False, False])
        )
        await asyncio.sleep(seconds)
        self._proxy.heal()
        return f"cut off for {seconds:.1f} s"

    async def _fail_commands(self) -> str:
        commands, code, labels, after = self._rng.choice(
            [
                (("commitTransaction",), None, (), True),
                (("commitTransaction",), None, (), False),
                (("commitTransaction",), 91, UNKNOWN_COMMIT, True),
                (("commitTransaction",), 189, UNKNOWN_COMMIT, False),
                (("commitTransaction",), 64, UNKNOWN_COMMIT, True),
                (("commitTransaction",), 251, TRANSIENT, False),
                (WRITES, 112, TRANSIENT, False),
                (WRITES, None, (), False),
                (WRITES, None, (), True),
                (READS, 11600, (), False),
                (READS, None, (), False),
                (READS, None, (), True),
                ((*READS, *WRITES), 262, (), False),
            ]
        )
        times = self._rng.randint(1, 12)
        delay = self._rng.choice([0.0, 0.0, self._rng.uniform(0, 3)])
        fault = self._proxy.fail(
            *commands, times=times, code=code, labels=labels, after=after, delay=delay
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while fault.happened < times:  # noqa: ASYNC110 - the proxy tells nobody
                    await asyncio.sleep(0.05)
        self._proxy.heal()
        how = f"code {code}" if code else "cut"
        return (
            f"{'/'.join(commands)}: {how} {'after' if after else 'before'}, "
            f"{fault.happened} times, {delay:.1f} s late"
        )


@dataclass
class Outcome:
    """The result of some rounds."""

    rounds: int = 0
    payments: int = 0
    answers: int = 0
    wrong: list[str] = field(default_factory=list)


async def hold(
    folder: Path, rounds: int, rng: Random, tell: Callable[[str], object] = len
) -> Outcome:
    """Run rounds on a database of their own."""
    outcome = Outcome()
    database = EmbeddedDatabase(folder)
    database.start()
    try:
        async with Proxy(with_database(database.uri, "rounds")).listening() as proxy:
            world = World(folder, proxy, database, rng)
            await world.start_server()
            try:
                for number in range(rounds):
                    happened, ledger = await _round(world, rng, number)
                    outcome.rounds += 1
                    outcome.payments += len(ledger.sent)
                    outcome.answers += ledger.answers
                    outcome.wrong += [
                        f"round {number}, {happened}: {each}" for each in ledger.wrong
                    ]
                    tell(
                        f"{number + 1}: {happened}; {len(ledger.sent)} payments sent, {len(outcome.wrong)} wrong"
                    )
            finally:
                await asyncio.to_thread(world.server.kill)
            if "Traceback" in world.server.said:
                outcome.wrong.append(world.server.said)
    finally:
        database.kill()
    return outcome


async def _round(world: World, rng: Random, number: int) -> tuple[str, Ledger]:
    ledger = Ledger([world.server.url], rng, f"round_{number}")
    await ledger.open()
    listener = await Listener.start(
        world.server.url, ledger.tenants[0], transports="websocket", seq=0
    )
    try:
        async with ledger.at_work():
            await ledger.acknowledge_more(ENOUGH)
            happened = [await world.blow() for _ in range(rng.choice([1, 1, 2]))]
            await ledger.acknowledge_more(ENOUGH)
        await ledger.check(listener)
    finally:
        await listener.stop()
    return ", then ".join(happened), ledger


def main() -> int:
    """Run rounds, and print what happened in each and which answers were not true."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcome = asyncio.run(
            hold(
                Path(name),
                chosen.rounds,
                Random(chosen.seed),
                tell=lambda line: print(line, flush=True),
            )
        )
    for each in outcome.wrong[:20]:
        print(each)
    print(
        f"{outcome.rounds} rounds, {outcome.payments:,} payments sent, {outcome.answers:,} answers, "
        f"{len(outcome.wrong)} of them untrue"
    )
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
