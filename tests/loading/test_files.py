"""Exported files, read back."""

from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from financeops.core.errors import FinanceOpsError, InvalidValue, NotFound
from financeops.core.money import MAX_MINOR, to_major, to_minor
from financeops.loading import read
from financeops.loading.exports import minor_of
from financeops.tables import SCHEMA

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
    first, *_ = record(
        {"amount": 1850.5, "createdAt": "2024-12-09T14:00:00.123Z", "country": "DE"},
        {"amount": 0.01, "status": "failed", "declineCode": "expired_card"},
        {"amount": 7, "currency": "JPY", "customerId": 'a,"b"\n; ü 🙂'},
        {"amount": 1.005, "currency": "KWD", "reference": "=1+1", "customerId": "@x"},
        {"amount": 1234567890.12},
    )
    refund(first)
    table = read(exported(form), frame="pyarrow")
    assert table.schema == SCHEMA
    assert table.to_pylist() == connection.payments(frame="pyarrow").to_pylist()
    assert table["amount"].to_pylist()[0] == 185050


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_without_payments_has_the_columns(record, exported, form):
    """NDJSON says nothing at all then."""
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


TEXTS = ["=1+1", "'=1+1", "''=1+1", "+49", "'+49", "-7", "@x", "'@x", "'plain", "'", "a-7", "plain"]


@pytest.mark.parametrize("form", FORMATS)
def test_texts_that_look_like_formulas_or_their_guard_come_back(record, exported, form):
    """The apostrophe that an export puts before them is told from the sender's own."""
    record(*({"customerId": text, "reference": text} for text in TEXTS))
    table = read(exported(form), frame="pyarrow")
    assert sorted(table["customer_id"].to_pylist()) == sorted(TEXTS)
    assert table["customer_id"].to_pylist() == table["reference"].to_pylist()


def test_columns_and_library_are_as_asked(csv):
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
    """The row with other values: ``changed(amount="x")``."""
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
def test_what_is_wrong_is_named_with_its_row(csv, column, value, said):
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


def test_what_is_no_such_file_is_said(tmp_path):
    with pytest.raises(NotFound, match=r"no file .*payments\.csv"):
        read(tmp_path / "payments.csv")
    with pytest.raises(InvalidValue, match=r"path: must end in \.csv, "):
        read(tmp_path / "payments.xlsx")
    for form in ("parquet", "arrow", "ndjson"):
        (tmp_path / f"x.{form}").write_bytes(b"nonsense")
        with pytest.raises(FinanceOpsError, match="cannot be read"):
            read(tmp_path / f"x.{form}")


AMOUNTS = st.tuples(st.integers(0, MAX_MINOR), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))


@given(st.lists(AMOUNTS, min_size=1))
def test_decimal_text_becomes_the_minor_units_it_was_made_of(pairs):
    currencies = pa.chunked_array([[currency for _, currency in pairs]])
    texts = [str(to_major(minor, currency)) for minor, currency in pairs]
    for amounts in (texts, [Decimal(text) for text in texts]):
        found = minor_of(pa.chunked_array([amounts]), currencies)
        assert found.to_pylist() == [minor for minor, _ in pairs]


@given(st.decimals(-(10**12), 10**12, places=5) | st.decimals(-10, 10**9, places=2))
def test_an_amount_is_taken_as_the_api_takes_it(amount):
    currency = pa.chunked_array([["USD"]])
    try:
        expected = to_minor(amount, "USD")
    except InvalidValue:
        with pytest.raises(InvalidValue, match="amount"):
            minor_of(pa.chunked_array([[str(amount)]]), currency)
    else:
        assert minor_of(pa.chunked_array([[str(amount)]]), currency).to_pylist() == [expected]


def test_parquet_keeps_the_exact_decimal_beside_the_minor_units(record, exported):
    record(amount=1850.5)
    table = parquet.read_table(exported("parquet"))
    assert table["amount"].to_pylist() == [Decimal("1850.5")]
    assert table["amountMinor"].to_pylist() == [185050]
