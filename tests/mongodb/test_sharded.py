"""One tenant over two shards."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from bson import MinKey, ObjectId

from tests.processes import ROOT, environment

pytestmark = pytest.mark.timeout(600)


async def test_over_two_shards_a_key_counts_once_and_figures_are_right(
    sharded, database_uri, start, held
):
    name = database_uri.partition("?")[0].rpartition("/")[2]
    divided = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.sharding"),
        cwd=ROOT,
        env=environment({"mongodb_uri": database_uri}),
    )
    assert await divided.wait() == 0
    server = await asyncio.to_thread(start, database_uri)
    ledger = await held(server.url)
    for tenant in ledger.tenants:
        await asyncio.to_thread(_spread, sharded, name, tenant)
    async with ledger.at_work():
        await ledger.acknowledge_more(150)
    shards = sharded[name].command("collStats", "payments")["shards"]
    assert len([each for each in shards.values() if each["count"]]) == 2

    sale = {"amount": 5, "method": "card", "status": "success", "reference": "once"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for days in range(5):
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            await http.post("/payments", json={**sale, "createdAt": at, "tenantId": "keyed"})
        figures = (await http.get("/api/analytics/metrics?tenantId=keyed")).json()
    assert figures["totalPayments"] == 1


def _spread(cluster, name: str, tenant: str) -> None:
    """Put half of a tenant's ids on each shard."""
    first, second = sorted(each["_id"] for each in cluster.config.shards.find())
    beginning, middle = ObjectId("0" * 24), ObjectId("8" + "0" * 23)
    for bound in (MinKey(), middle):
        border = {"tenantId": tenant, "_id": bound}
        cluster.admin.command({"split": f"{name}.payments", "middle": border})
    for shard, bound in ((first, beginning), (second, middle)):
        cluster.admin.command(
            {
                "moveChunk": f"{name}.payments",
                "find": {"tenantId": tenant, "_id": bound},
                "to": shard,
                "_waitForDelete": True,
            }
        )
