"""Simulated payments in columns are what a server has that was told of them one by one."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import financeops as fo
from financeops.arrow.tables import SCHEMA, checked
from financeops.core.disputes import dispute_text
from financeops.core.fees import fees_text
from financeops.core.payments import explained
from financeops.loading.simulated import table_of
from financeops.loading.telling import tell
from financeops.simulation.drafts import aftermath_of, drafts_of
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate_columns
from tests.processes import start_server

NOW = datetime(2026, 3, 9, tzinfo=UTC)
SHOP = SimulationConfig(
    tenant_id="life", refund_rate=0.2, dispute_factor=30.0, success_rate=0.7, source="import"
)
SET_BY_THE_LEDGER = {"id", "updated_at", "reference", "refunds"}


def columns(count):
    since = NOW - timedelta(days=120)
    return simulate_columns(SHOP, np.random.default_rng(4), NOW, count=count, since=since)


def test_the_table_says_what_the_payments_say():
    made = columns(3000)
    table = checked(table_of(made))
    assert table.schema == SCHEMA
    told = aftermath_of(made)
    assert sum(each.dispute is not None for each in told.values()) > 30
    for place, (row, draft) in enumerate(zip(table.to_pylist(), drafts_of(made), strict=True)):
        said = explained(draft)
        for name in ("amount", "method", "country", "order_id", "network", "funding", "last4"):
            assert row[name] == getattr(said, name)
        for name in ("status", "decline_code", "failure_stage", "decline_kind", "authentication"):
            value = getattr(said, name)
            assert row[name] == (None if value is None else str(value))
        for name in ("created_at", "refunded_at", "settled_at", "payout_id", "settled_currency"):
            assert row[name] == getattr(said, name)
        assert row["fees"] == (fees_text(draft.fees) if draft.fees else None)
        assert row["fee_amount"] == (draft.fee_amount or 0)
        assert row["settled_amount"] == (draft.settled_amount or 0)
        dispute = told[place].dispute if place in told else None
        assert row["dispute"] == (dispute_text(dispute) if dispute else None)


async def test_a_server_that_is_told_of_them_has_the_same_payments_and_figures(database_uri):
    server, made = start_server(database_uri), columns(400)
    async with fo.Client(server.url) as client:
        await tell(client, made)
        await tell(client, made)  # again, as after an interruption
        metrics = await client.metrics(SHOP.tenant_id)
        seq = metrics.seq
    frame = pl.from_arrow(table_of(made))
    with fo.connect(server.url, tenant=SHOP.tenant_id) as shop:
        stored = shop.payments(frame="polars").sort("created_at", "order_id")
    same = [name for name in frame.columns if name not in SET_BY_THE_LEDGER]
    assert stored.select(same).equals(frame.sort("created_at", "order_id").select(same))
    for figures in (fo.metrics, fo.waterfall, fo.funnel, fo.fees, fo.refund_curve, fo.declines):
        assert figures(stored).equals(figures(frame))
    assert fo.orders(stored)["outcome"].to_list() == fo.orders(frame)["outcome"].to_list()
    assert min(fo.orders(frame)["outcome"].value_counts()["count"]) > 5
    of_frame = fo.metrics(frame).row(0, named=True)
    assert (metrics.disputed_payments, metrics.orders) == (
        of_frame["disputed_payments"],
        of_frame["orders"],
    )
    acts = sum(
        (each.part_back is not None) + (each.dispute is not None) * 2 - _open(each.dispute)
        for each in aftermath_of(made).values()
    )
    assert seq >= len(stored) + acts
    assert server.stop() == 0


def _open(dispute):
    return dispute is not None and dispute.closed_at is None
