from .app import Dashboard
from .state.model import DashboardModel

__all__ = ["Dashboard", "DashboardModel"]
