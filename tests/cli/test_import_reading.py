"""`financeops import` of realistic files: the right figure, or a refusal that says why."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from financeops.arrow.tables import SCHEMA
from financeops.client import Client
from financeops.core.errors import NotFound

PAID = ("--default", "method=card,status=success")
MOMENT = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def imported(financeops, tenant, server_url, tmp_path):
    """Import a file; return the command's output and the tenant's payments by time."""

    def run(name, content, *options, of=tenant):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        elif content is not None:
            path.write_text(content, encoding="utf-8")
        result = financeops("import", name, "--tenant", of, *options)
        assert "Traceback" not in result.stderr
        return result, payments(of)

    def payments(of):
        async def ask():
            async with Client(server_url) as client:
                return [payment async for payment in client.payments(of)]

        try:
            found = asyncio.run(ask())
        except NotFound:  # nothing was imported
            return []
        return sorted(found, key=lambda payment: (payment.created_at, payment.amount))

    return run


def minor(payments):
    return [payment.amount for payment in payments]


def reasons(tmp_path, name):
    with (tmp_path / f"{name}.rejects.csv").open(newline="") as file:
        return {int(row["line"]): row["reason"] for row in csv.DictReader(file)}


def refused(result, says):
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"financeops: {says}")
    assert result.stderr.count("\n") == 1


COMMA_AMOUNTS = ["18,50", "1.850,50", "1.850", "18.5", "18.50", "0.99", "1.2.3", "12.34.567,00"]


def test_a_point_under_a_decimal_comma_separates_thousands_or_its_row_is_refused(
    imported, tmp_path
):
    rows = [f"2026-05-01T10:0{n}:00Z;{text}" for n, text in enumerate(COMMA_AMOUNTS)]
    comma = ("--currency", "EUR", "--decimal-comma", *PAID)
    result, payments = imported("a.csv", "\n".join(["createdAt;amount", *rows]), *comma)
    assert (result.returncode, minor(payments)) == (2, [1850, 185050, 185000])
    assert all(reason.startswith("amount: ") for reason in reasons(tmp_path, "a.csv").values())
    assert list(reasons(tmp_path, "a.csv")) == [5, 6, 7, 8, 9]

    result, _ = imported("b.csv", "createdAt\n2026-05-01\n", *comma, "--default", "amount=18.50")
    refused(result, "amount: must be written like 1.850,50 because")


def test_a_number_of_a_file_is_unchanged(imported, tmp_path):
    comma = ("--currency", "EUR", "--decimal-comma", *PAID)
    amounts = [18.5, 0.99, 1234567.89]
    table = pa.table({"createdAt": [MOMENT, *[MOMENT.replace(day=2)] * 2], "amount": amounts})
    result, payments = imported("floats.parquet", table, *comma)
    assert (result.returncode, sorted(minor(payments))) == (0, [99, 1850, 123456789])
    texts = "\n".join(
        f'{{"createdAt":"2026-05-03T10:0{n}:00Z","amount":{text}}}'
        for n, text in enumerate(['"18.50"', "18.50", '"18,50"'])
    )
    result, payments = imported("texts.ndjson", texts, *comma)
    assert (result.returncode, minor(payments)[-2:]) == (2, [1850, 1850])
    assert list(reasons(tmp_path, "texts.ndjson")) == [1]


def test_the_packages_own_frame_counts_once_and_in_minor_units(imported, tmp_path):
    rows = [
        {"id": f"{n:024}", "tenant_id": "shop", "amount": amount, "currency": currency}
        | {"method": "card", "status": "success", "source": "api", "customer_id": "a"}
        | {"created_at": MOMENT.replace(day=n), "updated_at": MOMENT}
        for n, amount, currency in [
            (1, 1850, "USD"),
            (2, 4000, "USD"),
            (3, 700, "JPY"),
            (4, 5, "KWD"),
        ]
    ]
    frame = pl.from_arrow(pa.Table.from_pylist(rows, schema=SCHEMA))
    frame.write_parquet(tmp_path / "frame.parquet")
    frame.write_csv(tmp_path / "frame.csv")
    frame.write_ndjson(tmp_path / "frame.ndjson")
    mapped = ("--map", "createdAt=created_at,customerId=customer_id")
    result, payments = imported("frame.parquet", None, "--currency", "USD", *mapped)
    assert (result.returncode, minor(payments)) == (0, [1850, 4000, 700, 5])
    for name in ("frame.csv", "frame.ndjson"):
        result, payments = imported(name, None)
        assert (result.returncode, minor(payments)) == (0, [1850, 4000, 700, 5])
        assert {payment.customer_id for payment in payments} == {"a"}

    theirs = "created_at,amount,currency\n2026-05-09,40,USD\n"
    result, payments = imported("theirs.csv", theirs, *PAID, "--map", "createdAt=created_at")
    assert (result.returncode, minor(payments)[-1]) == (0, 4000)
    cents = "createdAt,amount,currency\n2026-05-10,1850,USD\n"
    result, payments = imported("cents.csv", cents, *PAID, "--minor-units")
    assert (result.returncode, minor(payments)[-1]) == (0, 1850)


def test_ids_are_the_same_from_csv_ndjson_and_parquet(imported):
    usd = ("--currency", "USD", *PAID)
    mapped = ("--map", "reference=order,customerId=customer")
    text = (
        "createdAt,amount,order,customer\n2026-05-01T10:00:00Z,10,5123456789012,7001234567891\n"
        "2026-05-02T10:00:00Z,20,7,1000\n"
    )
    imported("ids.csv", text, *usd, *mapped)
    table = pa.table(
        {
            "createdAt": [MOMENT, MOMENT.replace(day=2), MOMENT.replace(day=3)],
            "amount": [10, 20, 30],
            "order": [5123456789012.0, 7.0, None],
            "customer": [7001234567891.0, 1000.0, None],
        }
    )
    result, _ = imported("ids.parquet", table, *usd, *mapped)
    assert "1 created, 2 duplicate, 0 rejected" in result.stdout, result.stderr
    lines = (
        '{"createdAt":"2026-05-01T10:00:00Z","amount":10,"order":5.123456789012e12,"customer":7001234567891.0}\n'
        '{"createdAt":"2026-05-02T10:00:00Z","amount":20,"order":7.0,"customer":1e3}\n'
        '{"createdAt":"2026-05-03T10:00:00Z","amount":30}\n'
        '{"createdAt":"2026-05-04T10:00:00Z","amount":40,"order":9007199254740992.0}\n'
    )
    result, payments = imported("ids.ndjson", lines, *usd, *mapped)
    assert "0 created, 3 duplicate, 1 rejected" in result.stdout, result.stderr
    assert [payment.reference for payment in payments[:2]] == ["5123456789012", "7"]
    assert [payment.customer_id for payment in payments] == ["7001234567891", "1000", None]


@pytest.mark.parametrize(
    ("date_format", "text", "hour"),
    [
        ("%Y-%m-%d %H:%M:%S %Z", "2026-07-03 10:00:00 UTC", 10),
        ("%d.%m.%Y %H:%M:%SZ", "03.07.2026 10:00:00Z", 10),
        ("%m/%d/%Y %I:%M %p", "07/03/2026 02:00 PM", 12),
        ("%m/%d/%Y %H:%M %p", "07/03/2026 02:00 PM", None),
        ("%Y-%U", "2026-18", None),
        ("%Q", "2026", None),
    ],
)
def test_a_format_of_dates_is_used_as_a_whole_or_refused_at_once(imported, date_format, text, hour):
    name, content = f"{text[:2]}.csv", f"createdAt,amount,reference\n{text},1,{date_format}\n"
    options = ("--date-format", date_format, *PAID)
    result, payments = imported(name, content, *options, of="berlin")
    found = [payment.created_at for payment in payments if payment.reference == date_format]
    if hour is None:
        refused(result, "--date-format: ")
    else:
        assert (result.returncode, found) == (0, [datetime(2026, 7, 3, hour, tzinfo=UTC)])


SENT = [
    {"amount": 10, "currency": "USD"},
    {"amount": 10, "currency": "USD"},
    {"amount": 11, "reference": "-7", "customerId": "+4915112345"},
    {"amount": 12, "reference": "'=x", "customerId": "=x", "country": "DE"},
    {"amount": 700, "currency": "JPY", "reference": "@yen"},
    {"amount": Decimal("1.234"), "currency": "KWD", "reference": "fils"},
    {"amount": 13, "status": "failed", "declineCode": "expired_card", "reference": "bad"},
    {"amount": 14, "reference": "back", "customerId": "c"},
]


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "parquet"])
async def test_an_export_is_imported_unchanged(financeops, tenant, server_url, file_format):
    async with Client(server_url) as client:
        sent = [
            {"tenantId": tenant, "method": "card", "status": "success"}
            | {"createdAt": f"2026-05-0{n}T10:00:00.125Z"}
            | payment
            for n, payment in enumerate(SENT, 1)
        ]
        answer = await client.post_batch(sent)
        assert answer.created == len(SENT)
        await client.refund(answer.items[-1].id, tenant)

        name, copy = f"own.{file_format}", f"{tenant}_copy"
        exported = financeops("export", "-o", name, "--tenant", tenant, "--format", file_format)
        assert exported.returncode == 0, exported.stderr
        first = financeops("import", name, "--tenant", copy)
        assert f"{len(SENT)} created, 0 duplicate, 0 rejected" in first.stdout, first.stderr
        again = financeops("import", name, "--tenant", copy)
        assert f"0 created, {len(SENT)} duplicate, 0 rejected" in again.stdout, again.stderr

        def told(payment):
            # A payment without a reference gets one that names its row.
            named = payment.reference and not payment.reference.startswith("row:")
            return replace(
                payment,
                id="",
                tenant_id="",
                source="",
                reference=payment.reference if named else None,
                updated_at=MOMENT,
            )

        originals = [told(payment) async for payment in client.payments(tenant)]
        copies = [told(payment) async for payment in client.payments(copy)]
        assert copies == originals


def test_rejects_are_not_written_over_the_file(imported, tmp_path):
    content = "createdAt,amount\n2026-05-01T10:00:00Z,1.00\nbad,row\n"
    (tmp_path / "link.csv").symlink_to("input.csv")
    usd = ("--currency", "USD", *PAID)
    for rejects in ("input.csv", "./input.csv", "link.csv"):
        result, _ = imported("input.csv", content, *usd, "--rejects", rejects, of="tenant_1")
        refused(result, f"--rejects: {rejects.removeprefix('./')} is the file to import")
        assert (tmp_path / "input.csv").read_text() == content


def test_nothing_in_a_file_controls_the_terminal(imported):
    content = "\x1b]0;owned\x07amount,\x1b]0;owned\x07amount\n1,1\n"
    result, _ = imported("\x1b[2J\x9b2J.csv", content, of="tenant_1")
    assert result.returncode == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.stdout + result.stderr), result


@pytest.mark.parametrize(("delimiter", "name"), [(";", "a.csv"), ("\t", "a.tsv"), ("|", "a.txt")])
def test_a_delimiter_is_found_without_a_map(imported, delimiter, name):
    lines = [["note, or not", "createdAt", "amount"], ["a, b", "2026-05-01T10:00:00Z", "18.50"]]
    content = "\n".join(delimiter.join(fields) for fields in lines)
    result, payments = imported(name, content, "--currency", "USD", *PAID)
    assert (result.returncode, minor(payments)) == (0, [1850]), result.stderr


@pytest.mark.parametrize("column", ["currency", "cur"])
def test_a_new_tenants_rows_have_their_own_currencies(imported, tmp_path, column):
    content = f"createdAt,amount,{column}\n2026-05-01,18.50,EUR\n2026-05-02,2,\n2026-05-03,3,JPY\n"
    mapped = () if column == "currency" else ("--map", f"currency={column}")
    for _ in range(2):  # the tenant is new, and then it is not
        result, payments = imported("own.csv", content, *PAID, *mapped)
        assert result.returncode == 2, result.stderr
        assert reasons(tmp_path, "own.csv") == {
            3: "currency: is missing: use --currency for rows without one"
        }
        assert [(payment.amount, payment.currency) for payment in payments] == [
            (1850, "EUR"),
            (3, "JPY"),
        ]
    result, _ = imported("none.csv", "createdAt,amount\n2026-05-04,1\n", *PAID)
    refused(result, "--currency: is required")


def test_lines_without_a_currency_are_not_refused_one_by_one(imported, tmp_path):
    line = {"createdAt": "2026-05-04T10:00:00Z", "amount": 1}
    for count, says in ((1, "row has"), (3, "first 3 rows have")):
        content = "".join(f"{json.dumps(line)}\n" for _ in range(count)) + "no JSON\n"
        result, _ = imported("none.ndjson", content, *PAID)
        refused(result, f"--currency: is required: the file's {says} no currency")
    assert not (tmp_path / "none.ndjson.rejects.csv").exists()
    content = f"{json.dumps(line)}\n{json.dumps({**line, 'currency': 'EUR'})}\n"
    result, payments = imported("some.ndjson", content, *PAID)
    assert (result.returncode, [payment.currency for payment in payments]) == (2, ["EUR"])
    assert reasons(tmp_path, "some.ndjson") == {
        1: "currency: is missing: use --currency for rows without one"
    }


def test_two_columns_or_keys_of_one_name_are_refused(imported, tmp_path):
    usd = ("--currency", "USD", *PAID)
    table = pa.table([[MOMENT, MOMENT], [1, 2], [3, 4]], names=["createdAt", "amount", "amount"])
    result, _ = imported("twice.parquet", table, *usd, of="tenant_1")
    refused(result, "FILE: twice.parquet has the column 'amount' twice")
    line = {"createdAt": "2026-05-01T10:00:00Z", "amount": 18.5}
    text = json.dumps(line) + "\n" + json.dumps(line)[:-1] + ', "am\\u006funt": 19.5}\n'
    result, payments = imported("twice.ndjson", text, *usd)
    assert (result.returncode, minor(payments)) == (2, [1850])
    assert reasons(tmp_path, "twice.ndjson") == {2: "amount: is given twice"}
    trail = "createdAt,amount,,\n2026-05-02T10:00:00Z,1.00,,\n"
    result, payments = imported("trail.csv", trail, *usd)
    assert (result.returncode, minor(payments)) == (0, [1850, 100])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf_8_sig", "undefined"])
def test_an_encoding_is_read_or_refused_in_one_line(imported, encoding):
    content = "\ufeffcreatedAt,amount\n2026-05-01T10:00:00Z,1.00\n"
    result, payments = imported(
        "a.csv", content, "--currency", "USD", *PAID, "--encoding", encoding
    )
    if encoding == "undefined":
        refused(result, "--encoding: must be an extension of ASCII")
    else:
        assert (result.returncode, minor(payments)) == (0, [100])
