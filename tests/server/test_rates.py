"""Exchange rates by the API: recorded once, never overwritten by chance, listed in pages."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.server.problem import problem


@pytest.fixture
def source():
    """A source that no other test uses, for rates are of no tenant."""
    return f"s{uuid4().hex[:12]}"


@pytest.fixture
def send(http, source):
    """Record rates of days: ``await send(("1999-01-04", {"USD": 1.1789}), replace=True)``."""

    async def post(*days, base="EUR", **flags):
        body = [
            {"date": day, "base": base, "source": source, "rates": rates} for day, rates in days
        ]
        asked = {name: "true" for name, flag in flags.items() if flag}
        return await http.post("/api/rates", params=asked, json=body)

    return post


@pytest.fixture
def listed(http, source):
    """Rates of the test's source, newest first, over all pages: ``await listed(quote="USD")``."""

    async def get(**asked):
        found, path = [], "/api/rates"
        params = {"source": source, **asked}
        while path:
            answer = await http.get(path, params=params)
            assert answer.is_success, answer.text
            found += [(day["date"], day["base"], day["rates"]) for day in answer.json()]
            path, params = answer.links.get("next", {}).get("url"), None
        return found

    return get


def counts(answer):
    assert answer.status_code == 200, answer.text
    return tuple(answer.json().values())


async def test_rates_count_once_and_others_are_refused_unless_they_are_to_replace(send, listed):
    first = ("1999-01-04", {"USD": 1.1789, "JPY": 133.73})
    assert counts(await send(first, check=True)) == (2, 0, 0)
    assert await listed() == []
    assert counts(await send(first)) == (2, 0, 0)
    assert counts(await send(first)) == (0, 0, 2)
    more = [("1999-01-04", {"GBP": 0.7111, "USD": 1.17890}), ("1999-01-05", {"USD": 1.179})]
    assert counts(await send(*more)) == (2, 0, 1)
    other = [("1999-01-06", {"USD": 1.1743}), ("1999-01-04", {"JPY": 133.7, "CHF": 1.6168})]
    said = problem(await send(*other), 409, field="rates")["detail"]
    assert "EUR in JPY on 1999-01-04 is 133.73" in said
    assert "133.7 as it was sent" in said
    problem(await send(*other, check=True), 409, field="rates")
    known = [
        ("1999-01-05", "EUR", {"USD": 1.179}),
        ("1999-01-04", "EUR", {"GBP": 0.7111, "JPY": 133.73, "USD": 1.1789}),
    ]
    assert await listed() == known
    assert counts(await send(*other, replace=True, check=True)) == (2, 1, 0)
    assert await listed() == known
    assert counts(await send(*other, replace=True)) == (2, 1, 0)
    assert (await listed())[-1][2]["JPY"] == 133.7


async def test_lists_have_filters_and_pages(send, listed):
    days = [f"2001-02-{day:02}" for day in range(1, 8)]
    await send(*((day, {"USD": 1 + n, "JPY": 100 + n}) for n, day in enumerate(days)))
    await send((days[3], {"EUR": 0.5}), base="USD")
    assert len(await listed()) == 8
    assert await listed(limit=1) == await listed(limit=3) == await listed()
    assert [day for day, *_ in await listed(limit=2, base="EUR")] == days[::-1]
    assert await listed(quote="EUR") == [(days[3], "USD", {"EUR": 0.5})]
    assert [rates for *_, rates in await listed(quote="USD", limit=3)] == [
        {"USD": n} for n in range(7, 0, -1)
    ]
    some = {"from": days[2], "to": days[4], "limit": 1}
    assert [day for day, *_ in await listed(**some)] == [days[3], days[3], days[2]]
    assert await listed(**{"from": days[6]}) == (await listed())[:1]
    assert await listed(source="nobody") == []


async def test_all_digits_are_kept(send, http, source):
    text = f'[{{"date":"1999-01-04","base":"EUR","source":"{source}","rates":{{"USD":123456789012.123456789012,"JPY":1E-12}}}}]'
    sent = {"content": text, "headers": {"Content-Type": "application/json"}}
    assert counts(await http.post("/api/rates", **sent)) == (2, 0, 0)
    found = (await http.get("/api/rates", params={"source": source})).text
    assert '"rates":{"JPY":1E-12,"USD":123456789012.123456789012}' in found


async def test_of_two_who_differ_at_once_one_is_refused(send, listed):
    answers = await asyncio.gather(*(send(("1999-01-04", {"USD": n})) for n in range(1, 9)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    (kept,) = [n for n, answer in enumerate(answers, 1) if answer.status_code == 200]
    assert await listed() == [("1999-01-04", "EUR", {"USD": kept})]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"date": "1999-02-29"}, "date"),
        ({"date": "4.1.1999"}, "date"),
        ({"date": str((datetime.now(UTC) + timedelta(days=2)).date())}, "date"),
        ({"date": "1969-12-31"}, "date"),
        ({"base": "XXQ"}, "base"),
        ({"base": None}, "base"),
        ({"source": "A B"}, "source"),
        ({"source": "4111111111111111"}, "source"),
        ({"rates": {}}, "rates"),
        ({"rates": {"EUR": 1}}, "rates.EUR"),
        ({"rates": {"euro": 1}}, "rates.eur"),
        ({"rates": {"USD": 0}}, "rates.USD"),
        ({"rates": {"USD": -1}}, "rates.USD"),
        ({"rates": {"USD": "1.1"}}, "rates.USD"),
        ({"rates": {"USD": 1e12}}, "rates.USD"),
        ({"rates": {"USD": 1e-13}}, "rates.USD"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_nothing_is_taken_of_what_is_wrong(http, source, listed, change, field):
    good = {"date": "1999-01-04", "base": "EUR", "source": source, "rates": {"USD": 1.1789}}
    bad = {**good, "date": "1999-01-05", **change}
    problem(await http.post("/api/rates", json=[good, bad]), 422, field=f"[1].{field}")
    problem(await http.post("/api/rates", json=[good, good]), 422, field="[1].date")
    assert await listed() == []


async def test_what_is_asked_is_checked(http):
    for asked, field in (
        ({"base": "XXQ"}, "base"),
        ({"quote": "euro"}, "quote"),
        ({"source": "A"}, "source"),
        ({"from": "1999-01-04T00:00:00Z"}, "from"),
        ({"from": "1999-01-04", "to": "1999-01-04"}, "to"),
        ({"limit": 0}, "limit"),
        ({"before": "1999-01-04"}, "before"),
        ({"tenantId": "tenant_1"}, "tenantId"),
    ):
        problem(await http.get("/api/rates", params=asked), 422, field=field)
    problem(await http.post("/api/rates", json={"date": "1999-01-04"}), 422, field="body")
    text = b'[{"date":"1999-01-04","base":"EUR","source":"s","rates":{"USD":1,"USD":2}}]'
    sent = {"content": text, "headers": {"Content-Type": "application/json"}}
    problem(await http.post("/api/rates", **sent), 422, field="[0].USD")
