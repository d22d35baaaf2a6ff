"""What is kept, and which orders are lost: the screen says what the API says, and follows the stream."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from financeops.core.wire import decode
from tests.e2e.browser import LAPTOP, barriers, screenshots

pytestmark = pytest.mark.asyncio(loop_scope="session")

TENANT = "what_is_kept"
STAGES = ["insufficient_funds", "authentication_failed", "suspected_fraud", "processing_error"]
MONEY = {
    "total_volume": ("totalVolume", 1),
    "refunded_volume": ("refundedVolume", -1),
    "lost_volume": ("lostVolume", -1),
    "fee_volume": ("feeVolume", -1),
    "net_revenue": ("netRevenue", 1),
}
RATES = {
    "success_rate": "successRate",
    "authorization_rate": "authorizationRate",
    "order_success_rate": "orderSuccessRate",
    "first_attempt_rate": "firstAttemptRate",
    "recovered_share": "recoveredShare",
}


def attempt(n):
    """Orders of one, two or three attempts; every fifth of all fails."""
    failed = n % 5 == 0
    return {
        "tenantId": TENANT,
        "amount": 20 + n,
        "method": ["card", "card", "paypal"][n % 3],
        "status": "failed" if failed else "success",
        **({"declineCode": STAGES[n // 5 % 4]} if failed else {}),
        "orderId": f"order-{n // 3 if n % 2 else n}",
        "createdAt": (datetime.now(UTC) - timedelta(minutes=7 * n)).isoformat(),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sold(http):
    """Payments of a day, of which some were given back, disputed, or cost fees."""
    answer = (await http.post("/payments/batch", json=[attempt(n) for n in range(1, 91)])).json()
    assert answer["created"] == 90, answer
    good = [item["_id"] for n, item in enumerate(answer["items"], 1) if n % 5]
    for payment in good[:30]:
        await tell(http, payment, "fees", fees=[{"kind": "processing", "amount": 0.55}])
    for payment in good[30:36]:
        await tell(http, payment, "refund", amount=12.25)
    for status, payment in (("lost", good[40]), ("lost", good[41]), ("open", good[42])):
        await tell(http, payment, "dispute", id=f"of-{payment}", status=status)
    return good


async def tell(http, payment, act, **body):
    answer = await http.post(f"/payments/{payment}/{act}", params={"tenantId": TENANT}, json=body)
    assert answer.status_code in {200, 201}, answer.text


async def until_equal(page, http, **asked):
    """Return when every figure here is that of the API."""
    answer = await http.get("/api/analytics/metrics", params={"tenantId": TENANT, **asked})
    metrics = decode(answer.content)
    for step, (name, sign) in MONEY.items():
        minor = sign * int(Decimal(metrics[name]) * 100)
        row = page.locator(f'#main [data-step={step}][data-exact="{minor}"]')
        await row.wait_for(state="attached")
        assert await row.get_attribute("data-none") is (None if minor else "")
    for shown, name in RATES.items():
        exact = "" if metrics[name] is None else metrics[name]
        await page.locator(f'#main [data-rate={shown}][data-exact="{exact}"]').wait_for()
    return metrics


async def test_money_and_rates_are_those_of_the_api_and_follow_the_stream(
    http, dashboard, window, sold
):
    page = await window.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    await page.goto(f"{dashboard}?tenant={TENANT}&lang=en")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    metrics = await until_equal(page, http, period="day")
    assert metrics["lostVolume"] > 0 < metrics["feeVolume"]
    assert metrics["orders"] < metrics["totalPayments"]
    assert metrics["recoveredShare"] > 0
    await expect(page.locator("#main .fo-money")).to_contain_text("1 dispute is still open")
    # The bars meet: each begins where the one before it ends.
    bars = await page.locator("#main .fo-step-bar").evaluate_all(
        "bars => bars.map((bar) => { const { left, right } = bar.getBoundingClientRect(); return [left, right]; })"
    )
    assert len(bars) == 5
    total, *taken, kept = bars
    ends = [total[1], *(left for left, _ in taken)]
    assert [right for _, right in (*taken, kept)] == pytest.approx(ends, abs=3)

    await tell(http, sold[42], "dispute", id=f"of-{sold[42]}", status="lost")
    await tell(http, sold[50], "fees", fees=[{"kind": "scheme", "amount": 3}])
    await tell(http, sold[51], "refund")
    again = attempt(5) | {"status": "success", "declineCode": None}
    await http.post("/payments", json={k: v for k, v in again.items() if v is not None})
    await until_equal(page, http, period="day")
    await page.locator("[data-action=method][data-value=paypal]").click()
    await until_equal(page, http, period="day", method="paypal")
    await page.locator("[data-action=clear]").click()
    await until_equal(page, http, period="day")
    await screenshots(page, "kept")
    assert await barriers(page) == []
    for language in ("de", "ar"):
        await page.locator("[data-action=language]").select_option(language)
        await page.locator(f"html[lang|={language}]").wait_for(state="attached")
        await until_equal(page, http, period="day")
        await screenshots(page, f"kept-{language}")
    await page.set_viewport_size(LAPTOP)
    assert await barriers(page) == []
    assert errors == []


async def test_what_is_rare_is_said(http, dashboard, window):
    """Fees of what failed, and nothing sold; nothing taken of fifteen digits; then a credit."""
    page = await window.new_page()
    rare = {"method": "card", "currency": "USD"}
    failed = await http.post(
        "/payments", json={**rare, "tenantId": "only_fees", "amount": 50, "status": "failed"}
    )
    told = {"fees": [{"kind": "processing", "amount": 0.3}]}
    path = f"/payments/{failed.json()['_id']}/fees"
    assert (await http.post(path, params={"tenantId": "only_fees"}, json=told)).is_success
    await page.goto(f"{dashboard}?tenant=only_fees&lang=en")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    kept = page.locator("#main [data-step=net_revenue]")
    await expect(kept).to_contain_text("-$0.30")
    await page.locator('#main [data-step=refunded_volume][data-none=""]').wait_for()
    await page.locator('#main [data-rate=authorization_rate][data-exact="0"]').wait_for()
    await screenshots(page, "kept-below-zero", (LAPTOP,))

    for n in range(3):
        sale = {**rare, "tenantId": "much", "amount": 999_999_999.99, "status": "success"}
        assert (await http.post("/payments", json={**sale, "orderId": str(n)})).is_success
    await page.goto(f"{dashboard}?tenant=much&lang=en")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await expect(page.locator("#main .fo-money")).to_contain_text("all of it is kept")
    await expect(page.locator("#main .fo-rates")).to_contain_text("Nothing was tried again")
    await screenshots(page, "kept-much")
