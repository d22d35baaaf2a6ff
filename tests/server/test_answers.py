"""Every answer is unchanged, byte for byte: names, their order, and the form of each number.

`answers.txt` was recorded before the answers had types; clients depend on it.
"""

import re
from pathlib import Path

import httpx

from tests.recorded import as_recorded

RECORDED = Path(__file__).with_name("answers.txt")
WINDOW = "from=2024-12-09T13:00:00Z&to=2024-12-09T15:30:00.250Z"
TENANT = "tenantId=answers"
CHANGING = re.compile(r'20(?!24)\d\d-[\dT:.-]+Z|(?<="history":")[^"]+')
REQUESTS = [
    f"GET /api/analytics/metrics?{TENANT}",
    f"GET /api/analytics/metrics?{TENANT}&{WINDOW}&compare=true&currency=EUR",
    f"GET /api/analytics/metrics?{TENANT}&{WINDOW}&currency=KWD&method=crypto",
    f"GET /api/analytics/trends?{TENANT}&{WINDOW}",
    f"GET /api/analytics/methods?{TENANT}",
    f"GET /api/analytics/declines?{TENANT}&currency=EUR",
    f"GET /api/analytics/snapshot?{TENANT}&{WINDOW}",
    f"GET /api/analytics/snapshot?{TENANT}&{WINDOW}&rollups=true&currency=EUR",
    f"GET /payments?{TENANT}&limit=3",
    f"GET /payments?{TENANT}",
    f"GET /payments/months?{TENANT}",
    f"GET /payments/changes?{TENANT}&after=0",
    f"GET /payments/export?{TENANT}",
    f"GET /payments/export?{TENANT}&format=ndjson",
    "POST /payments/seed?count=2",
    "POST /payments/seed?count=2",
    "GET /health",
    "GET /ready",
    "GET /nothing",
    "GET /payments?tenantId=nobody",
    "GET /payments?limit=0&colour=red",
    "GET /payments?status=success&status=failed",
]
PAYMENTS = b"""\
{"reference": "a", "amount": 1850.50, "method": "card", "status": "success"}
{"reference": "b", "amount": 0.1, "method": "card", "status": "success", "customerId": "cus_1"}
{"reference": "c", "amount": 42, "method": "card", "status": "failed", "declineCode": "do_not_honor"}
{"reference": "d", "amount": 1e3, "method": "paypal", "status": "failed", "currency": "EUR"}
{"reference": "e", "amount": 9.99, "method": "paypal", "status": "success", "currency": "EUR", "country": "DE"}
{"reference": "f", "amount": 1.005, "method": "crypto", "status": "success", "currency": "KWD"}
{"reference": "g", "amount": -1, "method": "card", "status": "success"}
{"reference": "h", "amount": 7, "method": "card", "status": "refunded", "refundedAt": "2024-12-10T09:00:00.5Z"}
{"reference": "a", "amount": 2, "method": "card", "status": "success"}
{"reference": "b", "amount": 0.1, "method": "card", "status": "success", "customerId": "cus_1"}
"""


def test_every_answer_is_as_recorded(server):
    as_recorded(RECORDED, tell(server.url))


def tell(url):
    """Return the answer to each request, without what differs from run to run."""
    said = []
    with httpx.Client(base_url=url, timeout=30) as http:

        def ask(method, path, **more):
            answer = http.request(method, path, **more)
            text = CHANGING.sub("(changing)", answer.text.replace("\r\n", "\n"))
            said.append(f"{method} {path}\n{answer.status_code} {text.rstrip()}\n")
            return answer

        dated = [
            line.replace(
                b"{", b'{"tenantId":"answers","createdAt":"2024-12-09T14:%d0:00Z",' % (place % 6), 1
            )
            for place, line in enumerate(PAYMENTS.splitlines())
        ]
        headers = {"Content-Type": "application/x-ndjson"}
        batch = b"\n".join(dated)
        items = ask("POST", "/payments/batch?source=import", content=batch, headers=headers).json()
        ids = [item.get("_id") for item in items["items"]]
        for place in (0, 0, 2):
            ask("POST", f"/payments/{ids[place]}/refund?{TENANT}")
        ask("GET", f"/payments/{ids[1]}?{TENANT}")
        json = {"Content-Type": "application/json"}
        ask("POST", "/payments", content=dated[1], headers=json)
        ask("POST", "/payments", content=dated[0], headers=json)
        ask("POST", "/payments", content=dated[6], headers=json)
        for request in REQUESTS:
            ask(*request.split())
    return "\n".join(said)
