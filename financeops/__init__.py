"""Live payment analytics that begin in a notebook.

The public names are imported when they are first used: ``import financeops`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from financeops.client import Client, Stream
    from financeops.core.metrics import Metrics, declines, methods, metrics, trends
    from financeops.core.payments import Change, Payment, Status
    from financeops.core.periods import Period, Window, buckets
    from financeops.core.rollup import Rollup, rollup_of, total
    from financeops.dashboard import Dashboard

__all__ = [
    "Change",
    "Client",
    "Dashboard",
    "Metrics",
    "Payment",
    "Period",
    "Rollup",
    "Status",
    "Stream",
    "Window",
    "buckets",
    "declines",
    "methods",
    "metrics",
    "rollup_of",
    "total",
    "trends",
]

_HOMES = {
    "financeops.client": ("Client", "Stream"),
    "financeops.core.metrics": ("Metrics", "declines", "methods", "metrics", "trends"),
    "financeops.core.payments": ("Change", "Payment", "Status"),
    "financeops.core.periods": ("Period", "Window", "buckets"),
    "financeops.core.rollup": ("Rollup", "rollup_of", "total"),
    "financeops.dashboard": ("Dashboard",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return __all__
