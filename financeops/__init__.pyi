from . import datasets
from .client import Client, Stream
from .core import errors
from .core.payments import Change, Payment, Status
from .core.periods import Period, Window, buckets
from .core.rollup import Rollup, rollup_of, total
from .dashboard import Dashboard
from .frames import (
    activity,
    anomalies,
    cohorts,
    compare,
    convert,
    declines,
    disputes,
    explain_change,
    fees,
    forecast,
    funnel,
    methods,
    metrics,
    orders,
    refund_curve,
    retries,
    rfm,
    segments,
    trends,
    waterfall,
)
from .loading import Connection, connect, read, read_rates
from .loading.mongo import from_mongo

__version__: str
__all__ = [
    "Change",
    "Client",
    "Connection",
    "Dashboard",
    "Payment",
    "Period",
    "Rollup",
    "Status",
    "Stream",
    "Window",
    "activity",
    "anomalies",
    "buckets",
    "cohorts",
    "compare",
    "connect",
    "convert",
    "datasets",
    "declines",
    "disputes",
    "errors",
    "explain_change",
    "fees",
    "forecast",
    "from_mongo",
    "funnel",
    "methods",
    "metrics",
    "orders",
    "read",
    "read_rates",
    "refund_curve",
    "retries",
    "rfm",
    "rollup_of",
    "segments",
    "total",
    "trends",
    "waterfall",
]
