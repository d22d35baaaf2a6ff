"""A row is recognised however it is mapped, and an import can be taken back."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import time
from collections import Counter

import httpx
import pytest
from pymongo import MongoClient

from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.contract.imports import ImportAnswer
from tests.cli.conftest import run, start
from tests.processes import start_server
from tests.verification import verified

PAID = ("--currency", "USD", "--default", "method=card,status=success")
REDO = """\
createdAt,amount,client
2026-05-01T10:00:00Z,10.00,ada
2026-05-01T11:00:00Z,20.00,bob
"""
STATUSES = """\
createdAt,amount,status,reference
2026-05-01T10:00:00Z,10.00,success,ch_1
2026-05-01T11:00:00Z,20.00,success,ch_2
2026-05-01T11:00:00Z,20.00,success,
"""


@pytest.fixture
def api(server_url):
    with httpx.Client(base_url=server_url, timeout=60) as client:
        yield client


def differences(api, tenant):
    """Return the differences between a tenant's totals and its payments."""

    async def verify():
        async with httpx.AsyncClient(base_url=api.base_url, timeout=60) as http:
            return await verified(http, tenant)

    return asyncio.run(verify())["differences"]


@pytest.fixture
def books(api, tenant):
    """Return a tenant's payments, volume and refunded volume, after verifying its totals."""

    def read(of: str = tenant):
        figures = api.get("/api/analytics/metrics", params={"tenantId": of}).json()
        assert differences(api, of) == []
        return figures["totalPayments"], figures["totalVolume"], figures["refundedVolume"]

    return read


@pytest.fixture
def bring(financeops, tenant, tmp_path):
    """Import a text as a file: ``bring(text, *options)`` returns the output and the rejects."""

    def command(text, *options, name="rows.csv", to=tenant):
        (tmp_path / name).write_text(text)
        rejects = tmp_path / f"{name}.rejects.csv"
        rejects.unlink(missing_ok=True)
        result = financeops("import", name, "--tenant", to, *options)
        assert result.returncode == (2 if rejects.exists() else 0), result.stdout + result.stderr
        reasons = []
        if rejects.exists():
            with rejects.open(newline="") as file:
                reasons = [row["reason"] for row in csv.DictReader(file)]
        return result.stdout, reasons

    return command


def listed(financeops, tenant):
    found = financeops("imports", "--tenant", tenant, "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--map", "customerId=client", *PAID), "customerId"),
        (("--map", "reference=client", *PAID), "reference"),
        (("--currency", "EUR", "--default", "method=card,status=success"), "currency"),
        (("--currency", "USD", "--default", "method=paypal,status=success"), "method"),
        (("--currency", "USD", "--default", "method=card,status=failed"), "status"),
        (("--default", "country=DE", *PAID), "country"),
        (("--default", "reference=all", *PAID), "reference"),
    ],
)
def test_a_file_imported_again_with_other_options_counts_once(bring, api, tenant, options, field):
    assert bring(REDO, *PAID)[0].startswith("rows.csv: 2 created, 0 duplicate, 0 rejected in")
    grown = REDO + "2026-05-01T12:00:00Z,30.00,eve\n"
    said, reasons = bring(grown, *options)
    assert "1 created" in said
    assert "2 in conflict (" in said
    assert all(reason.startswith(f"{field}: is recorded as ") for reason in reasons)
    assert len(api.get("/payments", params={"tenantId": tenant}).json()) == 3
    again, _ = bring(grown, *options, name="third.csv")
    assert again.startswith("third.csv: 0 created, 1 duplicate, 0 rejected, 2 in conflict")


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("file", {"file": "\x1b[31mred\n2026 done 99999"}),
        ("options.map", {"file": "a.csv", "options": {"map": ["amount=\x07"]}}),
        ("options.currency", {"file": "a.csv", "options": {"currency": "\x00"}}),
    ],
)
def test_lists_do_not_control_the_terminal(api, tenant, field, asked):
    refused = api.post("/api/imports", json={"tenantId": tenant, **asked})
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert "control characters" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ('{"ab\\n": "x"}', "options: must have names of 1 to 64 of a-z and -"),
        ('{"map": true, "map": false}', "map: is given more than once"),
        (json.dumps({"map": [""] * 70_000}), "options: must not be larger than 65536 bytes"),
        ('{"map": ["a", 1]}', "options: must be text, not a number"),
    ],
    ids=["a name with a line break", "a name twice", "too large", "a number"],
)
def test_options_are_refused_that_no_command_line_has(api, tenant, options, says):
    body = f'{{"tenantId": "{tenant}", "file": "a.csv", "options": {options}}}'
    headers = {"Content-Type": "application/json"}
    refused = api.post("/api/imports", content=body, headers=headers)
    said = refused.json()
    assert (refused.status_code, said["field"]) == (422, says.partition(":")[0]), said
    assert said["detail"].startswith(says)


def test_a_file_name_is_listed_on_one_line(bring, financeops, tenant):
    bring(REDO, *PAID, name="a\nb\x1b.csv")
    assert [each["file"] for each in listed(financeops, tenant)] == ["a\ufffdb\ufffd.csv"]


def test_what_was_refused_is_counted_and_a_wrong_import_can_be_taken_back(
    bring, financeops, tenant, tmp_path
):
    bring(REDO, *PAID)
    strange = REDO + "2026-05-01T12:00:00Z,30.00,eve\nnever,1,eve\n"
    (tmp_path / "again.csv").write_text(strange)
    result = financeops(
        "import", "again.csv", "--tenant", tenant, "--map", "reference=client", *PAID
    )
    assert result.returncode == 2
    assert f"`financeops imports --tenant {tenant}` lists imports" in result.stderr
    assert "`financeops imports undo ID` takes one back" in result.stderr
    heads, *rows = (
        line.split() for line in financeops("imports", "--tenant", tenant).stdout.splitlines()
    )
    at = heads.index("CREATED")
    assert heads[at:][:4] == ["CREATED", "UPDATED", "CONFLICT", "REJECTED"]
    assert [row[at:][:4] for row in rows] == [["1", "0", "2", "1"], ["2", "0", "0", "0"]]


@pytest.mark.parametrize(
    ("default", "says"),
    [
        (
            "method=Visa,status=success",
            "method: must be one of bank_transfer, card, crypto, paypal",
        ),
        ("method=card,status=Visa", "status: must be one of success, failed, refunded"),
    ],
)
def test_a_value_that_is_none_of_those_known_is_quoted(bring, default, says):
    _, reasons = bring(REDO, "--currency", "USD", "--default", default)
    assert reasons == [f"{says}, not 'Visa'"] * 2


def test_another_zone_is_a_conflict_that_names_both_times(bring, books):
    naive = "createdAt,amount\n2026-05-01 10:00:00,10.00\n"
    bring(naive, *PAID)
    _, reasons = bring(naive, *PAID, "--timezone", "Asia/Tokyo")
    assert reasons == [
        "createdAt: is recorded as 2026-05-01T10:00:00Z, the row says 2026-05-01T01:00:00Z"
    ]
    assert books() == (1, 10, 0)


def test_a_later_refund_is_recorded_and_a_row_without_reference_is_not_guessed(
    bring, books, tenant, api
):
    card = ("--currency", "USD", "--default", "method=card")
    bring(STATUSES, *card)
    moved = STATUSES.replace("success,ch_1", "refunded,ch_1").replace("success,\n", "refunded,\n")
    said, reasons = bring(moved, *card, name="later.csv")
    assert said.startswith(
        "later.csv: 0 created, 1 duplicate, 0 rejected, 1 updated, 1 in conflict"
    )
    (reason,) = reasons
    assert reason.startswith("status: ")
    assert "reference" in reason
    assert books() == (3, 50, 10)
    # The file from before the refund adds nothing and reverts nothing.
    said, _ = bring(STATUSES, *card)
    assert said.startswith("rows.csv: 0 created, 3 duplicate, 0 rejected in")
    assert books() == (3, 50, 10)
    changes = api.get("/payments/changes", params={"tenantId": tenant, "after": 3}).json()
    assert [(each["type"], each["previousStatus"]) for each in changes["changes"]] == [
        ("payment_refunded", "success")
    ]


def test_rows_that_differ_only_in_status_all_count_and_can_be_imported_again_in_any_order(
    bring, books
):
    header, *rows = STATUSES.replace("ch_1", "").replace("ch_2", "").splitlines(keepends=True)
    rows = [rows[1], rows[2], rows[1].replace("success", "failed"), rows[0]]
    card = ("--currency", "USD", "--default", "method=card")
    assert "4 created" in bring(header + "".join(rows), *card)[0]
    said, reasons = bring(header + "".join(reversed(rows)), *card, name="other.csv")
    assert "0 created, 4 duplicate" in said, reasons
    assert books() == (4, 50, 0)


def test_a_row_with_a_reference_is_recognised_without_it(bring, books, api, tenant):
    sent = {
        "tenantId": tenant,
        "amount": 10,
        "currency": "USD",
        "method": "card",
        "status": "success",
        "createdAt": "2026-05-01T10:00:00Z",
        "reference": "ada",
    }
    assert api.post("/payments", json=sent).status_code == 201
    assert "1 created, 1 duplicate" in bring(REDO, "--map", "reference=client", *PAID)[0]
    assert "0 created, 2 duplicate" in bring(REDO, *PAID)[0]
    assert books() == (2, 30, 0)


OWN = """\
{"tenantId":"T","amount":10,"currency":"USD","method":"card","status":"success","createdAt":"2026-05-01T10:00:00Z"}
{"tenantId":"T","amount":10,"currency":"EUR","method":"card","status":"failed","createdAt":"2026-05-02T10:00:00Z"}
{"tenantId":"T","amount":10,"method":"card","status":"refunded","createdAt":"2026-05-03T10:00:00Z"}
{"tenantId":"T","amount":10,"method":"card","status":"success","createdAt":"2026-05-05T10:00:00Z","reference":"ok-7"}
"""


@pytest.fixture
def sent(api, bring, tenant):
    """Payments that were sent, and imported ones beside them."""
    answer = api.post(
        "/payments/batch?source=import",
        content=OWN.replace('"T"', f'"{tenant}"'),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.json()["created"] == 4, answer.text
    bring(REDO, *PAID)


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_export_adds_nothing_to_its_tenant_and_counts_once_in_another(
    financeops, books, tenant, form
):
    before, name, other = books(), f"own.{form}", f"{tenant}_b"
    assert financeops("export", "-o", name, "--tenant", tenant, "--format", form).returncode == 0
    again = financeops("import", name, "--tenant", tenant)
    assert again.stdout.startswith(f"{name}: 0 created, 6 duplicate, 0 rejected in"), again
    assert books() == before
    for expected in ("6 created, 0 duplicate", "0 created, 6 duplicate"):
        copied = financeops("import", name, "--tenant", other, "--currency", "USD")
        assert copied.stdout.startswith(f"{name}: {expected}, 0 rejected in"), copied
    assert books(other) == before


def test_imports_are_listed_and_one_is_taken_back_exactly(financeops, bring, books, tenant, api):
    bring(STATUSES, "--currency", "USD", "--default", "method=card", name="kept.csv")
    rows = [
        f"2026-0{1 + n % 3}-01T10:00:00Z,1.00,{['success', 'failed', 'refunded'][n % 3]},r{n}"
        for n in range(230)
    ]
    text = STATUSES.splitlines()[0] + "\n" + "\n".join(rows) + "\n"
    text += "2026-05-01T10:00:00Z,10.00,refunded,ch_1\n"
    kept = books()
    said, _ = bring(text, "--currency", "USD", "--default", "method=card", name="wrong.csv")
    assert "230 created, 0 duplicate, 0 rejected, 1 updated" in said
    assert books() == (233, 50 + 153, 10 + 76)

    wrong, first = listed(financeops, tenant)
    assert (wrong["file"], wrong["state"]) == ("wrong.csv", "done")
    expected = {"created": 230, "updated": 1, "duplicate": 0, "conflict": 0, "rejected": 0}
    assert wrong["counts"] == expected
    assert wrong["options"] == {"currency": "USD", "default": ["method=card"]}
    table = financeops("imports", "--tenant", tenant).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["ID", wrong["_id"], first["_id"]]

    seq = api.get("/payments/months", params={"tenantId": tenant}).json()["seq"]
    taken = financeops("imports", "undo", wrong["_id"])
    assert taken.returncode == 0, taken.stderr
    assert "230 payments removed, 1 no longer refunded" in taken.stdout
    assert books() == kept
    again = financeops("imports", "undo", wrong["_id"])
    undone = listed(financeops, tenant)[0]
    assert undone["state"] == "undone"
    assert again.returncode == 0
    assert again.stdout.rstrip().endswith(f"was already taken back at {undone['undoneAt']}")

    changes = api.get(
        "/payments/changes", params={"tenantId": tenant, "after": seq, "limit": 5000}
    ).json()["changes"]
    assert [each["seq"] for each in changes] == list(range(seq + 1, seq + 232))
    assert Counter(each["type"] for each in changes) == {
        "payment_removed": 230,
        "payment_updated": 1,
    }
    figures = api.get("/api/analytics/metrics", params={"tenantId": tenant}).json()
    assert figures["totalPayments"] == 3
    listing = api.get("/payments", params={"tenantId": tenant}).json()
    assert {each.get("reference") for each in listing} == {"ch_1", "ch_2", None}
    assert all("refundedAt" not in each for each in listing)

    said, _ = bring(text, "--currency", "USD", "--default", "method=card", name="wrong.csv")
    assert "230 created, 0 duplicate, 0 rejected, 1 updated" in said
    assert books() == (233, 50 + 153, 10 + 76)


def test_an_import_on_which_later_acts_depend_is_kept_and_they_are_named(
    financeops, bring, books, tenant, api
):
    card = ("--currency", "USD", "--default", "method=card")
    bring(STATUSES, *card)
    (first,) = listed(financeops, tenant)
    payments = api.get("/payments", params={"tenantId": tenant}).json()
    ids = {each.get("reference"): each["_id"] for each in payments}
    bring(STATUSES.replace("success,ch_1", "refunded,ch_1"), *card, name="later.csv")
    later = listed(financeops, tenant)[0]
    refused = financeops("imports", "undo", first["_id"])
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"payment {ids['ch_1']} was refunded by the import {later['_id']}" in refused.stderr
    assert books() == (3, 50, 10)

    refunded = api.post(f"/payments/{ids['ch_2']}/refund", params={"tenantId": tenant})
    assert refunded.status_code == 200
    assert financeops("imports", "undo", later["_id"]).returncode == 0
    assert books() == (3, 50, 20)
    refused = financeops("imports", "undo", first["_id"])
    assert f"payment {ids['ch_2']} was refunded since" in refused.stderr
    assert listed(financeops, tenant)[-1]["state"] == "done"
    assert api.post(f"/api/imports/{first['_id']}/undo").status_code == 409
    for unknown in ("0" * 24, "nope"):
        said = financeops("imports", "undo", unknown).stderr
        assert said.startswith("financeops: there is no import")


@pytest.mark.parametrize("between", [0, 1000], ids=["in one batch", "in two"])
def test_an_import_that_refunds_what_it_created_is_taken_back(
    financeops, bring, books, tenant, between
):
    rows = [f"2026-04-01T{n // 60:02}:{n % 60:02}:00Z,1.00,success,r{n}\n" for n in range(between)]
    text = STATUSES + "".join(rows) + "2026-05-01T10:00:00Z,10.00,refunded,ch_1\n"
    said, _ = bring(text, "--currency", "USD", "--default", "method=card")
    assert f"{between + 3:,} created, 0 duplicate, 0 rejected, 1 updated" in said
    assert books() == (between + 3, between + 50, 10)
    (found,) = listed(financeops, tenant)
    taken = financeops("imports", "undo", found["_id"])
    assert taken.returncode == 0, taken.stderr
    assert books() == (0, 0, 0)


def test_a_file_imported_twice_at_once_counts_once_and_neither_run_fails(
    financeops, books, tenant, server_url, tmp_path
):
    rows = 3 * MAX_BATCH + 100
    command = ("import", "rows.csv", "--tenant", tenant, *PAID)
    folders = [tmp_path / name for name in ("one", "two")]  # as if on two computers
    for folder in folders:
        folder.mkdir()
        (folder / "rows.csv").write_text(many(rows))
    runs = [start(*command, url=server_url, cwd=folder) for folder in folders]
    said = [each.finish(timeout=120) for each in runs]
    assert [each.returncode for each in said] == [0, 0], said
    for each in said:
        counts = re.match(
            r"rows.csv: ([\d,]+) created, ([\d,]+) duplicate, 0 rejected in", each.stdout
        )
        assert counts, said
        assert sum(int(count.replace(",", "")) for count in counts.groups()) == rows, said
    assert books()[0] == rows
    assert {each["state"] for each in listed(financeops, tenant)} == {"done"}


def test_of_two_runs_on_one_file_the_second_waits_and_each_counts_its_own(
    books, tenant, server_url, tmp_path
):
    rows = 2 * MAX_BATCH + 100
    (tmp_path / "rows.csv").write_text(many(rows))
    command = ("import", "rows.csv", "--tenant", tenant, *PAID)
    runs = [start(*command, url=server_url, cwd=tmp_path) for _ in range(2)]
    said = [each.finish(timeout=120) for each in runs]
    assert [each.returncode for each in said] == [0, 0], said
    first, second = sorted(said, key=lambda each: "Waiting" in each.stderr)
    assert first.stdout.startswith(f"rows.csv: {rows:,} created, 0 duplicate, 0 rejected in")
    assert second.stdout.startswith(f"rows.csv: 0 created, {rows:,} duplicate, 0 rejected in")
    assert second.stderr.startswith("Waiting for another run that imports this file …\n")
    assert books()[0] == rows


def many(count):
    """A file of rows without reference, each of its own second."""
    rows = (
        f"2024-03-{1 + n // 3600:02}T{n // 60 % 24:02}:{n % 60:02}:00Z,{n}" for n in range(count)
    )
    return "\n".join(["createdAt,amount", *rows]) + "\n"


def total(api):
    answer = api.get("/api/analytics/metrics")
    return answer.json().get("totalPayments", 0)


def killed_once(process, api, number):
    """Kill a command with SIGKILL as soon as the number of payments satisfies the condition."""
    while not number(total(api)):
        time.sleep(0.02)
    process.process.kill()
    process.process.join()


def checked(api):
    assert differences(api, "tenant_1") == []
    return total(api)


def test_kill_9_of_import_and_of_undo_loses_nothing_and_repeats_nothing(database_uri, tmp_path):
    rows = 2 * MAX_BATCH + 100  # three transactions
    (tmp_path / "rows.csv").write_text(many(rows))
    server = start_server(database_uri)
    port = int(server.url.rpartition(":")[2])
    importing = ("import", "rows.csv", *PAID)
    try:
        with httpx.Client(base_url=server.url, timeout=60) as api:
            assert api.post("/payments", json=SENT).status_code == 201
            process = start(*importing, url=server.url, cwd=tmp_path)
            killed_once(process, api, lambda number: number > MAX_BATCH)
            (broken,) = api.get("/api/imports").json()
            assert broken["state"] == "running"
            assert "unfinished" in run("imports", url=server.url).stdout
            assert checked(api) < rows + 1
            again = run(*importing, url=server.url, cwd=tmp_path)
            assert again.returncode == 0, again.stderr
            (done,) = api.get("/api/imports").json()
            assert (done["_id"], done["state"]) == (broken["_id"], "done")
            assert done["counts"]["created"] == rows
            assert checked(api) == rows + 1

            # In the middle of taking it back the command is killed, and then the server.
            process = start("imports", "undo", done["_id"], url=server.url, cwd=tmp_path)
            killed_once(process, api, lambda number: number < rows + 1)
            server.kill()
        server = start_server(database_uri, port=port)
        with httpx.Client(base_url=server.url, timeout=60) as api:
            assert 1 < checked(api) < rows + 1
            assert api.get("/api/imports").json()[0]["state"] == "undoing"
            back = run("imports", "undo", done["_id"], url=server.url, cwd=tmp_path)
            assert back.returncode == 0, back.stderr
            assert checked(api) == 1
            seq = api.get("/payments/months").json()["seq"]
            assert seq == 1 + 2 * rows
            again = run(*importing, url=server.url, cwd=tmp_path)
            assert again.stdout.startswith(f"rows.csv: {rows:,} created, 0 duplicate, 0 rejected")
            assert checked(api) == rows + 1
    finally:
        server.stop()
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        assert database["importRows"].count_documents({}) == rows
        assert database["importActs"].count_documents({}) == 3


SENT = {"amount": 5, "method": "card", "status": "success", "createdAt": "2024-01-01T00:00:00Z"}


def test_an_answer_has_all_fields_of_its_type(api, tenant, bring):
    bring(REDO, *PAID)
    (found,) = api.get("/api/imports", params={"tenantId": tenant}).json()
    assert api.get(f"/api/imports/{found['_id']}").json() == found
    assert set(found) == set(ImportAnswer.__struct_encode_fields__)
    other = api.get(f"/api/imports/{found['_id']}", params={"tenantId": f"{tenant}_b"})
    assert other.status_code == 404


@pytest.mark.parametrize("count", [2**31, 2**53 - 1, 7.0])
def test_counts_of_any_size_are_recorded_and_listed(api, tenant, count):
    begun = api.post("/api/imports", json={"tenantId": tenant, "file": "a.csv", "size": count})
    asked = f"/api/imports/{begun.json()['_id']}/finish?tenantId={tenant}"
    assert api.post(asked, json={"rejected": count}).json()["counts"]["rejected"] == count
    (listed,) = api.get("/api/imports", params={"tenantId": tenant}).json()
    assert (listed["size"], listed["counts"]["rejected"]) == (count, count)
    assert ".0" not in str(listed["size"])


@pytest.mark.parametrize("count", [2**53, 2**64, -1, 0.5, "7", None])
def test_an_invalid_count_is_refused(api, tenant, count):
    begun = api.post("/api/imports", json={"tenantId": tenant, "file": "a.csv"}).json()
    asked = f"/api/imports/{begun['_id']}/finish?tenantId={tenant}"
    refused = api.post(asked, json={"rejected": count})
    assert (refused.status_code, refused.json()["field"]) == (422, "rejected")


@pytest.mark.parametrize("tenant_id", [None, "", "a b", "x\x9b"])
def test_an_import_with_a_null_tenant_is_not_for_the_default_tenant(api, tenant_id):
    refused = api.post("/api/imports", json={"tenantId": tenant_id, "file": "a.csv"})
    assert (refused.status_code, refused.json()["field"]) == (422, "tenantId")
