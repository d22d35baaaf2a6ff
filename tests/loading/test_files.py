"""Exported files are read back."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest
from pyarrow import parquet

from financeops.arrow.tables import SCHEMA
from financeops.core.columns import Form, form_of
from financeops.core.errors import FinanceOpsError, InvalidValue, NotFound
from financeops.core.wire import encode, timestamp
from financeops.loading import read

FORMATS = ["csv", "parquet", "arrow", "ndjson"]
HEAD = "_id,tenantId,amount,currency,method,status,createdAt,updatedAt,source,customerId"
ROW = "6756fb49a1b2c3d4e5f60701,tenant_1,18.5,USD,card,success,2024-12-09T14:00:00Z,"
ROW += "2024-12-09T14:00:00.123Z,api,"


@pytest.fixture
def exported(http, tenant_id, tmp_path):
    """``exported("csv")``: the path of an export of the test's tenant."""

    def get(form):
        path = tmp_path / f"payments.{form}"
        answer = http.get("/payments/export", params={"tenantId": tenant_id, "format": form})
        path.write_bytes(answer.content)
        return path

    return get


@pytest.fixture
def csv(tmp_path):
    """``csv(row, …)``: the path of a CSV file with these rows."""

    def write(*rows, head=HEAD):
        path = tmp_path / "payments.csv"
        path.write_text("\n".join([head, *rows, ""]), newline="")
        return path

    return write


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_what_the_server_gives(connection, record, refund, exported, form):
    first, _, yen, dinars, *_ = record(
        {"amount": 1850.5, "createdAt": "2024-12-09T14:00:00.123Z", "country": "DE"},
        {"amount": 0.01, "status": "failed", "declineCode": "expired_card"},
        {"amount": 7, "currency": "JPY", "customerId": 'a,"b"; ü 🙂'},
        {"amount": 1.005, "currency": "KWD", "reference": "=1+1", "customerId": "@x"},
        {"amount": 1234567890.12, "orderId": "o1", "metadata": {"b.c": 'ü "', "a": ""}},
        {"amount": 3, "metadata": {"d": "1"}},
    )
    refund(first)
    refund(yen, amount=3, reason="it's =1+1")
    refund(dinars, amount=0.005)
    refund(dinars)
    table = read(exported(form), frame="pyarrow")
    assert sorted(table["refunded_amount"].to_pylist()) == [0, 0, 0, 3, 1005, 185050]
    said = {text for text in table["metadata"].to_pylist() if text}
    assert said == {'{"a":"","b.c":"ü \\""}', '{"d":"1"}'}
    assert table.schema == SCHEMA
    assert table.to_pylist() == connection.payments(frame="pyarrow").to_pylist()
    assert table["amount"].to_pylist()[0] == 185050


@pytest.mark.parametrize("wrong", ["x", "{}", "[1]", '[{"id":"a","amount":1}]', '[{"at":"x"}]'])
def test_refunds_that_are_none_are_refused(csv, wrong):
    quoted = wrong.replace('"', '""')
    path = csv(ROW + f',"{quoted}"', head=f"{HEAD},refunds")
    with pytest.raises(InvalidValue, match=r"^refunds: must be the JSON .* \(row 0\)$"):
        read(path)


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_without_payments_has_the_columns(record, exported, form):
    """An NDJSON file is empty then."""
    record(amount=1)
    path = exported(form)
    if form == "csv":
        path.write_text(path.read_text().splitlines()[0] + "\n")
    elif form == "ndjson":
        path.write_text("")
    else:
        return
    table = read(path, frame="pyarrow")
    assert (table.num_rows, table.schema) == (0, SCHEMA)


TEXTS = [
    "=1+1",
    "'=1+1",
    "''=1+1",
    "+49",
    "'+49",
    "-7",
    "@x",
    "'@x",
    "'plain",
    "'",
    "a-7",
    "plain",
    "\uff1d1+1",
    "'\uff1d1",
]


@pytest.mark.parametrize("form", FORMATS)
def test_texts_that_look_like_formulas_or_their_guard_come_back(record, exported, form):
    """The apostrophe that an export adds is distinguished from the sender's own."""
    record(*({"customerId": text, "reference": text} for text in TEXTS))
    table = read(exported(form), frame="pyarrow")
    assert sorted(table["customer_id"].to_pylist()) == sorted(TEXTS)
    assert table["customer_id"].to_pylist() == table["reference"].to_pylist()


def test_columns_and_library_are_those_requested(csv):
    frame = read(csv(ROW), columns=["currency", "amount"])
    assert isinstance(frame, pl.DataFrame)
    assert frame.rows() == [("USD", 1850)]


def test_a_canonical_frame_that_was_saved_is_read(connection, record, tmp_path):
    record(amount=1850.5, createdAt="2024-12-09T14:00:00.123Z")
    frame = connection.payments()
    frame.write_parquet(tmp_path / "mine.parquet")
    assert read(tmp_path / "mine.parquet").equals(frame)
    connection.payments(frame="pandas").to_parquet(tmp_path / "mine.parquet")
    assert read(tmp_path / "mine.parquet").equals(frame)


def changed(**columns):
    """The row with changed values: ``changed(amount="x")``."""
    values = dict(zip(HEAD.split(","), ROW.split(","), strict=True))
    return ",".join({**values, **columns}.values())


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount", "18.505", "2 decimals"),
        ("amount", "18.50500", "2 decimals"),
        ("amount", "-1", "negative"),
        ("amount", "x", "number"),
        ("amount", "1e999999999", "larger"),
        ("amount", "NaN", "finite"),
        ("amount", "10000000000.01", "larger"),
        ("amount", "", "empty"),
        ("currency", "XXQ", "ISO 4217"),
        ("currency", "", "empty"),
        ("status", "paid", "'success', 'failed', 'refunded'"),
        ("createdAt", "2024-12-09T14:00:00", "2024-12-09T14:00:00Z"),
        ("createdAt", "yesterday", "time"),
        ("updatedAt", "", "empty"),
        ("_id", "", "empty"),
    ],
)
def test_a_wrong_value_is_named_with_its_row(csv, column, value, said):
    with pytest.raises(InvalidValue, match=rf"^{column}: .*{said}.*\(row 2\)$") as refused:
        read(csv(ROW, ROW, changed(**{column: value}), ROW))
    assert "\n" not in str(refused.value)


def test_a_missing_column_is_named(csv):
    with pytest.raises(InvalidValue, match=r"^status: is missing: the columns are _id, "):
        read(csv(ROW, head=HEAD.replace("status", "state")))


def test_amounts_that_went_through_a_float_are_refused(tmp_path):
    row = {"_id": "a", "tenantId": "t", "amount": 18.5, "currency": "USD", "method": "card"}
    pl.DataFrame(row).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InvalidValue, match="amount: must be exact"):
        read(tmp_path / "x.parquet")


def test_times_without_a_zone_are_refused(connection, record, tmp_path):
    record(amount=1)
    frame = connection.payments().with_columns(pl.col("created_at").dt.replace_time_zone(None))
    frame.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InvalidValue, match="created_at: must have a time zone"):
        read(tmp_path / "x.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"no file .*payments\.csv"):
        read(tmp_path / "payments.csv")
    with pytest.raises(InvalidValue, match=r"path: must end in \.csv, "):
        read(tmp_path / "payments.xlsx")
    for form in ("parquet", "arrow", "ndjson"):
        (tmp_path / f"x.{form}").write_bytes(b"nonsense")
        with pytest.raises(FinanceOpsError, match="cannot be read"):
            read(tmp_path / f"x.{form}")


def test_parquet_keeps_the_exact_decimal_beside_the_minor_units(record, exported):
    record(amount=1850.5)
    table = parquet.read_table(exported("parquet"))
    assert table["amount"].to_pylist() == [Decimal("1850.5")]
    assert table["amountMinor"].to_pylist() == [185050]


def payments():
    """A canonical table of three currencies."""
    currencies = ["USD", "JPY", "KWD"]
    moment = datetime(2026, 5, 1, 10, tzinfo=UTC)
    rows = [
        {
            "id": f"{n:024x}",
            "tenant_id": "t",
            "amount": 1850,
            "currency": currency,
            "method": "card",
            "status": "success",
            "created_at": moment,
            "updated_at": moment,
            "source": "api",
            "customer_id": "'=1+1",
            "refunded_amount": n,
            "fee_amount": -n,
            "settled_amount": n,
            "revision": n,
        }
        for n, currency in enumerate(currencies)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def as_json_lines(path, table, *, times):
    rows = [{**row, **{name: times(row[name]) for name in MOMENTS}} for row in table.to_pylist()]
    path.write_bytes(b"".join(encode(row) + b"\n" for row in rows))


MOMENTS = ("created_at", "updated_at")
WRITERS = {
    "polars.parquet": lambda table, path: pl.from_arrow(table).write_parquet(path),
    "polars.csv": lambda table, path: pl.from_arrow(table).write_csv(path),
    "polars.arrow": lambda table, path: pl.from_arrow(table).write_ipc(path),
    "pandas.parquet": lambda table, path: table.to_pandas().to_parquet(path),
    "pandas.csv": lambda table, path: table.to_pandas().to_csv(path, index=False),
    "pandas.ndjson": lambda table, path: table.to_pandas().to_json(
        path, orient="records", lines=True, date_format="iso"
    ),
    "pyarrow.parquet": parquet.write_table,
    "pyarrow.csv": pyarrow.csv.write_csv,
    "json.ndjson": lambda table, path: as_json_lines(path, table, times=timestamp),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_frame_of_payments_is_known_in_every_file(tmp_path, name):
    """Its amounts are minor units of any currency; its texts have no guard."""
    path = tmp_path / name
    WRITERS[name](payments(), path)
    assert read(path, frame="pyarrow").to_pylist() == payments().to_pylist()


def test_times_as_numbers_are_refused_naming_the_column(tmp_path):
    path = tmp_path / "frame.ndjson"
    as_json_lines(path, payments(), times=lambda moment: int(moment.timestamp() * 1000))
    with pytest.raises(InvalidValue, match="created_at"):
        read(path)


@pytest.mark.parametrize("amount", ["18.50", "1850.0", "1e3", "x", "9" * 30])
def test_major_units_under_the_names_of_a_frame_are_refused(tmp_path, amount):
    path = tmp_path / "frame.csv"
    pyarrow.csv.write_csv(payments(), path)
    path.write_text(path.read_text().replace("1850", amount, 1))
    with pytest.raises(InvalidValue, match=rf"^amount: must be integers .* {amount} \(row 0\)$"):
        read(path)


def test_amounts_in_arrow_are_marked_as_minor_units(tmp_path):
    """Some columns of a frame, too, are distinguished from other files."""
    parquet.write_table(payments().select(["amount", "currency"]), tmp_path / "part.parquet")
    schema = parquet.read_schema(tmp_path / "part.parquet")
    assert form_of(schema.names, schema.field("amount").metadata) is Form.FRAME
    with pytest.raises(InvalidValue, match=r"^id: is missing"):
        read(tmp_path / "part.parquet")


@pytest.mark.parametrize("column", ["amount", "createdAt", "status", "currency", "customerId"])
def test_a_duplicate_column_is_refused(csv, tmp_path, column):
    value = dict(zip(HEAD.split(","), ROW.split(","), strict=True))[column]
    with pytest.raises(InvalidValue, match=rf"^{column}: is the name of two columns"):
        read(csv(f"{ROW},{value}", head=f"{HEAD},{column}"))
    table = pa.table([["a"], [1], [3]], names=["_id", column, column])
    parquet.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(InvalidValue, match=rf"^{column}: is the name of two columns"):
        read(tmp_path / "twice.parquet")


def test_columns_without_a_name_fill_no_field(csv):
    assert read(csv(f"{ROW},,", head=f"{HEAD},,"), columns=["amount"]).rows() == [(1850,)]


@pytest.mark.parametrize("key", ["amount", r"am\u006funt"])
def test_a_duplicate_key_is_refused(tmp_path, key):
    path = tmp_path / "twice.ndjson"
    path.write_text(f'{{"_id": "a", "tenantId": "t", "amount": 18.5, "{key}": 19.5}}\n')
    with pytest.raises(InvalidValue, match="amount"):
        read(path)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2024-12-09T14:00:00.123456Z", 123),
        ("2024-12-09T14:00:00.999999999Z", 999),
        ("2024-12-09T14:00:00.5Z", 500),
        ("2024-12-09T15:00:00.1239+01:00", 123),
    ],
)
def test_times_are_read_to_the_millisecond(csv, text, milliseconds):
    (found,) = read(csv(changed(createdAt=text)))["created_at"]
    assert found == datetime(2024, 12, 9, 14, 0, 0, milliseconds * 1000, tzinfo=UTC)


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_finer_times_of_parquet_are_floored_to_the_millisecond(tmp_path, unit):
    moment = datetime(2024, 12, 9, 14, 0, 0, 123999, tzinfo=UTC)
    table = payments()
    at = table.schema.get_field_index("created_at")
    times = pa.array([moment] * 3, pa.timestamp(unit, tz="America/New_York"))
    parquet.write_table(table.set_column(at, "created_at", times), tmp_path / "fine.parquet")
    found = read(tmp_path / "fine.parquet")["created_at"]
    assert found.to_list() == [moment.replace(microsecond=123000)] * 3


@pytest.mark.parametrize("column", ["createdAt", "updatedAt"])
@pytest.mark.parametrize(
    "text", ["1969-12-31T23:00:00Z", "1969-12-31T23:59:59.9999Z", "9999-12-31T23:59:59Z"]
)
def test_a_time_that_no_payment_can_have_is_refused(csv, column, text):
    with pytest.raises(InvalidValue, match=rf"^{column}: must lie between 1970 and 2099.*row 1"):
        read(csv(ROW, changed(**{column: text})))


def test_history_in_a_withdrawn_currency_is_read(csv):
    """Whatever today is: recorded payments are history."""
    rows = [changed(currency=code) for code in ("HRK", "BGN", "ITL")]
    with pytest.raises(InvalidValue, match="0 decimals of ITL"):
        read(csv(*rows))
    rows = [changed(currency=code, amount="18") for code in ("HRK", "BGN", "ITL")]
    assert read(csv(*rows))["amount"].to_list() == [1800, 1800, 18]


@pytest.mark.parametrize("code", ["ZZZ", "XAU"])
def test_a_code_that_was_never_a_currency_is_refused_in_every_file(csv, tmp_path, code):
    with pytest.raises(InvalidValue, match=r"^currency: must be an ISO 4217"):
        read(csv(changed(currency=code)))
    table = payments()
    at = table.schema.get_field_index("currency")
    odd = table.set_column(at, "currency", pa.array(["USD", "USD", code]))
    parquet.write_table(odd, tmp_path / "odd.parquet")
    with pytest.raises(InvalidValue, match=r"^currency: must be an ISO 4217.*\(row 2\)"):
        read(tmp_path / "odd.parquet")
