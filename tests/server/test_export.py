"""Exported files can be read by other programs."""

import csv
import io
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from financeops.core.wire import decode
from tests.server.problem import problem

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


@pytest.fixture
def export(http, tenant_id):
    """``await export("csv", status="failed")`` returns the rows of the file."""

    async def get(form, **query):
        query = {name.rstrip("_"): value for name, value in query.items()}
        params = {"tenantId": tenant_id, "format": form, **query}
        response = await http.get("/payments/export", params=params)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == MEDIA[form]
        name = f"payments-{tenant_id}.{form}"
        assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
        return rows_of(form, response.content)

    return get


def rows_of(form, content):
    match form:
        case "csv":
            return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        case "ndjson":
            return [decode(line) for line in content.splitlines()]
        case "parquet":
            return parquet.read_table(pa.BufferReader(content)).to_pylist()
        case "arrow":
            return ipc.open_stream(content).read_all().to_pylist()


@pytest.mark.parametrize("form", MEDIA)
async def test_every_payment_is_in_the_file(http, tenant_id, record, export, form):
    amounts = [Decimal(n) / 100 for n in range(1, 2602)]
    for start in range(0, len(amounts), 1000):
        await record(
            *(
                {"amount": float(amount), "createdAt": f"2024-{n % 12 + 1:02}-01T00:00:00Z"}
                for n, amount in enumerate(amounts[start : start + 1000])
            )
        )
    rows = await export(form)
    assert len({row["_id"] for row in rows}) == len(rows) == len(amounts)
    assert sum(Decimal(str(row["amount"])) for row in rows) == sum(amounts)
    created = [row["createdAt"] for row in rows]
    assert created == sorted(created)
    metrics = await http.get("/api/analytics/metrics", params={"tenantId": tenant_id})
    assert decode(metrics.content)["totalVolume"] == sum(amounts)


async def test_columns_have_types(record, export):
    payment = {
        "amount": 0.1,
        "status": "failed",
        "declineCode": "expired_card",
        "createdAt": "2024-12-09T14:00:00.123Z",
    }
    await record(payment)
    for form in ("parquet", "arrow"):
        (row,) = await export(form)
        assert row["amount"] == Decimal("0.1000")
        assert row["amountMinor"] == 10
        assert row["createdAt"].isoformat() == "2024-12-09T14:00:00.123000+00:00"
        assert row["declineCode"] == "expired_card"
        assert row["reference"] is None
    (row,) = await export("csv")
    assert (row["amount"], row["createdAt"]) == ("0.1", "2024-12-09T14:00:00.123Z")
    assert row["reference"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'=", "''@"])
async def test_cells_are_no_formulas(record, export, start):
    text = f"{start}cmd|' /C calc'!A0"
    await record(customerId=text, reference=text)
    (row,) = await export("csv")
    assert row["customerId"] == row["reference"] == f"'{text}"
    (row,) = await export("ndjson")
    assert row["customerId"] == text


async def test_text_with_separators_survives(record, export):
    text = 'a,"b"; ü 🙂'
    await record(customerId=text)
    (row,) = await export("csv")
    assert row["customerId"] == text


@pytest.mark.parametrize("form", MEDIA)
async def test_filters_are_the_same_as_for_the_list(record, export, form):
    await record(
        {"amount": 1, "status": "failed", "createdAt": "2024-12-09T14:00:00Z"},
        {"amount": 2, "method": "paypal", "createdAt": "2024-12-10T14:00:00Z"},
        {"amount": 3, "currency": "EUR", "createdAt": "2024-12-11T14:00:00Z"},
    )

    async def amounts(**query):
        return [int(Decimal(str(row["amount"]))) for row in await export(form, **query)]

    assert await amounts() == [1, 2, 3]
    assert await amounts(status="failed") == [1]
    assert await amounts(method="paypal") == [2]
    assert await amounts(currency="EUR") == [3]
    assert await amounts(from_="2024-12-10T00:00:00Z", to="2024-12-11T00:00:00Z") == [2]


@pytest.mark.parametrize("form", MEDIA)
async def test_a_file_without_payments_is_valid(record, export, form):
    await record(amount=1)
    assert await export(form, status="refunded") == []


async def test_csv_is_the_default(http, record, tenant_id):
    await record(amount=1)
    response = await http.get("/payments/export", params={"tenantId": tenant_id})
    assert response.headers["content-type"] == MEDIA["csv"]


async def test_an_error_is_reported_before_the_file_begins(http):
    problem(await http.get("/payments/export?tenantId=nobody"), 404)
    problem(await http.get("/payments/export?format=xlsx"), 422, field="format")
    problem(await http.get("/payments/export?limit=3"), 422, field="limit")


async def test_ndjson_equals_the_answers_of_the_list(http, record, export, tenant_id):
    await record({"amount": 1, "reference": "a"}, {"amount": 2, "status": "failed"})
    listed = (await http.get("/payments", params={"tenantId": tenant_id})).json()
    exported = json.loads(json.dumps(await export("ndjson"), default=float))
    assert sorted(exported, key=lambda row: row["_id"]) == sorted(
        listed, key=lambda row: row["_id"]
    )


async def test_a_column_has_the_code_under_which_a_failure_is_counted(record, export):
    """Beyond 200 different ones."""
    await record(
        *(
            {
                "status": "failed",
                "declineCode": f"code_{n}",
                "createdAt": f"2024-01-01T00:00:{n % 60:02}Z",
            }
            for n in range(201)
        )
    )
    for form in ("arrow", "parquet", "ndjson", "csv"):
        groups = [row.get("declineGroup") or None for row in await export(form)]
        assert (groups.count("other"), groups.count(None)) == (1, 200)


async def test_amounts_are_exact_in_every_currency(record, export):
    amounts = [("JPY", 7, 7), ("KWD", 1.005, 1005), ("USD", 0.01, 1), ("CLF", 12.0001, 120001)]
    await record(
        *(
            {"amount": amount, "currency": currency, "createdAt": f"2024-01-0{n + 1}T00:00:00Z"}
            for n, (currency, amount, _) in enumerate(amounts)
        )
    )
    for form in ("arrow", "parquet"):
        rows = await export(form)
        assert [
            (row["currency"], float(row["amount"]), row["amountMinor"]) for row in rows
        ] == amounts
