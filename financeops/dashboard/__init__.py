"""The live dashboard: ipywidgets and bqplot over a model that follows the stream."""

from financeops.dashboard.app import Dashboard
from financeops.dashboard.model import DashboardModel

__all__ = ["Dashboard", "DashboardModel"]
