"""Declaring a field of a payment is enough to have it everywhere, shown with two new fields."""

import csv
import io
import json
import shutil
import signal
import subprocess
import sys

import httpx
import pyarrow as pa
import pytest
from bson import ObjectId
from pyarrow import parquet
from pymongo import MongoClient
from pymongo.errors import WriteError

from tests.processes import ROOT, environment

NEW = """\
    till: Annotated[str | None, About("the till where it was paid", text=WORD)] = None
    weighed_at: Annotated[datetime | None, About("when the goods were weighed")] = None
"""
SAID = {"till": "app", "weighedAt": "2026-05-03T09:00:00Z"}
PAYMENT = {
    "amount": 18.5,
    "method": "card",
    "status": "success",
    "createdAt": "2026-05-01T10:00:00Z",
}
FRAME = """
import json, sys
import financeops as fo
from financeops.arrow import tables

url, file = sys.argv[1:]
columns = ["till", "weighed_at"]
with fo.connect(url, progress=False) as live:
    loaded = live.payments(frame="pyarrow", cache=False)
read = fo.read(file, columns=columns, frame="pyarrow")
print(json.dumps({
    "loaded": loaded["till"].to_pylist(),
    "read": [str(value) for value in read.to_pylist()[0].values()],
    "by": sorted(fo.segments(loaded, by="till")["till"].to_pylist()),
    "documented": [name for name in columns if f"``{name}``" in tables.__doc__],
}))
"""


@pytest.fixture
def program(tmp_path):
    """The programs with two lines added: `program("server", ...)` starts one."""
    for package in ("financeops", "server"):
        shutil.copytree(ROOT / package, tmp_path / package)
    declared = tmp_path / "financeops" / "core" / "payments.py"
    text = declared.read_text("utf-8")
    last = text.index("    metadata: Annotated[")
    declared.write_text(text[:last] + NEW + text[last:], "utf-8")

    def start(*arguments, **settings):
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**environment(settings), "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def url(program, database_uri):
    """A server of the changed program."""
    process = program("-m", "server", simulate=False, port=0, mongodb_uri=database_uri)
    output = ""
    while "FinanceOps server on " not in output:
        line = process.stderr.readline()
        assert line, output
        output += line
    yield output.partition("FinanceOps server on ")[2].split()[0]
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_a_field_is_added_by_declaring_it(program, url, database_uri, tmp_path):
    with httpx.Client(base_url=url, timeout=30) as http:
        # Senders may give them, and invalid values are refused.
        for wrong, says in (
            ({"till": 7}, "must be text or null, not a number"),
            ({"till": "At Home"}, "must be 1 to 64 of a-z, 0-9 and _"),
            ({"weighedAt": "2026-04-30T10:00:00Z"}, "must not be before createdAt"),
        ):
            refused = http.post("/payments", json={**PAYMENT, **wrong})
            assert refused.status_code == 422
            assert refused.json()["field"] == next(iter(wrong))
            assert says in refused.json()["detail"]
        recorded = http.post("/payments", json={**PAYMENT, **SAID}).raise_for_status().json()
        assert recorded.items() >= SAID.items()

        # Files may have them, under other names.
        rows = tmp_path / "rows.csv"
        rows.write_text(
            "amount,method,status,createdAt,Where,weighedAt\n20,card,success,2026-05-02,web,\n"
        )
        told = program("-m", "financeops", "import", rows.name, "--map", "till=Where", url=url)
        out, err = told.communicate(timeout=60)
        assert told.returncode == 0, out + err

        # Answers have them.
        assert http.get(f"/payments/{recorded['_id']}").json() == recorded
        listed = http.get("/payments").json()
        assert [each["till"] for each in listed] == ["web", "app"]
        assert "weighedAt" not in listed[0]
        changes = http.get("/payments/changes", params={"after": 0}).json()["changes"]
        assert changes[0]["payment"] == recorded
        exported = http.get("/payments/export", params={"format": "csv"}).text
        assert next(csv.DictReader(io.StringIO(exported))).items() >= SAID.items()
        columns = http.get("/payments/export", params={"format": "parquet"}).content
        table = parquet.read_table(pa.BufferReader(columns))
        assert table["till"].to_pylist() == ["app", "web"]
        assert table.schema.field("weighedAt").type == pa.timestamp("ms", tz="UTC")

        # Descriptions have them.
        described = http.get("/openapi.json").json()["components"]["schemas"]
        for name in ("NewPayment", "ImportedPayment", "PaymentAnswer"):
            assert SAID.keys() <= described[name]["properties"].keys()
        assert described["PaymentAnswer"]["properties"]["weighedAt"]["format"] == "date-time"

    # Data frames have them, from the server and from files.
    (tmp_path / "exported.csv").write_text(exported)
    frames = program("-c", FRAME, url, "exported.csv")
    out, err = frames.communicate(timeout=60)
    assert frames.returncode == 0, err
    assert json.loads(out) == {
        "loaded": ["app", "web"],
        "read": ["app", "2026-05-03 09:00:00+00:00"],
        "by": ["app", "web"],
        "documented": ["till", "weighed_at"],
    }

    # The database refuses values that FinanceOps never writes.
    with MongoClient(database_uri) as client:
        payments = client.get_default_database().payments
        stored = payments.find_one({"till": "app"})
        for wrong in ({"till": 7}, {"weighedAt": "2026-05-03"}):
            with pytest.raises(WriteError):
                payments.insert_one({**stored, **wrong, "_id": ObjectId()})
