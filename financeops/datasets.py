"""Payments to try things on: ``fo.datasets``.

`demo` records a made-up shop's payments on the server, `simulated` makes such payments without one, and
`demo_incidents` and `simulated_incidents` say what really happened in them. `cdnow` are real purchases.
"""

from financeops.loading.cdnow import cdnow
from financeops.loading.demonstration import (
    demo,
    demo_incidents,
    simulated,
    simulated_incidents,
)

__all__ = ["cdnow", "demo", "demo_incidents", "simulated", "simulated_incidents"]
