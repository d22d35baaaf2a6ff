"""What a payment may say besides: it is given back everywhere; a card number is never taken."""

import csv
import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.server.problem import problem

SAID = {
    "orderId": "order-1042",
    "processor": "adyen",
    "network": "visa",
    "funding": "credit",
    "issuerCountry": "DE",
    "bin": "41111111",
    "last4": "1111",
    "channel": "web",
    "authentication": "authenticated",
    "metadata": {"shop.name": "Mitte", "$cart": "", "a": 'ä, "b"'},
}
CARD = "4111 1111-1111 1111"
DIGITS = "4111111111111111"


def order(tenant_id, **fields):
    return {"tenantId": tenant_id, "amount": 5, "method": "card", "status": "success", **fields}


async def test_what_a_payment_says_is_given_back_everywhere(http, tenant_id):
    answer = await http.post("/payments", json=order(tenant_id, reference="r1", **SAID))
    assert answer.status_code == 201
    paid = answer.json()
    assert paid.items() >= SAID.items()
    again = await http.post("/payments", json=order(tenant_id, reference="r1", **SAID))
    assert (again.status_code, again.json()) == (200, paid)
    other = {**SAID, "metadata": {"a": "b"}}
    problem(await http.post("/payments", json=order(tenant_id, reference="r1", **other)), 409)

    asked = {"tenantId": tenant_id}
    assert (await http.get("/payments", params=asked)).json() == [paid]
    changes = (await http.get("/payments/changes", params={**asked, "after": 0})).json()
    assert changes["changes"][0]["payment"] == paid

    async def export(form):
        return await http.get("/payments/export", params={**asked, "format": form})

    assert json.loads((await export("ndjson")).text) == paid
    (row,) = csv.DictReader(io.StringIO((await export("csv")).text))
    table = parquet.read_table(pa.BufferReader((await export("parquet")).content))
    (columns,) = table.to_pylist()
    for exported in (row, columns):
        assert json.loads(exported["metadata"]) == SAID["metadata"]
        assert exported["orderId"] == "order-1042"


@pytest.mark.parametrize(
    ("said", "stage", "kind"),
    [
        ({"status": "failed", "declineCode": "stolen_card"}, "declined", "hard"),
        ({"status": "failed"}, "declined", None),
        (
            {"status": "failed", "declineCode": "51", "failureStage": "blocked"},
            "blocked",
            "soft",
        ),
        ({"status": "failed", "declineKind": "hard"}, "declined", "hard"),
        ({}, None, None),
    ],
)
async def test_a_failure_is_explained_by_its_code(http, tenant_id, said, stage, kind):
    answer = await http.post("/payments", json=order(tenant_id) | said)
    assert answer.status_code == 201
    paid = answer.json()
    assert (paid.get("failureStage"), paid.get("declineKind")) == (stage, kind)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"funding": "gold"}, "funding"),
        ({"issuerCountry": "de"}, "issuerCountry"),
        ({"bin": "41111"}, "bin"),
        ({"bin": 411111}, "bin"),
        ({"last4": "111"}, "last4"),
        ({"channel": "My Shop"}, "channel"),
        ({"authentication": "yes"}, "authentication"),
        ({"failureStage": "declined"}, "failureStage"),  # it did not fail
        ({"declineKind": "soft"}, "declineKind"),
        ({"orderId": "o" * 201}, "orderId"),
        ({"metadata": "shop=Mitte"}, "metadata"),
        ({"metadata": {str(n): "" for n in range(21)}}, "metadata"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": {"k" * 41: "x"}}, "metadata"),
        ({"metadata": {"shop": "x" * 501}}, "metadata.shop"),
        ({"metadata": {"shop": "a\nb"}}, "metadata.shop"),
        ({"metadata": {"shop": 7}}, "metadata"),
    ],
)
async def test_what_no_payment_can_say_is_refused(http, tenant_id, wrong, field):
    problem(await http.post("/payments", json=order(tenant_id, **wrong)), 422, field=field)


@pytest.mark.parametrize("path", ["/payments", "/payments/batch"])
@pytest.mark.parametrize(
    ("pairs", "field"),
    [('{"a":"1","a":"2"}', "a"), ('{}, "amount":7', "amount"), ('{"a":"1"}, "amount":7', "amount")],
)
async def test_a_name_that_occurs_twice_in_or_beside_metadata_is_refused(
    http, tenant_id, path, pairs, field
):
    body = json.dumps(order(tenant_id))[:-1] + f', "metadata": {pairs}}}'
    if path == "/payments":
        refused = problem(await http.post(path, content=body), 422, field=field)
    else:
        (item,) = (await http.post(path, content=f"[{body}]")).json()["items"]
        refused = item["problem"]
    assert (refused["field"], "more than once" in refused["detail"]) == (field, True)


CARDS = [
    ({"reference": CARD}, "reference"),
    ({"reference": f"paid with {CARD}."}, "reference"),
    ({"customerId": DIGITS}, "customerId"),
    ({"orderId": f"o-{DIGITS}"}, "orderId"),
    ({"processor": f"p{DIGITS}"}, "processor"),
    ({"status": "failed", "declineCode": DIGITS}, "declineCode"),
    ({"metadata": {"card": CARD}}, "metadata.card"),
    ({"metadata": {CARD: "card"}}, "metadata"),
    ({"tenantId": DIGITS}, "tenantId"),
    ({"funding": DIGITS}, "funding"),
    ({DIGITS: "card"}, "[card number]"),
]


@pytest.mark.parametrize(("said", "field"), CARDS)
async def test_a_card_number_is_refused_and_not_repeated(http, tenant_id, said, field):
    body = order(tenant_id) | said
    alone = await http.post("/payments", json=body)
    problem(alone, 422, field=field)
    batch = await http.post("/payments/batch", json=[body, order(tenant_id)])
    refused, recorded = batch.json()["items"]
    assert (refused["outcome"], recorded["outcome"]) == ("rejected", "created")
    for answer in (alone, batch):
        assert CARD not in answer.text
        assert DIGITS not in answer.text


async def test_a_card_number_is_no_key_and_no_name_of_an_import(http, tenant_id):
    keyed = {"Idempotency-Key": CARD}
    refused = await http.post("/payments", json=order(tenant_id), headers=keyed)
    problem(refused, 422, field="Idempotency-Key")
    for started, field in (
        ({"file": f"{DIGITS}.csv"}, "file"),
        ({"file": "a.csv", "options": {"map": [f"amount={CARD}"]}}, "options.map"),
    ):
        problem(await http.post("/api/imports", json=started), 422, field=field)
    begun = {"tenantId": tenant_id, "file": "a.csv"}
    started = (await http.post("/api/imports", json=begun)).json()
    row = {**order(tenant_id), "createdAt": "2026-05-01T10:00:00Z"}
    rows = [
        {**row, "row": {"content": CARD, "base": "one", "meaning": "one"}},
        {**row, "row": {"content": "two", "base": CARD, "meaning": "two"}},
    ]
    asked = {"source": "import", "importId": started["_id"]}
    answer = (await http.post("/payments/batch", params=asked, json=rows)).json()
    assert answer["rejected"] == 2
