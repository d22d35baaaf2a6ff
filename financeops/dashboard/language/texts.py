"""All texts on the screen, in English: `locale` has the translations."""

from __future__ import annotations

from financeops.core.declines import DeclineKind, FailureStage
from financeops.core.dimensions import Dimension
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.dashboard.language.words import Plural, Text
from financeops.dashboard.state.course import Course

PRODUCT = "FinanceOps"
TITLE = Text("Live payments")

PERIODS = {
    Period.DAY: Text("Day"),
    Period.WEEK: Text("Week"),
    Period.MONTH: Text("Month"),
    Period.YEAR: Text("Year"),
}
SPANS = {
    Period.DAY: Text("Last 24 hours, by hour"),
    Period.WEEK: Text("Last 7 days, by day"),
    Period.MONTH: Text("Last 30 days, by day"),
    Period.YEAR: Text("Last 12 months, by month"),
}
SPANS_OF_DAYS = {
    Period.DAY: Text("{since} to {through}, by hour"),
    Period.MONTH: Text("{since} to {through}, by day"),
    Period.YEAR: Text("{since} to {through}, by month"),
}
SPAN_OF_A_DAY = Text("{day}, by hour")
DATES = Text("Dates")
SINCE = Text("From")
THROUGH = Text("Through")
BEFORE_DAYS = Plural("vs the day before", "vs {count} days before")
BEFORE = {
    Period.DAY: Text("vs 24 h before"),
    Period.WEEK: Text("vs 7 days before"),
    Period.MONTH: Text("vs 30 days before"),
    Period.YEAR: Text("vs a year before"),
}
RUNNING = {
    Period.DAY: Text("this hour so far"),
    Period.WEEK: Text("today so far"),
    Period.MONTH: Text("today so far"),
    Period.YEAR: Text("this month so far"),
}
COURSES = {
    Course.USUAL: Text("Success rate without a clear change: {rate} (period before: {before})."),
    Course.BELOW: Text("Success rate clearly down: {rate} (period before: {before})."),
    Course.ABOVE: Text("Success rate clearly up: {rate} (period before: {before})."),
    Course.UNKNOWN: Text("Success rate {rate}; nothing before to compare with."),
}
RISEN = Text("What grew most: {reason}, {share} of payments (before: {before}).")
STATUSES = {
    Status.SUCCESS: Text("Succeeded"),
    Status.FAILED: Text("Failed"),
    Status.REFUNDED: Text("Refunded"),
}
METHODS = {
    "bank_transfer": Text("Bank transfer"),
    "card": Text("Card"),
    "crypto": Text("Crypto"),
    "paypal": Text("PayPal"),
}
REASONS = {
    "account_closed": Text("Account closed"),
    "account_restricted": Text("Account restricted"),
    "authentication_failed": Text("Authentication failed"),
    "bank_unavailable": Text("Bank unavailable"),
    "declined": Text("Declined"),
    "do_not_honor": Text("Do not honor"),
    "expired_card": Text("Expired card"),
    "incorrect_cvc": Text("Incorrect CVC"),
    "instrument_declined": Text("Instrument declined"),
    "insufficient_funds": Text("Insufficient funds"),
    "invalid_account": Text("Invalid account"),
    "invalid_address": Text("Invalid address"),
    "issuer_unavailable": Text("Issuer unavailable"),
    "lost_or_stolen_card": Text("Lost or stolen card"),
    "network_congestion": Text("Network congestion"),
    "other": Text("Other"),
    "payer_cancelled": Text("Payer cancelled"),
    "payment_expired": Text("Payment expired"),
    "processing_error": Text("Processing error"),
    "suspected_fraud": Text("Suspected fraud"),
    "timeout": Text("Timeout"),
    "underpaid": Text("Underpaid"),
    "unknown": Text("Unknown"),
}

THEMES = {
    "system": Text("System"),
    "light": Text("Light"),
    "dark": Text("Dark"),
}

LANGUAGE = Text("Language")
THEME = Text("Colours")
NOT_OPENED = Plural(
    "This part of the link is not understood and left out: {names}",
    "These parts of the link are not understood and left out: {names}",
)

PERIOD = Text("Period")
PAUSE = Text("Pause")
RESUME = Text("Resume")
EXPORT = Text("Export CSV")
EXPORTING = Text("Exporting {size}")
CAUGHT_UP = Plural(
    "Caught up: {count} change came while paused",
    "Caught up: {count} changes came while paused",
)

CURRENCY = Text("Currency")
ALL_CURRENCIES = Text("All currencies")
ALL_IN = Text("All in {currency}")
UNCONVERTED = Plural(
    "{count} payment ({currencies}) is in none of these figures: no exchange rate is known for it.",
    "{count} payments ({currencies}) are in none of these figures: no exchange rate is known for them.",
)
FILTERS = Text("Filtered by")
FILTERS_ALL = Text("figures and feed")
FILTERS_FEED = Text("feed only")
CLEAR = Text("Show everything")
REMOVE_FILTER = Text("remove this filter")
SHOW_ONLY = Text("Show only: {name}")
ALL = Text("All")

LIVE = Text("Live")
PAUSED = Text("Paused")
MISSED = Plural("{count} missed", "{count} missed")
RECONNECTING = Text("Reconnecting")
CONNECTING = Text("Connecting")
STALE = Text("Stale")
LOADING_FIGURES = Text("Loading")
OFFLINE = Text("No connection")
OFFLINE_HINT = Text(
    "There is no connection to the dashboard. What is shown may be old; it catches up as soon as the connection is back.",
)
NO_FIGURES = Text("No figures")
LAG_TITLE = Text("From event to screen")

TOTAL_VOLUME = Text("Total volume")
SUCCESS_RATE = Text("Success rate")
AVERAGE_AMOUNT = Text("Average amount")
PEAK_HOUR = Text("Peak hour")
PAYMENTS = Plural("{count} payment", "{count} payments")
OF_PAYMENTS = Plural("{succeeded} of {count} payment", "{succeeded} of {count} payments")
PER_SUCCEEDED = Text("per succeeded payment")
ATTEMPTS_BY_HOUR = Text("Attempts by hour of day")
NO_DATA = Text("no data")
NOTHING_BEFORE = Text("nothing to compare with")
POINTS = Text("{points} pp")
PREVIOUS_PEAK = Text("was {hour}")
UNCHANGED = Text("unchanged")

TREND = Text("Volume and success rate")
TREND_KEYS = Text("Volume and success rate over time; the arrow keys move along")
VOLUME = Text("Volume")
BUCKET = Text("Time")
COUNT = Text("Payments")
METHOD_CHART = Text("Payment methods")
METHOD_SHARE = Text("Share of attempts")
PAYMENTS_UNIT = Plural("payment", "payments")
METHOD = Text("Method")
BREAK_DOWN = Text("Break down by")
BREAKDOWNS = {
    Dimension.METHOD: METHOD_CHART,
    Dimension.COUNTRY: Text("Countries"),
    Dimension.PROCESSOR: Text("Processors"),
    Dimension.NETWORK: Text("Card networks"),
    Dimension.FUNDING: Text("Kinds of card"),
    Dimension.ISSUER_COUNTRY: Text("Countries of the issuers"),
    Dimension.CHANNEL: Text("Channels"),
    Dimension.AUTHENTICATION: Text("3-D Secure"),
}
VALUES = {
    Dimension.FUNDING: {
        "credit": Text("Credit"),
        "debit": Text("Debit"),
        "prepaid": Text("Prepaid"),
        "unknown": Text("Unknown"),
    },
    Dimension.AUTHENTICATION: {
        "authenticated": Text("Authenticated"),
        "attempted": Text("Attempted"),
        "failed": Text("Failed"),
        "rejected": Text("Rejected"),
        "abandoned": Text("Abandoned"),
        "exempted": Text("Exempted"),
        "none": Text("None"),
    },
}
NOT_TOLD = Text("Unknown (not told)")
OTHER_VALUES = Text("Other values")
AUTHORIZED_SHORT = Text("Authorized")
SHOW_ALL = Plural("Show all {count}", "Show all {count}")
SHOW_FEWER = Text("Show fewer")
SHARE = Text("Share")
DECLINES = Text("Why payments fail")
DECLINES_SPAN = Plural("{count} failed, by reason", "{count} failed, by reason")
OTHER_REASONS = Text("Other reasons ({count})")
BY_ORDER = Text("By order")
ATTEMPT_NUMBER = Text("Attempt {attempt}")
NO_DECLINES = Text("No failed payments in this period")
REASON = Text("Reason")
FAILED_AT = Text("Where they failed")
STAGES = {
    FailureStage.AUTHENTICATION: Text("Authentication"),
    FailureStage.BLOCKED: Text("Blocked by risk rules"),
    FailureStage.DECLINED: Text("Declined by the issuer"),
    FailureStage.TECHNICAL: Text("Technical fault"),
    FailureStage.ABANDONED: Text("Abandoned"),
}
SOFT_DECLINES = Plural("{count} worth another try", "{count} worth another try")
HARD_DECLINES = Plural("{count} not worth another try", "{count} not worth another try")
AUTHORIZED = Text("Authorization rate {rate}")
AUTHORIZED_TITLE = Text(
    "Succeeded ÷ (succeeded + declined by the issuer): what never came before an issuer does not count"
)

MONEY = Text("Where the money goes")
MONEY_SPAN = Text("What became of this period's payments, until now")
STEP = Text("Step")
OF_TOTAL = Text("Of the total")
REFUNDS = Text("Refunds")
LOST_DISPUTES = Text("Lost disputes")
KEPT = Text("Kept (net)")
NONE_SO_FAR = Text("none so far")
OPEN_DISPUTES = Plural(
    "{count} dispute is still open: it may be lost",
    "{count} disputes are still open: they may be lost",
)
NOTHING_TAKEN = Text("No refunds, lost disputes or fees are known so far: all of it is kept")
BY_PAYMENT_DATE = Text("Refunds, disputes and fees count at the date of their payment")

RATES = Text("How many succeed")
RATES_SPAN = Text("The same payments, counted in three ways")
AUTHORIZATION_RATE = Text("Authorization rate")
ORDER_RATE = Text("Order success rate")
OF_DECIDED = Plural(
    "{succeeded} of {count} that came before the issuer",
    "{succeeded} of {count} that came before the issuer",
)
OF_ORDERS = Plural("{succeeded} of {count} order", "{succeeded} of {count} orders")
SUCCESS_LEAVES_OUT = Text("Leaves nothing out: every attempt counts, repeated ones too")
AUTHORIZATION_LEAVES_OUT = Text(
    "Leaves out what the issuer never decided on: blocked, not authenticated, abandoned, technical"
)
ORDER_LEAVES_OUT = Text(
    "Leaves out repeated attempts: an order counts once, and one success is enough"
)
NO_RETRIES = Text("Nothing was tried again: each payment is an order of its own")
FIRST_ATTEMPT = Text("At the first attempt: {rate}")
RECOVERED = Text("Of those that failed first, later recovered: {rate}")

FEED = Text("Live feed")
FEED_SPAN = Plural("Newest {count}, as they happen", "Newest {count}, as they happen")
FEED_OF_DAY = Text("Payments of {day}")
FEED_OF_DAYS = Text("Payments from {since} to {through}")
FEED_NEWEST = Plural("Newest {count} of these", "Newest {count} of these")
FEED_READING = Plural("{count} so far, loading older ones", "{count} so far, loading older ones")
FEED_SEARCHING = Text("Looking for older payments")
FEED_NONE = Text("No payments like these")
FEED_EMPTY = Text("Payments appear here as they happen")
TIME = Text("Time")
PAYMENT = Text("Payment")
STATUS = Text("Status")
AMOUNT = Text("Amount")
OPEN_PAYMENT = Text("Show this payment")
OPEN_FAILED = Text("What happened to this payment before could not be read: {reason}")
CLOSE = Text("Close")
HAPPENED = Text("What happened")
DETAILS = Text("Details")
CARD = Text("Card number")
STAGE = Text("Stage")
ANOTHER_TRY = Text("Another try")
TRIES = {
    DeclineKind.SOFT: Text("may succeed"),
    DeclineKind.HARD: Text("will not succeed"),
}
FEES = Text("Fees")
FEE = Text("Fee of {amount}: {kind}")
FEE_KINDS = {
    FeeKind.PROCESSING: Text("processing"),
    FeeKind.SCHEME: Text("card scheme"),
    FeeKind.INTERCHANGE: Text("interchange"),
    FeeKind.TAX: Text("tax"),
    FeeKind.DISPUTE: Text("dispute"),
    FeeKind.OTHER: Text("other"),
}
DISPUTED = Text("{amount} disputed")
DISPUTES = {
    DisputeStatus.WON: Text("Dispute won"),
    DisputeStatus.LOST: Text("Dispute lost"),
}
PAID_OUT = Text("Paid out: {payout}")
CONVERTED = Text("Converted")
AT_RATE = Text("{amount}, at {rate} of {day} ({source})")
NO_RATE = Text("no rate yet for {currency}")
PAYMENT_FIELDS = {
    "authentication": Text("3-D Secure"),
    "order_id": Text("Order"),
    "attempt": Text("Attempt"),
    "customer_id": Text("Customer"),
    "country": Text("Country"),
    "channel": Text("Channel"),
    "processor": Text("Processor"),
    "network": Text("Card network"),
    "funding": Text("Kind of card"),
    "issuer_country": Text("Country of the issuer"),
    "reference": Text("Reference"),
    "source": Text("Came from"),
    "id": Text("Id"),
}
"""What a payment may say, in this order."""
DIMENSIONS = {
    Dimension.METHOD: METHOD,
    Dimension.COUNTRY: PAYMENT_FIELDS["country"],
    Dimension.PROCESSOR: PAYMENT_FIELDS["processor"],
    Dimension.NETWORK: PAYMENT_FIELDS["network"],
    Dimension.FUNDING: PAYMENT_FIELDS["funding"],
    Dimension.ISSUER_COUNTRY: PAYMENT_FIELDS["issuer_country"],
    Dimension.CHANNEL: PAYMENT_FIELDS["channel"],
    Dimension.AUTHENTICATION: PAYMENT_FIELDS["authentication"],
}
PART_REFUNDED = Text("{amount} refunded")
PAID_LATER = Text("paid at attempt {attempt}")
NEWER = Text("Newer")
OLDER = Text("Older")
PAGE = Text("{first} to {last} of {count}")
PAGE_OF_MORE = Text("{first} to {last} of more than {count}")
PAGES = Text("Pages of the live feed")

LOADING = Text("Loading payments")
AS_OF = Text("As of {time}, change {seq}")
NO_SCRIPT = Text(
    "Without JavaScript this page does not follow the payments: load it again for newer figures.",
)
EMPTY = Text("No payments yet")
EMPTY_HINT = Text("Send one to the server, or fill it with realistic history:")
EMPTY_COMMAND = "financeops seed"
NOT_REACHED = Text("The server cannot be reached")
NOT_REACHED_HINT = Text(
    "It is tried again every few seconds. Is it running, and is FINANCEOPS_URL right?",
)
BUSY = Text("The server cannot give figures right now")
BUSY_HINT = Text("It answers, and is asked again every few seconds. It says:")
RECONNECTING_HINT = Text(
    "These figures are from {time}. Nothing is lost: they catch up when it is back.",
)
STALE_HINT = Text("The server is silent. These figures are from {time} and may be old.")
COUNTING = Text("The payments of this filter are still being counted")
COUNTING_HINT = Text(
    "What you chose is still being counted. Until then the figures, in grey, are those of before, from {time}.",
)
RECORDING = Text(
    "The made-up history is still being recorded ({share}): comparisons with the time before are not right yet.",
)
NOT_FOUND = Text("This tenant does not exist")
NOT_FOUND_HINT = Text("It exists once it is configured or has its first payment.")
FAILED = Text("The figures could not be loaded")
PANEL_FAILED = Text("This part could not be shown")
EXPORT_FAILED = Text("The export did not work: {reason}")

NO_ROOM = Text("All seats are taken")
NO_ROOM_HINT = Text(
    "As many people look at the live payments as there is room for. "
    "Keep this page open: it becomes the dashboard as soon as somebody leaves.",
)
WAITING = Text("Waiting for a seat")

NO_PAGE = Text("There is no such page")
NO_PAGE_HINT = Text("Perhaps the address was mistyped. The dashboard is here:")
REFUSED = Text("This request was refused")
BROKEN = Text("The dashboard does not work at the moment")
BROKEN_HINT = Text("Please try again. If it stays like this, the log of the dashboard says why.")
