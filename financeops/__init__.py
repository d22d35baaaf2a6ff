"""Live payment analytics that begin in a notebook.

The public names are imported when they are first used: ``import financeops`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from financeops import datasets
    from financeops.client import Client, Stream
    from financeops.core import errors
    from financeops.core.payments import Change, Payment, Status
    from financeops.core.periods import Period, Window, buckets
    from financeops.core.rollup import Rollup, rollup_of, total
    from financeops.dashboard import Dashboard
    from financeops.frames import (
        anomalies,
        cohorts,
        compare,
        declines,
        explain_change,
        forecast,
        methods,
        metrics,
        refund_curve,
        retries,
        rfm,
        segments,
        trends,
    )
    from financeops.loading import Connection, connect, read
    from financeops.loading.mongo import from_mongo

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
    "anomalies",
    "buckets",
    "cohorts",
    "compare",
    "connect",
    "datasets",
    "declines",
    "errors",
    "explain_change",
    "forecast",
    "from_mongo",
    "methods",
    "metrics",
    "read",
    "refund_curve",
    "retries",
    "rfm",
    "rollup_of",
    "segments",
    "total",
    "trends",
]

_HOMES = {
    "financeops.client": ("Client", "Stream"),
    "financeops.core.payments": ("Change", "Payment", "Status"),
    "financeops.core.periods": ("Period", "Window", "buckets"),
    "financeops.core.rollup": ("Rollup", "rollup_of", "total"),
    "financeops.dashboard": ("Dashboard",),
    "financeops.frames": (
        "anomalies",
        "cohorts",
        "compare",
        "declines",
        "explain_change",
        "forecast",
        "methods",
        "metrics",
        "refund_curve",
        "retries",
        "rfm",
        "segments",
        "trends",
    ),
    "financeops.loading": ("Connection", "connect", "read"),
    "financeops.loading.mongo": ("from_mongo",),
}
_MODULES = {"datasets": "financeops.datasets", "errors": "financeops.core.errors"}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name == "__version__":  # said once, in pyproject.toml
        return import_module("importlib.metadata").version(__name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return __all__
