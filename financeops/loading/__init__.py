"""Load payments of a running server, or of a file, as data frames."""

from financeops.loading.connection import Connection, connect
from financeops.loading.files import read
from financeops.loading.rates import read_rates

__all__ = ["Connection", "connect", "read", "read_rates"]
