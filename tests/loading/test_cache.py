"""Whatever happens between two loads, the cache gives the payments of the server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from financeops.arrow.tables import SCHEMA
from financeops.client import MonthAnswer, MonthsAnswer
from financeops.loading import connect
from financeops.loading.cache import MonthCache
from financeops.loading.months import table_of
from tests.builders import payment

MONTHS = [f"2024-{month:02}" for month in range(1, 13)]


def exactly(connection, *window, **params):
    """The payments of the server, without the cache."""
    return connection.payments(*window, frame="pyarrow", cache=False, **params).to_pylist()


def cached(connection, *window, **params):
    return connection.payments(*window, frame="pyarrow", **params).to_pylist()


def files(folder):
    return sorted(folder.rglob("*.parquet"))


def forget(http, tenant_id, server_uri):
    """Delete the server's log, as after a day."""
    with MongoClient(server_uri) as client:
        client.get_default_database().changes.delete_many({"tenantId": tenant_id})


def test_a_change_brings_all_that_a_payment_says(connection, record):
    record({"createdAt": "2024-01-15T00:00:00Z"})
    cached(connection)
    record({"createdAt": "2024-01-16T00:00:00Z", "orderId": "o1", "metadata": {"b": "2", "a": "1"}})
    assert cached(connection) == exactly(connection)
    assert exactly(connection)[-1]["metadata"] == '{"a":"1","b":"2"}'


def test_a_refund_of_nothing_is_seen_too(connection, record, refund):
    """It leaves what was given back of its month as it was."""
    (one,) = record({"amount": 0, "createdAt": "2024-01-15T00:00:00Z"})
    cached(connection)
    refund(one)
    assert cached(connection) == exactly(connection)
    assert cached(connection)[0]["status"] == "refunded"


def test_an_attempt_of_another_month_that_changes_a_kept_one_is_seen(connection, record):
    """Numbers, refunds and all that was given back are as before, and nothing was taken back."""
    record(
        {"createdAt": "2024-02-15T00:00:00Z", "status": "failed", "orderId": "o1"},
        {"createdAt": "2024-03-15T00:00:00Z"},
    )
    cached(connection)
    record({"createdAt": "2024-05-01T00:00:00Z", "orderId": "o1"})
    assert cached(connection) == exactly(connection)
    assert cached(connection)[0]["recovered_by"] == 2
    record({"createdAt": "2024-01-15T00:00:00Z", "status": "failed", "orderId": "o1"})
    assert cached(connection) == exactly(connection)
    numbers = [(each["attempt"], each["recovered_by"]) for each in cached(connection)]
    assert numbers == [(1, 3), (2, None), (None, None), (3, None)]


@pytest.fixture
def year(record):
    """Ids of two payments in each month of 2024."""
    return record(
        *(
            {"amount": n + 1, "createdAt": f"2024-{n % 12 + 1:02}-15T00:00:0{n // 12}Z"}
            for n in range(24)
        )
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 11), st.integers(1, 3)),
        st.tuples(st.just("refund"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("part"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("told"), st.integers(0, 23), st.integers(0, 1)),
        st.tuples(st.just("load"), st.integers(0, 11), st.integers(0, 11)),
        st.tuples(st.just("forget"), st.just(0), st.just(0)),
    ),
    min_size=2,
    max_size=8,
)


TOLD = (
    {"id": "dp", "status": "lost", "at": "2025-01-01T00:00:00Z"},
    {"fees": [{"kind": "tax", "amount": 0.01}, {"kind": "other", "amount": -0.01}]},
)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_the_cache_equals_the_server_whatever_happened(
    *, connection, record, refund, http, tenant_id, server_uri, year, steps
):
    for step, first, second in steps:
        match step:
            case "record":
                at = f"2024-{first + 1:02}-{(7 * first + second) % 28 + 1:02}T00:00:00Z"
                record(*({"amount": 1, "createdAt": at} for _ in range(second)))
            case "refund":
                refund(year[first % len(year)])
            case "part":  # many a payment is too small for several, or refunded already
                path = f"/payments/{year[12 + first]}/refund"
                http.post(path, params={"tenantId": tenant_id}, json={"amount": 5})
            case "told":
                path = f"/payments/{year[first]}/{('dispute', 'fees')[second]}"
                http.post(path, params={"tenantId": tenant_id}, json=TOLD[second])
            case "forget":
                forget(http, tenant_id, server_uri)
            case "load":
                window = (
                    f"2024-{min(first, second) + 1:02}-10",
                    f"2024-{max(first, second) + 1:02}-20",
                )
                assert cached(connection, *window) == exactly(connection, *window)
    assert cached(connection) == exactly(connection)


def test_what_is_kept_is_not_loaded_again(door, through_door, year, cache_folder):
    first = cached(through_door)
    loaded = len(door.exports)
    assert loaded > 0
    assert cached(through_door) == first
    assert len(door.exports) == loaded
    assert [path.stem for path in files(cache_folder)] == MONTHS


def test_only_months_that_changed_are_written(
    *, connection, door, through_door, year, record, refund, cache_folder
):
    cached(through_door)
    before = {path: path.stat().st_mtime_ns for path in files(cache_folder)}
    door.exports.clear()
    record(amount=5, createdAt="2024-03-01T00:00:00Z")
    refund(year[6])
    assert cached(through_door) == exactly(connection)
    assert door.exports == []  # the change log is enough
    changed = [path.stem for path, at in before.items() if path.stat().st_mtime_ns != at]
    assert changed == ["2024-03", "2024-07"]


def test_a_month_missing_from_the_log_is_loaded_whole(
    *, connection, door, through_door, year, refund, http, tenant_id, server_uri
):
    cached(through_door)
    refund(year[6])
    forget(http, tenant_id, server_uri)
    door.exports.clear()
    assert cached(through_door) == exactly(connection)
    july = datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 8, 1, tzinfo=UTC), 2
    assert door.exports == [july]


def test_the_first_month_there_is_east_of_utc_begins_before_1970(
    connection, record, http, tenant_id
):
    record(amount=1, createdAt="1970-01-01T00:00:00Z")
    record(amount=2, createdAt="2026-01-01T00:00:00Z")
    http.post(f"/api/tenants/{tenant_id}/timezone", params={"timezone": "Asia/Kathmandu"})
    assert len(exactly(connection)) == 2
    assert cached(connection) == exactly(connection)
    assert cached(connection, None, "1970-02-01") == exactly(connection, None, "1970-02-01")


def test_payments_recorded_during_a_load_are_included(
    *, connection, door, through_door, year, record, refund
):
    """Between the counts and the months, and between the months and the counts after them."""

    def before():
        record(amount=7, createdAt="2024-02-01T00:00:00Z")
        refund(year[3])

    def after():
        record(amount=8, createdAt="2024-02-02T00:00:00Z")
        record(amount=9, createdAt="2025-06-02T00:00:00Z")
        refund(year[4])

    now = exactly(connection)
    door.before_export, door.after_export = before, after
    found = cached(through_door)
    assert len(found) == len(now) + 3
    assert found == exactly(connection)
    loaded = len(door.exports)
    assert loaded == 1
    assert cached(through_door) == found  # and it was kept as exactly that
    assert len(door.exports) == loaded


def test_damaged_files_are_loaded_anew(connection, year, cache_folder):
    whole = cached(connection)
    january, february, march, april = files(cache_folder)[:4]
    january.write_bytes(b"nonsense")
    february.write_bytes(february.read_bytes()[:-20])
    content = bytearray(march.read_bytes())
    content[60] ^= 0xFF  # among the values: the file's end, which says what it is, stays
    march.write_bytes(content)
    april.unlink()
    assert cached(connection) == whole
    assert cached(connection) == whole


def test_no_damaged_byte_is_taken_for_a_payment(tmp_path):
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    counted = {"payments": 3, "refunded": 0, "returned": 0, "revised": 0, "renumbered": 0}
    month = MonthAnswer(month="2026-03", start=start, end=end, **counted)
    months = MonthsAnswer(
        tenant_id="t",
        currency="USD",
        timezone="UTC",
        seq=3,
        history="h",
        taken_back=0,
        months=[month],
    )
    table = table_of(payment(id=f"{n:024}", customer_id=f"cus_{n}") for n in range(3))
    cache = MonthCache("http://localhost:3001", "t", tmp_path)
    cache.keep(months, month, table)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    assert cache.find(months, month).table(SCHEMA.names).equals(table)
    found = []
    for at in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        kept = cache.find(months, month)
        found.append(kept and kept.table(SCHEMA.names))
    assert all(each is None or each.equals(table) for each in found)
    assert sum(each is None for each in found) > 100


def test_a_cache_that_is_a_file_costs_only_time(connection, year, cache_folder):
    cache_folder.write_text("in the way")
    assert cached(connection) == exactly(connection)


def test_another_time_zone_cuts_other_months(connection, year, record, http, tenant_id):
    record(amount=1, createdAt="2024-05-31T23:00:00Z")
    whole = cached(connection)
    for zone in ("Asia/Tokyo", "UTC"):
        answer = http.post(f"/api/tenants/{tenant_id}/timezone", params={"timezone": zone})
        assert answer.status_code == 200
        assert cached(connection) == whole
        for window in (("2024-06-01", None), (None, "2024-06-01")):
            assert cached(connection, *window) == exactly(connection, *window)


def test_a_database_that_began_anew_is_not_taken_for_the_old_one(start_on, cache_folder):
    """Other payments, as many in the same months: as after deleting all and seeding."""
    for amount in (1, 2):
        server = start_on(port=start_on.port)
        with connect(server.url) as connection:
            items = [
                {"amount": amount, "method": "card", "status": "success", "createdAt": at}
                for at in ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z")
            ]
            start_on.post(server, items)
            assert [row["amount"] for row in cached(connection)] == [amount * 100] * 2
            assert cached(connection) == exactly(connection)
        server.stop()


def test_each_tenant_and_server_has_a_cache_of_its_own(connection, year, server, cache_folder):
    cached(connection)
    with connect(server.url) as other:
        assert cached(other) == []
    with connect(server.url.replace("127.0.0.1", "localhost"), connection.tenant) as other:
        assert cached(other) == cached(connection)
    assert len({path.parent for path in files(cache_folder)}) == 2


def test_only_this_user_may_read_what_is_kept(connection, year, cache_folder):
    cached(connection)
    assert {path.stat().st_mode & 0o077 for path in files(cache_folder)} == {0}


def test_concurrent_loads_are_right(*, server, tenant_id, year, record, refund, cache_folder):
    def load(_):
        with connect(server.url, tenant_id, progress=False) as connection:
            return connection.payments(frame="pyarrow").num_rows

    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(load, range(4)))
        record(amount=1, createdAt="2024-02-01T00:00:00Z")
        refund(year[0])
        later = list(threads.map(load, range(4)))
    assert (counts, later) == ([24] * 4, [25] * 4)
    with connect(server.url, tenant_id) as connection:
        assert cached(connection) == exactly(connection)
    assert not list(cache_folder.rglob("*.new"))


def test_columns_from_the_cache_are_those_requested(connection, year):
    for columns in (["amount"], ["status", "id"], None):
        table = connection.payments(columns=columns, frame="pyarrow")
        assert table.column_names == (columns or SCHEMA.names)
    found = connection.payments(status="refunded", columns=["amount"], frame="pyarrow")
    assert (found.num_rows, found.column_names) == (0, ["amount"])


def test_payments_taken_back_are_gone_although_as_many_came_after(
    connection, record, http, tenant_id, cache_folder
):
    record(amount=1, createdAt="2024-03-01T00:00:00Z")
    beginning = {"tenantId": tenant_id, "file": "wrong.csv"}
    import_id = http.post("/api/imports", json=beginning).json()["_id"]
    row = {
        "tenantId": tenant_id,
        "amount": 5,
        "method": "card",
        "status": "success",
        "createdAt": "2024-03-02T00:00:00Z",
        "row": {"content": "a", "base": "a:1", "meaning": "a:1"},
    }
    http.post("/payments/batch", params={"source": "import", "importId": import_id}, json=[row])
    before = cached(connection)
    assert [each["amount"] for each in before] == [100, 500]
    assert http.post(f"/api/imports/{import_id}/undo").json()["state"] == "undone"
    record(amount=7, createdAt="2024-03-03T00:00:00Z")
    assert cached(connection) == exactly(connection) != before
