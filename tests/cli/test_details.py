"""`financeops import` fills every field of a payment, and lets no card number through."""

import csv
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from financeops.client import Client

PAID = ("--default", "method=card,status=success", "--currency", "USD")
CARD = "4111 1111 1111 1111"


@pytest.fixture
async def client(server_url):
    async with Client(server_url) as client:
        yield client


async def test_columns_fill_details_and_pairs_of_metadata(financeops, tenant, client, tmp_path):
    (tmp_path / "sales.csv").write_text(
        "amount,createdAt,orderId,Scheme,Shop,metadata\n"
        '5,2026-05-01,o1,visa,Mitte,"{""cart"": ""7""}"\n'
        "6,2026-05-02,o2,,,\n"
    )
    mapped = ("--map", "network=Scheme,metadata.shop name=Shop")
    said = financeops("import", "sales.csv", "--tenant", tenant, *mapped, *PAID)
    assert said.stdout.startswith("sales.csv: 2 created, 0 duplicate, 0 rejected"), said.stderr
    second, first = [payment async for payment in client.payments(tenant)]
    assert (first.order_id, first.network) == ("o1", "visa")
    assert first.metadata == {"cart": "7", "shop name": "Mitte"}
    assert (second.order_id, second.network, second.metadata) == ("o2", None, None)


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
async def test_an_export_is_recognised_and_recorded_elsewhere(
    financeops, tenant, client, tmp_path, form
):
    (tmp_path / "sales.ndjson").write_text(
        json.dumps(
            {
                "amount": 5,
                "createdAt": "2026-05-01",
                "status": "failed",
                "declineCode": "43",
                "metadata": {"a.b": "1", "c": "ä"},
            }
        )
    )
    assert financeops("import", "sales.ndjson", "--tenant", tenant, *PAID).returncode == 0
    (paid,) = [payment async for payment in client.payments(tenant)]
    assert (paid.failure_stage, paid.decline_kind) == ("declined", "hard")
    out = f"out.{form}"
    exported = financeops("export", "--tenant", tenant, "--output", out, "--format", form)
    assert exported.returncode == 0, exported.stderr
    again = financeops("import", out, "--tenant", tenant)
    assert again.stdout.startswith(f"{out}: 0 created, 1 duplicate, 0 rejected"), again.stdout
    elsewhere = financeops("import", out, "--tenant", f"{tenant}b")
    assert elsewhere.stdout.startswith(f"{out}: 1 created"), elsewhere.stdout + elsewhere.stderr
    (copy,) = [payment async for payment in client.payments(f"{tenant}b")]
    assert (copy.metadata, copy.decline_kind) == (paid.metadata, paid.decline_kind)


async def test_a_card_number_in_a_row_is_rejected_and_not_in_the_rejects(
    financeops, tenant, client, tmp_path
):
    rows = [
        ("5", CARD, "ok"),
        ("6", "ada", "ok"),
        ("x", "bob", CARD),  # for another reason, with the number in a column that nobody maps
        (CARD, "cleo", "ok"),
    ]
    head = ("amount", "customerId", "note")
    with (tmp_path / "sales.csv").open("w", newline="") as file:
        csv.writer(file).writerows([(*head, "createdAt"), *((*row, "2026-05-01") for row in rows)])
    columns = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table({**columns, "createdAt": ["2026-05-03"] * len(rows)})
    parquet.write_table(table, tmp_path / "sales.parquet")
    for name in ("sales.csv", "sales.parquet"):
        said = financeops("import", name, "--tenant", tenant, *PAID)
        assert said.stdout.startswith(f"{name}: 1 created, 0 duplicate, 3 rejected"), said.stdout
        rejects = (tmp_path / f"{name}.rejects.csv").read_text()
        assert len(list(csv.DictReader(rejects.splitlines()))) == 3
        assert "must not hold a card number" in rejects
        for shown in (rejects, said.stdout, said.stderr):
            assert CARD not in shown
            assert CARD.replace(" ", "") not in shown
    recorded = [payment.customer_id async for payment in client.payments(tenant)]
    assert recorded == ["ada", "ada"]
