"""Every word on the screen, in one place."""

from __future__ import annotations

from financeops.core.payments import Status
from financeops.core.periods import Period

PRODUCT = "FinanceOps"
TITLE = "Live payments"

PERIODS = {
    Period.DAY: "Day",
    Period.WEEK: "Week",
    Period.MONTH: "Month",
    Period.YEAR: "Year",
}
SPANS = {
    Period.DAY: "Last 24 hours, by hour",
    Period.WEEK: "Last 7 days, by day",
    Period.MONTH: "Last 30 days, by day",
    Period.YEAR: "Last 12 months, by month",
}
BEFORE = {
    Period.DAY: "vs 24 h before",
    Period.WEEK: "vs 7 days before",
    Period.MONTH: "vs 30 days before",
    Period.YEAR: "vs a year before",
}
RUNNING = {
    Period.DAY: "this hour so far",
    Period.WEEK: "today so far",
    Period.MONTH: "today so far",
    Period.YEAR: "this month so far",
}
STATUSES = {
    Status.SUCCESS: "Succeeded",
    Status.FAILED: "Failed",
    Status.REFUNDED: "Refunded",
}
METHODS = {
    "bank_transfer": "Bank transfer",
    "card": "Card",
    "crypto": "Crypto",
    "paypal": "PayPal",
}

PERIOD = "Period"
PAUSE = "Pause"
RESUME = "Resume"
EXPORT = "Export CSV"
EXPORTING = "Exporting {size}"
CAUGHT_UP = "Caught up: {count} came while paused"

LIVE = "Live"
PAUSED = "Paused"
MISSED = "{count} missed"
RECONNECTING = "Reconnecting"
CONNECTING = "Connecting"
STALE = "Stale"
LAG_TITLE = "From event to screen"

TOTAL_VOLUME = "Total volume"
SUCCESS_RATE = "Success rate"
AVERAGE_AMOUNT = "Average amount"
PEAK_HOUR = "Peak hour"
PAYMENTS = "{count} payments"
OF_PAYMENTS = "{succeeded} of {count} payments"
PER_SUCCEEDED = "per succeeded payment"
ATTEMPTS_BY_HOUR = "Attempts by hour of day"
NO_DATA = "no data"
NOTHING_BEFORE = "nothing to compare with"
POINTS = "{points} pp"
PREVIOUS_PEAK = "was {hour}"
UNCHANGED = "unchanged"

TREND = "Volume and success rate"
VOLUME = "Volume"
BUCKET = "Time"
COUNT = "Payments"
METHOD_CHART = "Payment methods"
METHOD_SHARE = "Share of attempts"
METHOD = "Method"
SHARE = "Share"
DECLINES = "Why payments fail"
DECLINES_SPAN = "{count} failed, by reason"
NO_DECLINES = "No failed payments in this period"
REASON = "Reason"

FEED = "Live feed"
FEED_SPAN = "Newest {count}, as they happen"
FEED_EMPTY = "Payments appear here as they happen"
TIME = "Time"
PAYMENT = "Payment"
STATUS = "Status"
AMOUNT = "Amount"
NEWER = "Newer"
OLDER = "Older"
PAGE = "{first} to {last} of {count}"

LOADING = "Loading payments"
EMPTY = "No payments yet"
EMPTY_HINT = "Send one to the server, or fill it with realistic history:"
EMPTY_COMMAND = "financeops seed"
NOT_REACHED = "The server cannot be reached"
NOT_REACHED_HINT = "Trying again all the time. Is it running, and is FINANCEOPS_URL right?"
RECONNECTING_HINT = "These figures are from {time}. Nothing is lost: they catch up when it is back."
STALE_HINT = "The server is silent. These figures are from {time} and may be old."
NOT_FOUND = "This tenant does not exist"
NOT_FOUND_HINT = "It exists once it is configured or has its first payment."
FAILED = "The figures could not be loaded"
PANEL_FAILED = "This part could not be shown"
EXPORT_FAILED = "The export did not work: {reason}"


def humanized(code: str, names: dict[str, str] | None = None) -> str:
    """Readable form of a method or decline code that may have no text of its own."""
    return (names or {}).get(code) or code.replace("_", " ").capitalize()
