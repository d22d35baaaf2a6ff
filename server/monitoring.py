"""Metrics for Prometheus, and the measurement of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Meters:
    """Counters and gauges of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "financeops_requests",
            "Answered requests",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "financeops_request_seconds",
            "Time until the answer is complete",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.changes = Counter(
            "financeops_committed_changes",
            "Changes to payments committed by this process",
            ["result"],
            registry=self.registry,
        )
        self.webhooks = Counter(
            "financeops_webhooks",
            "Events of payment providers: recorded, dead (kept as a dead letter) or refused (not verified)",
            ["provider", "outcome"],
            registry=self.registry,
        )
        self.group = Histogram(
            "financeops_commit_operations",
            "Operations per transaction",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "financeops_commit_seconds",
            "Duration of a transaction",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.published = Counter(
            "financeops_published_events",
            "Events passed to a tenant's room",
            registry=self.registry,
        )
        self.publish_lag = Gauge(
            "financeops_publish_lag_seconds",
            "Time from the commit of the last published change to its publication",
            registry=self.registry,
        )

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Export a number that is kept elsewhere."""
        Gauge(f"financeops_{name}", meaning, registry=self.registry).set_function(value)

    def watch_total(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Export a number that is kept elsewhere and only grows."""
        self.registry.register(_Total(f"financeops_{name}", meaning, value))


class _Total(Collector):
    """A counter whose value is computed when Prometheus reads it."""

    def __init__(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        self._name, self._meaning, self._value = name, meaning, value

    def collect(self) -> Iterator[Metric]:
        """Yield the current value of the counter."""
        yield CounterMetricFamily(self._name, self._meaning, value=self._value())


class MeasureRequests:
    """Counts and times each request by its route."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record its status and duration."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            # The pattern of the route, not the path, which would give labels a value per payment.
            route = getattr(scope.get("route"), "path_format", "(none)")
            method = scope["method"]
            self._meters.requests.labels(method, route, status).inc()
            self._meters.seconds.labels(method, route).observe(time.perf_counter() - began)
