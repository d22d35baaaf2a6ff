"""From a file's columns to payments: the kind of file, the columns, the ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest
from pyarrow import parquet

from financeops.arrow.tables import SCHEMA
from financeops.cli.importing.columns import Columns, pairs_of
from financeops.cli.importing.readers import Layout, format_of, opened
from financeops.core.columns import PAYMENTS
from financeops.core.csv_guard import guard
from financeops.core.errors import InvalidValue

USD = {"currency": "USD"}
PAID = {"method": "card", "status": "success"}
AT = {"createdAt": "2026-05-01T10:00:00Z"}


def read(path: Path, *, named=None, defaults=PAID, encoding="utf-8", **options):
    """Return the payments of a file, or for each refused row the reason."""
    columns = Columns(
        named=named or {},
        defaults=defaults,
        tenant_id="shop",
        zone=ZoneInfo("Asia/Tokyo"),
        **options,
    )
    layout = Layout(format=format_of(path), encoding=encoding)
    payments = []
    with opened(path, layout, needed=list((named or {}).values())) as table:
        columns = columns.fitted(table)
        for row in table.rows:
            try:
                payments.append(columns.payment(row.values) if row.values else row.problem)
            except InvalidValue as error:
                payments.append(str(error))
    return payments


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


FRAME = pa.Table.from_pylist(
    [
        {"id": f"{n:024}", "tenant_id": "elsewhere", "amount": amount, "currency": currency}
        | {"method": "card", "status": status, "source": "api", "customer_id": customer}
        | {
            "created_at": datetime(2026, 5, n, tzinfo=UTC),
            "updated_at": datetime(2026, 6, 1, tzinfo=UTC),
        }
        | more
        for n, amount, currency, status, customer, more in [
            (1, 1850, "USD", "success", "a", {}),
            (2, 1850, "JPY", "success", None, {"reference": "+7", "country": "DE"}),
            (3, 1850, "KWD", "failed", "a", {"decline_code": "expired_card"}),
            (4, 4000, "USD", "refunded", "b", {"refunded_at": datetime(2026, 5, 20, tzinfo=UTC)}),
        ]
    ],
    schema=SCHEMA,
)
FRAME_PAYMENTS = [
    {"currency": currency, "method": "card", "tenantId": "shop"} | more
    for currency, more in [
        ("USD", {"amount": Decimal("18.5"), "status": "success", "customerId": "a"}),
        ("JPY", {"amount": 1850, "status": "success", "reference": "+7", "country": "DE"}),
        ("KWD", {"amount": Decimal("1.85"), "status": "failed", "customerId": "a"}),
        ("USD", {"amount": 40, "status": "refunded", "customerId": "b"}),
    ]
]
for _n, _payment in enumerate(FRAME_PAYMENTS, 1):
    _payment["createdAt"] = f"2026-05-0{_n}T00:00:00Z"
FRAME_PAYMENTS[2]["declineCode"] = "expired_card"
FRAME_PAYMENTS[3]["refundedAt"] = "2026-05-20T00:00:00Z"

WRITERS = {
    "polars.parquet": lambda path: pl.from_arrow(FRAME).write_parquet(path),
    "polars.csv": lambda path: pl.from_arrow(FRAME).write_csv(path),
    "polars.ndjson": lambda path: pl.from_arrow(FRAME).write_ndjson(path),
    "pandas.parquet": lambda path: FRAME.to_pandas().to_parquet(path),
    "pandas.csv": lambda path: FRAME.to_pandas().to_csv(path),  # its index has no name
    "pandas.ndjson": lambda path: FRAME.to_pandas().to_json(
        path, orient="records", lines=True, date_format="iso"
    ),
    "pyarrow.parquet": lambda path: parquet.write_table(FRAME, path),
    "pyarrow.csv": lambda path: pyarrow.csv.write_csv(FRAME, path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_saved_data_frame_of_payments_is_in_minor_units(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    assert read(path, defaults={}) == FRAME_PAYMENTS
    mapped = {"createdAt": "created_at", "customerId": "customer_id"}
    assert read(path, defaults={}, named=mapped) == FRAME_PAYMENTS


def test_a_given_unit_of_amounts_is_used(tmp_path, written):
    path = tmp_path / "frame.parquet"
    parquet.write_table(FRAME, path)
    assert read(path, defaults={}, minor_units=False)[3]["amount"] == 4000
    assert read(path, defaults={}, minor_units=True) == FRAME_PAYMENTS
    cents = written("cents.csv", "createdAt,amount\n2026-05-01,1850\n2026-05-01,18.50\n")
    payment, refused = read(cents, minor_units=True, usual_currency="USD")
    assert payment["amount"] == Decimal("18.5")
    assert refused.startswith("amount: must be a whole number of minor units")


@pytest.mark.parametrize(
    "amount",
    [pa.array([18.5, 40.0, 1.0, 1.0]), pa.array([Decimal("18.50"), 40, 1, 1], pa.decimal128(9, 2))],
)
def test_a_data_frame_with_changed_amounts_is_refused_until_its_unit_is_given(tmp_path, amount):
    changed = FRAME.set_column(FRAME.schema.get_field_index("amount"), "amount", amount)
    parquet.write_table(changed, tmp_path / "frame.parquet")
    for refused in read(tmp_path / "frame.parquet", defaults={}):
        assert refused.startswith(
            "amount: must be a whole number of minor units in a saved data frame of pay"
        )
        assert "--minor-units or --major-units" in refused
    said = read(tmp_path / "frame.parquet", defaults={}, minor_units=False)
    assert said[0]["amount"] == Decimal("18.5")


def test_other_peoples_files_with_the_same_names_are_in_major_units(written):
    columns = "id,created_at,amount,currency,method,status,customer_id"
    path = written("theirs.csv", f"{columns}\n1,2026-05-01T10:00:00Z,40,USD,card,success,a\n")
    (payment,) = read(path, named={"createdAt": "created_at"}, defaults={})
    assert payment["amount"] == 40
    assert "customerId" not in payment


def test_a_file_with_the_columns_of_a_frame_and_of_an_export_is_refused(written):
    names = [*PAYMENTS, *(column.json for name, column in PAYMENTS.items() if column.json != name)]
    with pytest.raises(InvalidValue, match=r"^amount: "):
        read(written("both.csv", ",".join(names) + "\n"))
    (refused,) = read(written("both.ndjson", json.dumps(dict.fromkeys(names, "x")) + "\n"))
    assert refused.startswith("amount: ")


EXPORTED = [column.json for name, column in PAYMENTS.items() if name != "decline_group"]
TEXTS = ["-7", "+49", "=1+1", "@x", "'-7", "''=x", "'plain", "plain", "'"]


def test_the_formula_guard_is_removed_from_exports_and_from_no_other_file(written):
    row = {"_id": "0" * 24, "tenantId": "c06", "amount": "18.5", **USD, **PAID, **AT}
    lines = [
        row | {"reference": guard(text), "customerId": guard(text), "updatedAt": AT["createdAt"]}
        for text in TEXTS
    ]
    rows = ["|".join(line.get(name, "") for name in EXPORTED) for line in lines]
    payments = read(written("own.csv", "\n".join(["|".join(EXPORTED), *rows])), defaults={})
    assert [(payment["reference"], payment["customerId"]) for payment in payments] == [
        (text, text) for text in TEXTS
    ]
    theirs = written("theirs.csv", "createdAt,amount,currency,reference\n2026-05-01,1,USD,'-7\n")
    assert read(theirs)[0]["reference"] == "'-7"


NUMBERS = {
    "double": pa.array([7.0, 5123456789012.0, 7.5, None, 2.0**53 - 1, -1.0, float("nan")]),
    "float": pa.array([7.0, 1000.0, 7.5, None, 2.0**24 - 1, -1.0, float("nan")], pa.float32()),
    "decimal": pa.array(
        [Decimal(n) for n in ("7", "1000", "7.50", "0", "9" * 20)], pa.decimal128(22, 2)
    ),
    "integer": pa.array([7, 5123456789012, None, 2**63 - 1, -1]),
}
DIGITS = {
    "double": ["7", "5123456789012", "7.5", None, "9007199254740991", "-1", None],
    "float": ["7", "1000", "7.5", None, "16777215", "-1", None],
    "decimal": ["7", "1000", "7.5", "0", "9" * 20],
    "integer": ["7", "5123456789012", None, "9223372036854775807", "-1"],
}


@pytest.mark.parametrize("field", ["reference", "customerId"])
@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_whole_number_becomes_its_digits_whatever_its_type(written, kind, field, packed):
    numbers = NUMBERS[kind].dictionary_encode() if packed else NUMBERS[kind]
    size = len(numbers)
    table = pa.table({"createdAt": ["2026-05-01"] * size, "amount": [1] * size, "id": numbers})
    payments = read(written("ids.parquet", table), named={field: "id"}, usual_currency="USD")
    assert [payment.get(field) for payment in payments] == DIGITS[kind]


def test_json_numbers_become_their_digits_too(written):
    ids = [
        "7",
        "7.0",
        "7e0",
        '"7"',
        "70E-1",
        "1e3",
        "7.5",
        "7.50",
        "9007199254740993",
        '"007"',
        "null",
    ]
    lines = [f'{{"createdAt": "2026-05-01", "amount": 1, "reference": {text}}}' for text in ids]
    payments = read(written("ids.ndjson", "\n".join(lines)), usual_currency="USD")
    assert [payment.get("reference") for payment in payments] == [
        *["7"] * 5,
        *["1000", "7.5", "7.5", "9007199254740993", "007", None],
    ]


@pytest.mark.parametrize("field", ["reference", "customerId", "country", "declineCode"])
def test_a_float_too_large_for_an_exact_id_is_refused_with_its_row(written, field):
    at = {"createdAt": ["2026-05-01"] * 3, "amount": [1, 1, 1]}
    doubles = pa.table(at | {field: pa.array([2.0**53, -(2.0**53), float("inf")])})
    singles = pa.table(at | {field: pa.array([2.0**24, 1e20, 3e9], pa.float32())})
    texts = [
        f'{{"createdAt": "2026-05-01", "amount": 1, "{field}": {n}}}'
        for n in ("9007199254740992.0", "1e16", "1e9999")
    ]
    for path in (
        written("doubles.parquet", doubles),
        written("singles.parquet", singles),
        written("doubles.ndjson", "\n".join(texts)),
    ):
        for refused in read(path, usual_currency="USD"):
            assert refused.startswith(f"{field}: "), path


def test_numbers_of_a_file_are_unchanged_under_a_decimal_comma(written):
    texts = ['"18.50"', "18.50", '"18,50"', "0.99", "1850", "1.85e1"]
    lines = [f'{{"createdAt": "2026-05-01", "amount": {text}}}' for text in texts]
    refused, *payments = read(
        written("a.ndjson", "\n".join(lines)), decimal_comma=True, usual_currency="EUR"
    )
    assert refused.startswith("amount: must be written like 1.850,50 because")
    amounts = [payment["amount"] for payment in payments]
    assert amounts == [*[Decimal("18.5")] * 2, Decimal("0.99"), 1850, Decimal("18.5")]
    exact = [Decimal("18.50"), Decimal("0.99"), Decimal("1234.56")]
    for values in (
        pa.array(exact, pa.decimal128(9, 2)),
        pa.array(map(float, exact)),
        pa.array(map(float, exact), pa.float32()),
    ):
        table = pa.table({"createdAt": ["2026-05-01"] * 3, "amount": values})
        payments = read(written("a.parquet", table), decimal_comma=True, usual_currency="EUR")
        assert [payment["amount"] for payment in payments] == exact


@pytest.mark.parametrize(
    ("defaults", "says"),
    [
        ({"amount": "18.50"}, "amount: must be written like 1.850,50"),
        (
            {"refundedAt": "yesterday"},
            "refundedAt: must be ISO 8601, YYYYMMDD, YYYYMMDDHHMMSS or Unix time, or set --date-format, not 'yesterday'",
        ),
    ],
)
def test_a_default_that_cannot_be_read_is_refused_before_the_first_row(written, defaults, says):
    path = written("a.csv", "createdAt,amount\n")
    with pytest.raises(InvalidValue, match=f"^{says}"):
        read(path, defaults=PAID | defaults, decimal_comma=True, usual_currency="EUR")


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson", "a.parquet"])
@pytest.mark.parametrize("column", ["currency", "cur"])
def test_rows_have_their_own_currency_and_one_without_is_refused(written, name, column):
    rows = [AT | {"amount": "1", column: currency} for currency in ("EUR", "JPY", None)]
    content = {
        "a.csv": f"createdAt;amount;{column}\n"
        + "\n".join(";".join(value or "" for value in row.values()) for row in rows),
        "a.ndjson": "\n".join(json.dumps(row) for row in rows),
        "a.parquet": pa.Table.from_pylist(rows),
    }[name]
    named = {"currency": column} if column == "cur" else {}
    path = written(name, content)
    for usual in (None, "USD"):  # a new tenant, and one that has a currency
        euro, yen, refused = read(path, named=named, usual_currency=usual)
        assert (euro["currency"], yen["currency"]) == ("EUR", "JPY")
        assert refused == "currency: is missing: use --currency for rows without one"
    assert read(path, named=named, defaults=PAID | USD)[2]["currency"] == "USD"


def test_without_any_currency_the_tenants_is_used_or_one_is_required(written):
    path = written("a.csv", "createdAt,amount\n2026-05-01,1\n")
    assert read(path, usual_currency="EUR")[0]["currency"] == "EUR"
    with pytest.raises(InvalidValue, match=r"^--currency: is required"):
        read(path)
    assert read(written("a.ndjson", '{"createdAt": "2026-05-01", "amount": 1}')) == [
        "currency: is missing: use --currency for rows without one"
    ]


def test_one_field_named_twice_is_refused():
    assert pairs_of(["amount=a", "amount=a,status=b"], option="--map") == {
        "amount": "a",
        "status": "b",
    }
    with pytest.raises(InvalidValue, match=r"^--map: gives amount twice: 'a' and 'b'"):
        pairs_of(["amount=a", "amount=b"], option="--map")
