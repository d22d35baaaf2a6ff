"""Random questions to two servers on one database, each answer against a plain recomputation.

    python -m tests.questions [--questions 10000] [--seed 1]

Between questions payments are recorded and refunded through either server, and servers are killed
or stopped and started again. So questions meet books that are cold, warm and behind.
`tests/plain.py` computes the right answers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx

from tests import borders, plain
from tests.clocked import set_clock
from tests.database import NAMED_URI, EmbeddedDatabase, fresh_name, with_database
from tests.plain import DAY
from tests.processes import ServerProcess, start_server

PER_ROUND = 50
RESTARTED_EVERY = 4
"""Rounds after which a server is ended and started again."""

ROUTES = [
    *("metrics", "metrics", "trends", "methods", "declines"),
    *("breakdown", "breakdown", "snapshot", "snapshot", "payments"),
]
METHODS = ["card", "bank_transfer", "crypto", "paypal"]
CODES = ["insufficient_funds", "do_not_honor", "expired_card", None]
ORDERS = [f"order {n}" for n in range(60)]
SAID = {
    "processor": [None, "acquirer_a", "acquirer_b"],
    "network": [None, "visa", "mastercard"],
    "funding": [None, "credit", "debit"],
    "country": [None, "DE", "FR"],
    "issuerCountry": [None, "DE", "US"],
    "channel": [None, "web", "app"],
    "authentication": [None, "authenticated", "failed", "none"],
}
PERIODS = ["day", "week", "month", "year"]
SHORT = ["day", "week"]


class Question(NamedTuple):
    """A query about one tenant; None is left out of it."""

    route: str
    as_of: datetime
    period: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    currency: str | None = None
    method: str | None = None
    timezone: str | None = None
    compare: bool = False
    by: str | None = None
    said: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return "/payments" if self.route == "payments" else f"/api/analytics/{self.route}"

    def parameters(self, tenant: str) -> dict[str, str]:
        given = {
            "tenantId": tenant,
            "period": self.period,
            "from": self.start and self.start.isoformat(),
            "to": self.end and self.end.isoformat(),
            "currency": self.currency,
            "method": self.method,
            "timezone": self.timezone,
            "compare": "true" if self.compare else None,
            "by": self.by,
            **dict(self.said),
        }
        return {name: value for name, value in given.items() if value is not None}


def question(rng, zone: ZoneInfo) -> Question:
    """Any valid question about a tenant in this zone, mostly near boundaries of time."""
    present = borders.present_of(zone)
    route = rng.choice(ROUTES)
    drawn = Question(
        route,
        as_of=borders.border(rng, zone, present - 70 * DAY, present + DAY)
        + rng.choice([0, 0, 3, 15, 45]) * DAY,
        currency=rng.choice([None, None, None, "USD", "EUR", rng.choice(["JPY", "KWD"])]),
        method=rng.choice([None, None, None, None, *METHODS]),
    )
    if route != "payments" and rng.random() < 0.3:
        drawn = drawn._replace(timezone=rng.choice(list(borders.PRESENTS)))
    foreign = drawn.timezone not in (None, zone.key)
    kinds = ["period", "window", "window"]
    if not foreign and route in ("metrics", "methods", "declines", "breakdown", "payments"):
        kinds += ["all time", "open"]
    kind = rng.choice(kinds)
    if kind == "period" and route != "payments":
        drawn = drawn._replace(period=rng.choice(SHORT if foreign else PERIODS))
    elif kind != "all time":
        longest = 7 * DAY if foreign else rng.choice([3 * DAY, 100 * DAY, 740 * DAY])
        start, end = borders.window(rng, zone, present, longest)
        drawn = drawn._replace(start=start, end=end)
        if kind == "open":
            drawn = drawn._replace(**{rng.choice(["start", "end"]): None})
    if rng.random() < 0.3:
        names = rng.sample(list(SAID), rng.choice([1, 1, 2]))
        said = {name: rng.choice([*SAID[name], "other"]) or "-" for name in names}
        drawn = drawn._replace(said=tuple(said.items()))
    if route == "breakdown":
        drawn = drawn._replace(by=rng.choice(plain.DIMENSIONS))
    closed = drawn.period is not None or None not in (drawn.start, drawn.end)
    return drawn._replace(compare=route == "metrics" and closed and rng.random() < 0.7)


class Tenant:
    """A tenant of one zone: its payments as last exported, and the number of their changes."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self.name = name
        self.zone = zone
        self.currencies = ["USD", "USD", "EUR"]
        self.rows: list[plain.Row] = []
        self.seq = 0


class World:
    """A database, two servers on it whose clock the test sets, and a tenant for each zone."""

    def __init__(self, uri: str, directory: Path, rng: Random, zones: list[str]) -> None:
        self.rng = rng
        self.tenants = [Tenant(f"t{n}", ZoneInfo(name)) for n, name in enumerate(zones)]
        self.asked = 0
        self.answers = 0
        self.rounds = 0
        self.differing: list[str] = []
        self._uri = uri
        self._clock = directory / "clock"
        set_clock(self._clock, borders.present_of(self.tenants[0].zone))
        self.servers = [self._start(), self._start()]
        self._http = httpx.Client(timeout=60)

    def _start(self) -> ServerProcess:
        zones = {each.name: {"timezone": each.zone.key} for each in self.tenants}
        return start_server(self._uri, clock=self._clock, tenants=json.dumps(zones))

    def close(self) -> None:
        """End the servers; raise if one of them logged a traceback."""
        self._http.close()
        for server in self.servers:
            server.stop()
            assert "Traceback" not in server.said, server.said

    def go_round(self, questions: int) -> None:
        """Change something about a tenant, then ask about it."""
        tenant = self.rng.choice(self.tenants)
        self.record(tenant)
        self.refund(tenant)
        self.tell(tenant)
        self.rounds += 1
        if self.rounds % RESTARTED_EVERY == 0:
            self.restart()
        self.export(tenant)
        for _ in range(questions):
            self.ask(tenant, question(self.rng, tenant.zone))

    def record(self, tenant: Tenant) -> None:
        """Record more payments, mostly close together at a boundary, later in other currencies."""
        latest = borders.present_of(tenant.zone)
        set_clock(self._clock, latest)
        count = self.rng.choice([1, 4, 30, 150]) if tenant.rows else 200
        moments = borders.times(self.rng, tenant.zone, count, latest)
        items = [self._payment(tenant, at) for at in moments]
        answer = self._post("/payments/batch?source=import", json=items)
        assert answer["created"] == count, answer
        tenant.seq += count
        tenant.currencies = ["USD", "USD", "EUR", "JPY", "KWD"]

    def _payment(self, tenant: Tenant, at: datetime) -> dict:
        currency = self.rng.choice(tenant.currencies)
        status = self.rng.choice(["success", "success", "success", "failed", "refunded"])
        amount = self.rng.choice([self.rng.randint(0, 5), self.rng.randint(0, 10**7)])
        item = {
            "tenantId": tenant.name,
            "amount": float(plain.major(amount, currency)),
            "currency": currency,
            "method": self.rng.choice(METHODS),
            "status": status,
            "createdAt": at.isoformat(),
        }
        if status == "refunded" and self.rng.random() < 0.7:
            item["refundedAt"] = self._later(tenant, at)
        if status == "failed":
            item |= {
                "declineCode": self.rng.choice(CODES),
                "failureStage": self.rng.choice([None, None, *plain.STAGES]),
            }
        if not tenant.rows:  # later ones would number attempts anew, each a change
            item["orderId"] = self.rng.choice([None, *ORDERS])
        if self.rng.random() < 0.2:
            item["feeAmount"] = float(plain.major(self.rng.randint(-9, 99), currency))
        if self.rng.random() < 0.6:
            item |= {name: self.rng.choice(values) for name, values in SAID.items()}
        return {name: value for name, value in item.items() if value is not None}

    def refund(self, tenant: Tenant) -> None:
        """Refund some of the payments last exported, or a part of them."""
        paid = [row for row in tenant.rows if row.status == "success"]
        for row in self.rng.sample(paid, min(self.rng.choice([0, 1, 5]), len(paid))):
            left = row.amount - row.back
            part = self.rng.randint(1, left) if left and self.rng.random() < 0.5 else None
            asked = {"json": {"amount": float(plain.major(part, row.currency))}} if part else {}
            if part and self.rng.random() < 0.7:
                asked["json"]["at"] = self._later(tenant, row.at)
            self._post(f"/payments/{row.id}/refund?tenantId={tenant.name}", **asked)
            tenant.seq += 1

    def tell(self, tenant: Tenant) -> None:
        """Tell of disputes and fees of the payments last exported."""
        for row in self.rng.sample(tenant.rows, min(self.rng.choice([0, 2, 8]), len(tenant.rows))):
            most = self.rng.choice([row.amount, 100])
            amount = float(plain.major(self.rng.randint(1, most) if most else 0, row.currency))
            if row.status == "failed" or row.dispute in ("won", "lost") or self.rng.random() < 0.3:
                fee = {"kind": "scheme", "amount": amount * self.rng.choice([1, 1, -1])}
                act, told = "fees", {"fees": [fee]}
            else:
                ends = ["won", "lost", "lost"] if row.dispute else ["open", "open", "lost"]
                act, told = "dispute", {"id": "dp", "status": self.rng.choice(ends)}
                if not row.dispute and 0 < amount <= plain.major(row.amount, row.currency):
                    told["amount"] = amount
            if self.rng.random() < 0.7:
                since = max([row.at, *(each.at for each in row.acts if each.kind == "opened")])
                told["at"] = self._later(tenant, since)
            self._post(f"/payments/{row.id}/{act}?tenantId={tenant.name}", json=told)
            tenant.seq += 1

    def _later(self, tenant: Tenant, since: datetime) -> str:
        """A moment at which something may have happened, mostly at a boundary."""
        latest = max(since, borders.present_of(tenant.zone))
        found = borders.border(self.rng, tenant.zone, since, latest)
        return min(max(found, since), latest).isoformat()

    def restart(self) -> None:
        """Kill or stop a server, and start another in its place."""
        which = self.rng.randrange(2)
        end = self.rng.choice([ServerProcess.kill, ServerProcess.stop])
        end(self.servers[which])
        self.servers[which] = self._start()

    def export(self, tenant: Tenant) -> None:
        """Read all payments as customers do."""
        query = {"tenantId": tenant.name, "format": "ndjson"}
        response = self._http.get(f"{self._any_url()}/payments/export", params=query)
        response.raise_for_status()
        lines = [json.loads(line, parse_float=Decimal) for line in response.text.splitlines()]
        rows = [plain.row_of(line) for line in lines]
        assert len({row.id for row in rows}) == len(rows) >= len(tenant.rows)
        tenant.rows = rows

    def ask(self, tenant: Tenant, query: Question) -> None:
        """Ask one server or both, or one twice: the second time it answers from memory."""
        set_clock(self._clock, query.as_of)
        expected = plain.answer(query, tenant.rows, currency="USD", zone=tenant.zone)
        wrong = []
        for server in self.rng.choices(self.servers, k=self.rng.choice([1, 2])):
            self.answers += 1
            response = self._http.get(
                f"{server.url}{query.path}", params=query.parameters(tenant.name)
            )
            response.raise_for_status()
            got = json.loads(response.text, parse_float=Decimal)
            wrong += differences(expected, got, query.route)
            if query.route in ("metrics", "snapshot"):
                wrong += differences(tenant.seq, got["seq"], "seq")
        self.asked += 1
        if wrong:
            self.differing.append(f"{tenant.zone.key}, {query}:\n    " + "\n    ".join(wrong[:8]))

    def _any_url(self) -> str:
        return self.rng.choice(self.servers).url

    def _post(self, path: str, **content):
        response = self._http.post(f"{self._any_url()}{path}", **content)
        response.raise_for_status()
        return response.json()


def differences(expected, got, where: str) -> list[str]:
    """Differences between an expected and an actual answer, which may have more fields."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return [
            line
            for name, value in expected.items()
            for line in differences(value, got.get(name, "nothing"), f"{where}.{name}")
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = zip(expected, got, strict=True)
        return [
            line for n, pair in enumerate(pairs) for line in differences(*pair, f"{where}[{n}]")
        ]
    if isinstance(expected, datetime) and isinstance(got, str):
        got = datetime.fromisoformat(got)
    return [] if expected == got else [f"{where}: {got} instead of {expected}"]


@contextmanager
def world(uri: str, directory: Path, rng: Random, zones: list[str]) -> Iterator[World]:
    """A world that is closed at the end of the block."""
    made = World(uri, directory, rng, zones)
    try:
        yield made
    finally:
        made.close()


def ask(made: World, questions: int, *, per_round: int = PER_ROUND) -> None:
    """Ask a number of questions, some of them after each change."""
    while (left := questions - made.asked) > 0:
        made.go_round(min(per_round, left))


def main() -> int:
    """Ask, and print how many questions were asked and how many answers differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        database = EmbeddedDatabase(directory)
        if not NAMED_URI:
            database.start()
        uri = with_database(NAMED_URI or database.uri, fresh_name())
        try:
            with world(uri, directory, Random(chosen.seed), list(borders.PRESENTS)) as made:
                while made.asked < chosen.questions:
                    ask(made, min(made.asked + 250, chosen.questions))
                    print(
                        f"{made.asked:,} questions, {made.answers:,} answers, "
                        f"{len(made.differing):,} questions answered wrong",
                        flush=True,
                    )
        finally:
            database.kill()
    for each in made.differing[:20]:
        print(each)
    return 1 if made.differing else 0


if __name__ == "__main__":
    sys.exit(main())
