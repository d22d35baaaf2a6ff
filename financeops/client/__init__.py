"""The network client of FinanceOps: REST and the live stream, both async."""

from financeops.client.rest import Client
from financeops.client.stream import Connected, Disconnected, Heartbeat, Reload, Stream
from financeops.client.values import Changes, Snapshot
from financeops.core.contract.analytics import (
    DeclineAnswer,
    MethodAnswer,
    MetricsAnswer,
    TrendAnswer,
)
from financeops.core.contract.imports import ImportAnswer
from financeops.core.contract.operations import RezoneAnswer, VerificationAnswer, VerifyAnswer
from financeops.core.contract.payments import (
    BatchAnswer,
    BatchItem,
    FirstHistoryAnswer,
    MonthAnswer,
    MonthsAnswer,
    SeedAnswer,
)
from financeops.core.contract.rates import RatesAnswer, RatesRecorded

__all__ = [
    "BatchAnswer",
    "BatchItem",
    "Changes",
    "Client",
    "Connected",
    "DeclineAnswer",
    "Disconnected",
    "FirstHistoryAnswer",
    "Heartbeat",
    "ImportAnswer",
    "MethodAnswer",
    "MetricsAnswer",
    "MonthAnswer",
    "MonthsAnswer",
    "RatesAnswer",
    "RatesRecorded",
    "Reload",
    "RezoneAnswer",
    "SeedAnswer",
    "Snapshot",
    "Stream",
    "TrendAnswer",
    "VerificationAnswer",
    "VerifyAnswer",
]
