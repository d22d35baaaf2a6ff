"""Test a running server by its own description: with requests that fit it, and that do not.

`schemathesis` makes them and checks the answers. This module is also its hooks, for what JSON
Schema cannot express about a request: how its parts must fit together.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import schemathesis
from hypothesis import strategies as st
from iso4217 import raw_table
from schemathesis import GenerationMode

from financeops.core import wire
from financeops.core.contract.texts import LINE_PATTERN
from financeops.core.periods import EPOCH, MILLISECOND

COMMAND = Path(sys.executable).with_name("schemathesis")
URL = os.environ.get("FINANCEOPS_URL")
"""Where the hooks find the server."""


def drive(url, *, seconds, directory, seed=None):
    """Run every check for some seconds; return the finished process with its output as `stdout`."""
    command = [COMMAND, "run", f"{url}/openapi.json", "--checks=all", f"--max-time={seconds}"]
    command += ["--no-color", "--generation-database=none", "--continue-on-failure"]
    command += [] if seed is None else [f"--seed={seed}"]
    return subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "SCHEMATHESIS_HOOKS": __file__, "FINANCEOPS_URL": url},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


@schemathesis.hook
def map_case(context, case):
    """Make the parts of a request, each of them valid, fit together."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return case
    if case.query and case.path.startswith(("/api/analytics", "/payments")):
        _fit_window(case.query, in_buckets=case.path.endswith(("/trends", "/snapshot")))
    if case.query and "importId" in case.query:
        case.query["source"] = "import"  # only rows of an import may name one
    if case.path == "/api/rates":
        _fit_rates(case)
    if case.path == "/api/rates/recompute" and case.query:
        case.query.update({"from": "2026-05-01", "to": "2026-06-01"})  # one follows the other
    if isinstance(case.body, dict):
        _fit_amount(case.body)
        _fit_metadata(case.body)
        _fit_moment(case.body)
        if case.path.endswith(("/refund", "/dispute", "/fees", "/settlement")):
            _fit_act(case.body)
        else:
            _fit_costs(case.body)
        if case.body.get("reference") is not None and case.headers:
            case.headers.pop("Idempotency-Key", None)
    return case


@schemathesis.hook
def before_call(context, case, kwargs):
    """Let an example fit its payment, and wait for the verifications that other requests began.

    The server refuses a third one of a tenant, and a settlement before its payment.
    """
    valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if valid and case.path.endswith("/settlement") and isinstance(case.body, dict):
        _fit_act(case.body)
    if (case.method, case.path) == ("POST", "/api/verify"):
        deadline = time.monotonic() + 30
        while "\nfinanceops_verifications 0.0\n" not in httpx.get(f"{URL}/metrics").text:
            assert time.monotonic() < deadline, "a verification does not end"


def _fit_rates(case):
    """Let days follow each other, and rates be of other currencies than their base."""
    if case.query and {"from", "to"} <= case.query.keys():
        start, end = sorted((case.query["from"], case.query["to"]))
        case.query.pop("to") if start == end else case.query.update({"from": start, "to": end})
    for place, day in enumerate(case.body if isinstance(case.body, list) else ()):
        day["date"] = str(EPOCH.date() + timedelta(days=place))
        rates = sorted(day["rates"].values())
        codes = [code for code in ("EUR", "USD", "JPY") if code != day["base"]]
        day["rates"] = {
            code: round(rate, 12) or 1 for code, rate in zip(codes, rates, strict=False)
        }


def _fit_act(body):
    """Let it be told after its payment, which may be of any time, and in any currency."""
    if body.get("at") is not None:
        body["at"] = wire.timestamp(datetime.now(UTC))
    _fit_fees(body)
    if "settledAt" in body:
        body["settledAt"] = wire.timestamp(datetime.now(UTC) + timedelta(minutes=4))
    body.pop("settledCurrency", None)
    if "settledAmount" in body:
        body["settledAmount"] = _whole(body["settledAmount"])


def _fit_costs(payment):
    """Keep what fits any payment: fees or their sum, and a payout where money was collected."""
    for name in ("settledAt", "settledAmount", "settledCurrency"):
        payment.pop(name, None)
    if payment.get("status") == "failed":
        payment.pop("payoutId", None)
    _fit_fees(payment)
    if payment.get("fees"):
        payment.pop("feeAmount", None)
    elif payment.get("feeAmount"):
        payment["feeAmount"] = _whole(payment["feeAmount"])


def _fit_fees(body):
    for fee in body.get("fees") or ():
        fee["amount"] = _whole(fee["amount"])
        fee.pop("at", None)


def _whole(amount):
    """A whole number that every currency can hold, also as a sum of some."""
    return int(max(-(10**7), min(amount, 10**7)))


def _fit_window(query, *, in_buckets):
    """Keep a period or a window, its ends in order, and another time zone for at most 7 days."""
    for name in {"from", "to"} & query.keys():
        moment = datetime.fromisoformat(query[name])
        if moment.tzinfo is not None and moment < EPOCH:  # drawn with an offset
            query[name] = wire.timestamp(EPOCH)
    start, end = (
        datetime.fromisoformat(query[name]) if name in query else None for name in ("from", "to")
    )
    if start is not None and end is not None:
        start, end = sorted((start, end))
        end += timedelta(milliseconds=1)
        query |= {"from": start.isoformat(), "to": end.isoformat()}
    elif in_buckets or query.get("compare"):
        query.pop("from", None)
        query.pop("to", None)
        query["period"] = query.get("period", "day")
    if "from" in query or "to" in query:
        query.pop("period", None)
    short = query.get("period") in {"day", "week"} or (
        start is not None and end is not None and end - start <= timedelta(days=7)
    )
    if not short:
        query.pop("timezone", None)


def _fit_amount(payment):
    """Use a currency of today, or the tenant's default, here US dollars."""
    if payment.get("currency") not in raw_table:
        payment.pop("currency", None)
    if payment.get("currency") is None and "amount" in payment:
        cents = round(100 * min(payment["amount"], 10**10))
        # A refund must be of something: what was more than nothing stays so.
        payment["amount"] = (cents or (payment["amount"] > 0)) / 100


def _fit_moment(payment):
    """Let it be of now if it is of later: the end of a bucket that still runs, taken from an answer."""
    if payment.get("createdAt") is not None:
        now = datetime.now(UTC)
        if datetime.fromisoformat(payment["createdAt"]) > now:
            payment["createdAt"] = wire.timestamp(now)


def _fit_metadata(payment):
    """Keep values that fit their pattern: once in a long while one is drawn that does not, and is refused as it should."""
    if isinstance(pairs := payment.get("metadata"), dict):
        payment["metadata"] = {
            key: text
            for key, text in pairs.items()
            if not isinstance(text, str) or re.fullmatch(LINE_PATTERN, text)
        }


schemathesis.openapi.format(
    "date", st.integers(0, 20_000).map(lambda day: str(EPOCH.date() + timedelta(days=day)))
)
schemathesis.openapi.format(
    "date-time",
    st.integers(0, int(time.time() * 1000)).map(
        lambda at: wire.timestamp(EPOCH + at * MILLISECOND)
    ),
)
