"""`financeops import` into a real server."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from msgspec import structs
from pyarrow import parquet

from financeops.client import Client
from financeops.core.costs import COSTS as COSTS_FIELDS
from financeops.core.errors import NotFound
from financeops.loading import read
from tests.cli.conftest import run
from tests.processes import start_server

PAID = ("--default", "method=card,status=success", "--currency", "USD")
PROVIDERS = Path(__file__).with_name("provider_files")
MAPPED = ("--map", "amount=dollars,createdAt=day,customerId=who", *PAID)

SALES = """\
who,day,dollars
ada,2024-03-01,11.77
ben,2024-03-01T08:30:00Z,5
ada,2024-03-01,11.77
ada,2024-03-01,11.77
"""


@pytest.fixture
async def client(server_url):
    async with Client(server_url) as client:
        yield client


async def payments_of(client, tenant):
    return [payment async for payment in client.payments(tenant)]


async def test_equal_rows_all_count_and_a_second_run_adds_nothing(
    financeops, tenant, client, tmp_path
):
    (tmp_path / "sales.csv").write_text(SALES)
    first = financeops("import", "sales.csv", "--tenant", tenant, *MAPPED)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("sales.csv: 4 created, 0 duplicate, 0 rejected in ")

    # Under another name, in another order, with other texts for the same values.
    (tmp_path / "again.csv").write_text(
        "who;dollars;day\nada;11.770;20240301\nada;11.77;20240301\nada;11.77;2024-03-01T00:00Z\n"
        "ben;5.00;2024-03-01T09:30:00+01:00\n"
    )
    again = financeops("import", "again.csv", "--tenant", tenant, *MAPPED)
    assert again.stdout.startswith("again.csv: 0 created, 4 duplicate, 0 rejected in ")

    # One more of the same is one more payment.
    (tmp_path / "more.csv").write_text(SALES + "ada,2024-03-01,11.77\n")
    more = financeops("import", "more.csv", "--tenant", tenant, *MAPPED)
    assert more.stdout.startswith("more.csv: 1 created, 4 duplicate, 0 rejected in ")

    metrics = await client.metrics(tenant)
    assert metrics.total_payments == 5
    assert metrics.total_volume == 4 * Decimal("11.77") + 5


async def test_rows_that_differ_only_in_what_is_not_read_are_asked_about_not_dropped(
    financeops, tenant, client, tmp_path
):
    for name in ("A-1", "B-2"):
        (tmp_path / f"{name}.csv").write_text(f"order_no,day,dollars\n{name},2024-03-01,7\n")
    options = ("--tenant", tenant, "--map", "amount=dollars,createdAt=day", *PAID)
    assert financeops("import", "A-1.csv", *options).returncode == 0
    second = financeops("import", "B-2.csv", *options)
    assert (second.returncode, (await client.metrics(tenant)).total_payments) == (2, 1)
    assert "0 created, 0 duplicate, 0 rejected, 1 in conflict" in second.stdout
    assert "map one of them" in (tmp_path / "B-2.csv.rejects.csv").read_text("utf-8")
    assert "1 duplicate" in financeops("import", "A-1.csv", *options).stdout
    mapped = financeops("import", "B-2.csv", *options, "--map", "orderId=order_no")
    assert "1 created" in mapped.stdout, mapped.stdout + mapped.stderr
    assert (await client.metrics(tenant)).total_payments == 2


async def test_bad_rows_go_to_a_file_with_line_reason_and_original(
    financeops, tenant, client, tmp_path
):
    rows = [
        "who,day,dollars",
        "ada,2024-03-01,11.77",
        "ada,2024-03-01,eleven",
        "ada,yesterday,1.00",
        "",
        "ada,2024-03-01",
        'ada,2024-03-01,"1.00',
        "ben,2024-03-02,-3",
        "ben,2024-03-02,3.001",
        "ben,,3",
        "ben,1969-12-31,3",
        '"ben, the ""first""",2024-03-02,7.00',
    ]
    (tmp_path / "sales.csv").write_text("\n".join(rows), encoding="utf-8")
    with (tmp_path / "sales.csv").open("ab") as file:
        file.write(b"\nJos\xe9,2024-03-02,1.00\n")
    result = financeops("import", "sales.csv", "--tenant", tenant, *MAPPED)
    assert result.returncode == 2, result.stderr
    assert "2 created, 0 duplicate, 9 rejected (sales.csv.rejects.csv)" in result.stdout

    with (tmp_path / "sales.csv.rejects.csv").open(newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [(row["line"], row["reason"].partition(":")[0]) for row in rejected] == [
        ("3", "amount"),
        ("4", "createdAt"),
        ("6", "has 2 fields instead of 3"),
        ("7", "',' expected after '\"'"),
        ("8", "amount"),
        ("9", "amount"),
        ("10", "createdAt"),
        ("11", "createdAt"),
        ("13", "is not UTF-8 text"),
    ]
    originals = [row["original"] for row in rejected]
    assert originals[:3] == [rows[2], rows[3], rows[5]]
    assert originals[-1] == "Jos\\xe9,2024-03-02,1.00"
    assert {payment.customer_id for payment in await payments_of(client, tenant)} == {
        "ada",
        'ben, the "first"',
    }


async def test_naive_times_are_in_the_tenants_zone_unless_another_is_named(
    financeops, client, tmp_path
):
    (tmp_path / "a.csv").write_text("createdAt,amount\n2024-07-01 12:00,1.00\n")
    (tmp_path / "b.csv").write_text("createdAt,amount\n2024-07-01 12:00,2.00\n")
    paid = ("--tenant", "berlin", "--default", "method=card", "--default", "status=success")
    assert financeops("import", "a.csv", *paid).returncode == 0
    assert financeops("import", "b.csv", *paid, "--timezone", "Asia/Tokyo").returncode == 0
    payments = await payments_of(client, "berlin")
    assert {(payment.amount, payment.currency): payment.created_at for payment in payments} == {
        (100, "EUR"): datetime(2024, 7, 1, 10, tzinfo=UTC),
        (200, "EUR"): datetime(2024, 7, 1, 3, tzinfo=UTC),
    }


def test_what_is_left_out_and_what_is_assumed_is_said(financeops, tmp_path):
    (tmp_path / "rows.csv").write_text(
        "createdAt,amount,colour,sh\x1bape\n2024-05-01,5,red,round\n2024-05-02,5,red,round\n"
    )
    row = {"createdAt": "2024-05-03", "amount": 5, "colour": "red"}
    (tmp_path / "rows.ndjson").write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'size': 1})}\n")
    command = ("--tenant", "berlin", "--default", "method=card,status=success")
    for name, left_out in (
        ("rows.csv", "colour, sh\N{REPLACEMENT CHARACTER}ape"),
        ("rows.ndjson", "colour, size"),
    ):
        result = financeops("import", name, *command)
        assert result.returncode == 0
        assert (
            result.stderr == f"Columns that are no fields of payments, and left out: {left_out}\n"
        )
        assert result.stdout.endswith("; EUR, the currency of berlin, where none is given)\n")

    for form in ("csv", "ndjson", "parquet"):
        assert (
            financeops(
                "export", "--tenant", "berlin", "-o", f"all.{form}", "--format", form
            ).returncode
            == 0
        )
        result = financeops("import", f"all.{form}", "--tenant", "berlin")
        assert (result.returncode, result.stderr) == (0, "")
        assert "currency" not in result.stdout


async def test_ndjson_with_references_statuses_and_refunds(financeops, tenant, client, tmp_path):
    rows = [
        {"amount": 12.5, "createdAt": 1709251200, "status": "success", "reference": "a-1"},
        {"amount": "3", "createdAt": "2024-03-01T00:00:00Z", "status": "failed", "reference": "a-2"}
        | {"declineCode": "do_not_honor"},
        {"amount": 7, "createdAt": 1709251200000, "status": "refunded", "reference": "a-3"}
        | {"refundedAt": "2024-03-05T00:00:00Z", "country": "DE", "unknown": [1, 2]},
        {"amount": 8, "createdAt": 1709251200, "status": "paid"},
        {"amount": True, "createdAt": 1709251200, "status": "success"},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\n[1]\n{broken\n"
    (tmp_path / "rows.ndjson").write_text(text)
    command = ("import", "rows.ndjson", "--tenant", tenant, "--default", "method=paypal")
    result = financeops(*command, "--currency", "EUR", "--rejects", "bad.csv")
    assert result.returncode == 2, result.stderr
    assert "3 created, 0 duplicate, 4 rejected (bad.csv)" in result.stdout
    with (tmp_path / "bad.csv").open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["4", "5", "6", "7"]

    payments = {payment.reference: payment for payment in await payments_of(client, tenant)}
    assert set(payments) == {"a-1", "a-2", "a-3"}
    assert payments["a-1"].amount == 1250
    assert payments["a-2"].decline_code == "do_not_honor"
    assert payments["a-3"].refunded_at == datetime(2024, 3, 5, tzinfo=UTC)
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    assert {payment.created_at for payment in payments.values()} == {moment}


async def test_parquet_types_are_kept(financeops, tenant, client, tmp_path):
    moment = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
    table = pa.table(
        {
            "price": pa.array([11.77, None, 0.1], pa.float32()),
            "at": pa.array([moment] * 3, pa.timestamp("ns", "UTC")),
            "kind": pa.array(["card", "card", "crypto"]).dictionary_encode(),
            "who": pa.array([7, 8, 9]),
        }
    )
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=2)
    result = financeops(
        *("import", "rows.parquet", "--tenant", tenant, "--currency", "USD"),
        *("--map", "amount=price,createdAt=at,method=kind", "--map", "customerId=who"),
        *("--default", "status=success"),
    )
    assert result.returncode == 2, result.stderr
    assert "2 created, 0 duplicate, 1 rejected" in result.stdout
    with (tmp_path / "rows.parquet.rejects.csv").open(newline="") as file:
        (rejected,) = csv.DictReader(file)
    assert (rejected["line"], rejected["reason"]) == ("2", "amount: is missing")
    assert json.loads(rejected["original"])["who"] == 8
    found = {
        (payment.amount, payment.method, payment.customer_id, payment.created_at)
        for payment in await payments_of(client, tenant)
    }
    assert found == {(1177, "card", "7", moment), (10, "crypto", "9", moment)}


async def test_columns_can_be_named_and_numbers_written_with_a_comma(
    financeops, tenant, client, tmp_path
):
    (tmp_path / "kunden.txt").write_bytes("M\xfcller;31.12.2023;1.850,50\r\n".encode("cp1252"))
    result = financeops(
        *("import", "kunden.txt", "--tenant", tenant, "--columns", "who,day,dollars", *MAPPED),
        *("--date-format", "%d.%m.%Y", "--decimal-comma", "--encoding", "cp1252"),
        *("--timezone", "Europe/Berlin"),
    )
    assert result.returncode == 0, result.stderr
    (payment,) = await payments_of(client, tenant)
    assert payment.customer_id == "Müller"
    assert payment.amount == 185050
    assert payment.created_at == datetime(2023, 12, 30, 23, tzinfo=UTC)


async def test_an_export_can_be_imported_by_another_tenant(financeops, tenant, client, tmp_path):
    (tmp_path / "sales.csv").write_text(SALES)
    assert financeops("import", "sales.csv", "--tenant", tenant, *MAPPED).returncode == 0
    for name in ("all.csv", "all.ndjson", "all.parquet"):
        file_format = name.partition(".")[2]
        exported = financeops("export", "-o", name, "--tenant", tenant, "--format", file_format)
        assert exported.returncode == 0, exported.stderr
        imported = financeops("import", name, "--tenant", f"{tenant}_copy", "--currency", "USD")
        assert imported.returncode == 0, imported.stdout + imported.stderr
    original, copy = await client.metrics(tenant), await client.metrics(f"{tenant}_copy")
    assert (copy.total_payments, copy.total_volume) == (4, original.total_volume)


COSTS = """\
amount,currency,createdAt,reference,fees,payoutId,settledAt,settledAmount,settledCurrency
10,USD,2026-05-01T10:00:00Z,a,0.35,po,2026-05-03T10:00:00Z,9.5,EUR
20,KWD,2026-05-01T10:00:00Z,b,-0.001,,2026-05-03T10:00:00Z,7,JPY
30,USD,2026-05-01T10:00:00Z,c,,,,,
40,USD,2026-05-01T10:00:00Z,d,0.001,,,,
"""


@pytest.mark.parametrize("name", ["all.csv", "all.ndjson", "all.parquet", "saved.parquet"])
async def test_what_payments_cost_and_what_became_of_them_comes_with_their_export(
    *, financeops, tenant, client, tmp_path, name
):
    (tmp_path / "sales.csv").write_text(COSTS)
    begun = financeops("import", "sales.csv", "--tenant", tenant, *PAID)
    assert "3 created, 0 duplicate, 1 rejected" in begun.stdout
    wrong = (tmp_path / "sales.csv.rejects.csv").read_text("utf-8")
    assert "fees: has more than the 2 decimals of USD" in wrong
    one, other, whole = sorted(await payments_of(client, tenant), key=lambda each: each.reference)
    assert (one.fee_amount, one.settled_amount, one.payout_id) == (35, 950, "po")
    assert (other.fee_amount, other.settled_amount, other.settled_currency) == (-1, 7, "JPY")
    fees = [("tax", Decimal("0.07")), ("scheme", -1)]
    await client.charge(one.id, tenant, fees=fees, at=one.settled_at)
    await client.refund(one.id, tenant, amount=Decimal("2.5"), reason="torn", idempotency_key="a")
    await client.refund(one.id, tenant, amount=Decimal("0.01"), at=one.settled_at)
    await client.refund(other.id, tenant, amount=20)
    await client.dispute(
        one.id, tenant, dispute_id="dp", status="open", amount=5, reason="fraudulent"
    )
    await client.dispute(one.id, tenant, dispute_id="dp", status="lost")
    await client.dispute(whole.id, tenant, dispute_id="dp_2", status="open")
    form = name.partition(".")[2]
    told = financeops("export", "-o", f"all.{form}", "--tenant", tenant, "--format", form)
    assert told.returncode == 0, told.stderr
    if name == "saved.parquet":
        read(tmp_path / "all.parquet").write_parquet(tmp_path / name)
    copy = f"{tenant}_copy"
    for _ in range(2):
        said = financeops("import", name, "--tenant", copy)
        assert said.returncode == 0, said.stdout + said.stderr
    assert "3 duplicate" in said.stdout
    values = [
        [
            {each.reference: getattr(each, name) for each in await payments_of(client, shop)}
            for shop in (tenant, copy)
        ]
        for name in (*COSTS_FIELDS, "dispute", "refunds", "refunded_amount", "refunded_at")
    ]
    assert all(first == second for first, second in values), values
    figures = [
        await client.metrics(shop, currency=currency)
        for currency in ("USD", "KWD")
        for shop in (tenant, copy)
    ]
    assert figures[0].lost_disputes == 1
    told = [structs.replace(each, seq=0) for each in figures]
    assert (told[0], told[2]) == (told[1], told[3])
    undone = financeops("imports", "undo", (await client.imports(copy))[-1].id)
    assert undone.returncode == 0, undone.stderr
    assert (await client.metrics(copy)).total_payments == 0


async def test_a_stripe_file_is_recognised_and_its_payments_count_once(
    financeops, tenant, client, tmp_path
):
    text = (PROVIDERS / "stripe.csv").read_text("utf-8")
    (tmp_path / "unified_payments.csv").write_text(text, "utf-8")
    first = financeops("import", "unified_payments.csv", "--tenant", tenant)
    assert first.returncode == 2, first.stderr
    assert "6 created, 0 duplicate, 2 rejected, 2 skipped (unified" in first.stdout
    recognised, left_out, *notes = first.stderr.splitlines()
    assert recognised.startswith("Read as stripe-payments (Stripe: Dashboard, Payments, Export)")
    assert left_out.startswith("Columns that are no fields of payments, and left out: Description")
    assert notes == [
        "1 skipped: authorised, but not captured",
        "1 skipped: not finished",
        "1 without their fees, which are in another currency than they are",
    ]
    with (tmp_path / "unified_payments.csv.rejects.csv").open(newline="") as file:
        assert [(row["line"], row["reason"][:24]) for row in csv.DictReader(file)] == [
            ("10", "status: is 'Partially pa"),
            ("11", "method: is 'klarna' in t"),
        ]
    # The same rows by another way, of which one was given back since.
    moved = text.replace("Live,Paid,,cus_a", "Live,Refunded,,cus_a")
    moved = moved.replace('"1,234.50",0.00,eur', '"1,234.50",1234.50,eur')
    (tmp_path / "later.csv.gz").write_bytes(gzip.compress(moved.encode()))
    later = financeops("import", "later.csv.gz", "--tenant", tenant, "--from", "stripe-payments")
    assert "0 created, 5 duplicate, 2 rejected, 1 updated, 2 skipped" in later.stdout, later.stdout
    euro, dollar, yen = [
        await client.metrics(tenant, currency=each) for each in ("EUR", "USD", "JPY")
    ]
    # Of 1,234.50 + 15.00 + 15.00 (failed) + 40.00 EUR the first two were given back.
    assert (euro.total_payments, euro.total_volume) == (4, Decimal("1289.50"))
    assert (euro.refunded_volume, euro.failed_payments) == (Decimal("1249.50"), 1)
    assert euro.fee_volume == Decimal("18.77") + Decimal("0.47") + Decimal("0.85")
    assert (dollar.total_volume, dollar.refunded_volume, dollar.fee_volume) == (20, 5, 0)
    assert (yen.total_volume, yen.lost_disputes, yen.fee_volume) == (5000, 1, 180)


async def test_a_dry_run_says_what_a_file_would_record_and_records_nothing(
    financeops, tenant, client, server_url, tmp_path
):
    stripe = (PROVIDERS / "stripe.csv").read_bytes()
    (tmp_path / "payments.csv.gz").write_bytes(gzip.compress(stripe))
    to = ("--tenant", tenant)
    dry = financeops("import", "payments.csv.gz", "--dry-run", *to)
    assert (dry.returncode, dry.stderr) == (2, "")
    in_part = "1 refunded in part"
    unknown = "which stripe-payments does not know: say what it means, --value 'status:"
    klarna = "which stripe-payments does not know: say what it means, --value 'method:klarna"
    lines = [line for line in dry.stdout.splitlines() if not line.startswith("Columns that are no")]
    assert lines == [
        "payments.csv.gz: a dry run, nothing is recorded",
        "Read as stripe-payments (Stripe: Dashboard, Payments, Export); --from none reads it without.",
        f"payments: 2 disputed, 1 failed, 1 refunded, {in_part}, 4 success, 4 with a payout, 4 with fees",
        "from 2026-05-01T10:00:00Z to 2026-05-03T08:00:00Z",
        # 1,234.50 + 15.00 + 40.00, and 18.77 + 0.47 + 0.85
        "EUR 1,289.50 paid, by 3; failed 15.00; refunded 15.00; fees 20.09",
        "JPY 5,000 paid, by 1; fees 180",
        "USD 20.00 paid, by 1; refunded 5.00",
        "1 skipped: authorised, but not captured",
        "1 skipped: not finished",
        f"refused: line 10: status: is 'Partially paid' in the column 'Status', {unknown}Partially paid=...'",
        f"refused: line 11: method: is 'klarna' in the column 'Payment Source Type', {klarna}=...'",
        "1 without their fees, which are in another currency than they are",
    ]
    with pytest.raises(NotFound):
        await client.metrics(tenant)

    # What only the server knows, and what only the whole file tells, by standard input.
    text = "createdAt,amount,reference\n2026-05-01,1.234,a\n2026-05-01,5,a\n2026-05-01,-5,b\n"
    command = [sys.executable, "-m", "financeops", "import", "-", "--url", server_url, *to]
    command += ["--currency", "EUR", "--default", "status=success,method=cash"]

    def piped(*options, text=text):
        run = subprocess.run(
            [*command, *options], input=text, text=True, capture_output=True, check=False
        )
        return run.returncode, run.stdout.splitlines(), run.stderr

    code, _, said = await asyncio.to_thread(piped)
    assert (code, said[:57]) == (
        1,
        "financeops: --decimal: is required, point or comma: '1.23",
    )
    code, lines, _ = await asyncio.to_thread(piped, "--decimal", "comma", "--dry-run")
    assert (code, lines) == (
        2,
        [
            "stdin: a dry run, nothing is recorded",
            "no payments",
            "1 repeat the reference of an earlier row, and add nothing",
            "refused: line 4: amount: must not be negative",
            "refused: line 2: method: must be one of bank_transfer, card, crypto, paypal, not 'cash'",
        ],
    )
    text = "createdAt;amount;how;id\n2026-05-01;1.234;Cash;1\n2026-05-02;0,50;Card;2\n"
    read = ("--value", "method:Cash=crypto", "--value", "method:Card=card")
    code, lines, said = await asyncio.to_thread(
        piped, *read, "--map", "method=how,reference=id", text=text
    )
    assert (code, lines[0][:30]) == (0, "stdin: 2 created, 0 duplicate,"), said
    found = sorted(await payments_of(client, tenant), key=lambda each: each.reference)
    assert [(each.amount, each.method) for each in found] == [(123400, "crypto"), (50, "card")]


async def test_a_server_that_is_killed_and_restarted_loses_no_row_and_counts_none_twice(
    database_uri, tmp_path
):
    rows = (f"2024-03-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z,{n}" for n in range(6000))
    (tmp_path / "rows.csv").write_text("\n".join(["createdAt,amount", *rows]))
    server = start_server(database_uri)
    command = ("import", "rows.csv", "--tenant", "tenant_1", *PAID)
    importing = asyncio.create_task(asyncio.to_thread(run, *command, url=server.url, cwd=tmp_path))
    async with Client(server.url) as client:
        while (await client.metrics()).total_payments == 0:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)
        server.kill()
        port = int(server.url.rpartition(":")[2])
        server = start_server(database_uri, port=port)
        result = await importing
        metrics = await client.metrics()
    server.stop()
    assert result.returncode == 0, result.stderr
    assert "trying again" in result.stderr
    assert (metrics.total_payments, metrics.total_volume) == (6000, sum(range(6000)))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.csv", *MAPPED], "FILE: missing.csv cannot be read: No such file"),
        (
            ["sales.csv", *PAID, "--map", "amount=euros"],
            "--map: amount=euros: the file only has the columns who,",
        ),
        (["sales.csv", "--currency", "USD"], "amount: has no column, nor have method, "),
        (["sales.csv", "--map", "price=dollars"], "--map: 'price' is not one of amount, currency"),
        (["sales.csv", "--map", "dollars"], "--map: must be pairs such as amount=dollars"),
        (["sales.csv", *MAPPED, "--timezone", "Mars"], "--timezone: must be an IANA time zone"),
        (["sales.csv", *MAPPED, "--delimiter", "::"], "--delimiter: must be one character"),
        (
            ["sales.csv", *MAPPED, "--encoding", "utf-16"],
            "--encoding: must be an extension of ASCII",
        ),
        (["sales.csv", *MAPPED, "--format", "xls"], "--format: must be one of csv, ndjson"),
        (
            ["sales.doc", *MAPPED],
            "--format: is required, csv, ndjson or parquet: the name sales.doc",
        ),
        (["sales.csv", "--map", "amount=dollars"], "--currency: is required"),
        (["sales.csv", *MAPPED, "--currency", "XYZ"], "currency: must be an ISO 4217 code"),
        (["empty.csv", *MAPPED], "FILE: empty.csv has no rows: there is nothing to import"),
        (["header.csv", *MAPPED], "FILE: header.csv has no rows: there is nothing to import"),
        (["/dev/zero", *MAPPED, "--format", "csv"], "FILE: /dev/zero is no regular file, pipe or"),
        (["sales.parquet", *MAPPED], "FILE: sales.parquet is not a Parquet file"),
        (
            ["sales.csv", *MAPPED, "--timezone", "UTC", "--url", "http://127.0.0.1:1"],
            "no connection to http://127.0.0.1:1",
        ),
    ],
)
def test_an_impossible_import_is_refused_in_one_line(financeops, tenant, tmp_path, arguments, says):
    for name in ("sales.csv", "sales.doc", "sales.parquet"):
        (tmp_path / name).write_text(SALES)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text(SALES.splitlines()[0])
    result = financeops("import", *arguments, "--tenant", tenant)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"financeops: {says}")
    assert result.stderr.count("\n") == 1
