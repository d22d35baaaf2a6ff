"""The live dashboard: ipywidgets and bqplot over a model that follows the stream.

The public names are imported on first use, so that a process that only serves dashboards loads no
widgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from financeops.dashboard.app import Dashboard
    from financeops.dashboard.state.model import DashboardModel

__all__ = ["Dashboard", "DashboardModel"]

_HOMES = {
    "Dashboard": "financeops.dashboard.app",
    "DashboardModel": "financeops.dashboard.state.model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
