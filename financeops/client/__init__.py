"""The network code of FinanceOps: REST and the live stream, both async."""

from financeops.client.answers import (
    BatchAnswer,
    BatchItem,
    ChangesAnswer,
    DeclineAnswer,
    HistoryAnswer,
    MethodAnswer,
    MetricsAnswer,
    MonthAnswer,
    MonthsAnswer,
    SeedAnswer,
    Snapshot,
    TrendAnswer,
    VerifyAnswer,
)
from financeops.client.rest import Client
from financeops.client.stream import Connected, Disconnected, Heartbeat, Reload, Stream

__all__ = [
    "BatchAnswer",
    "BatchItem",
    "ChangesAnswer",
    "Client",
    "Connected",
    "DeclineAnswer",
    "Disconnected",
    "Heartbeat",
    "HistoryAnswer",
    "MethodAnswer",
    "MetricsAnswer",
    "MonthAnswer",
    "MonthsAnswer",
    "Reload",
    "SeedAnswer",
    "Snapshot",
    "Stream",
    "TrendAnswer",
    "VerifyAnswer",
]
