"""The figures of payments on any data frame: pandas, Polars, PyArrow, DuckDB, PySpark.

Frame in, frame of the same kind out. Each function groups and adds integers where the frame lives,
fetches the few groups, and computes the figures with `financeops.core`. So every library gives the
same number to the last bit, and it is the number on the dashboard. `financeops.arrow.tables`
describes a frame of payments; `financeops.frames.engine.given` checks it.
"""

from __future__ import annotations

from financeops.frames.activity import activity
from financeops.frames.anomalies import anomalies
from financeops.frames.cohorts import cohorts
from financeops.frames.compare import compare
from financeops.frames.convert import convert
from financeops.frames.declines import declines
from financeops.frames.disputes import disputes
from financeops.frames.explain import explain_change
from financeops.frames.fees import fees
from financeops.frames.forecast import forecast
from financeops.frames.funnel import funnel
from financeops.frames.key_figures import metrics, segments
from financeops.frames.methods import methods
from financeops.frames.orders import orders
from financeops.frames.refunds import refund_curve
from financeops.frames.retries import retries
from financeops.frames.rfm import rfm
from financeops.frames.trends import trends
from financeops.frames.waterfall import waterfall

__all__ = [
    "activity",
    "anomalies",
    "cohorts",
    "compare",
    "convert",
    "declines",
    "disputes",
    "explain_change",
    "fees",
    "forecast",
    "funnel",
    "methods",
    "metrics",
    "orders",
    "refund_curve",
    "retries",
    "rfm",
    "segments",
    "trends",
    "waterfall",
]
