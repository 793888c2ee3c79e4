"""What Prometheus may ask: requests by route template, their times, and the database pool."""

from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

# Anything a client makes up is one label value, so that scanners can't grow the number of series.
UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    def __init__(self, *, version: str, commit: str, engine: Engine) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Info("service", "What is running", registry=self.registry).info(
            {"version": version, "commit": commit}
        )
        self._requests = Counter(
            "http_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "From the request's head to the end of its answer",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests not yet answered", registry=self.registry)
        self._watch(engine)

    def request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the template (`/orders/{order_id}`), never the path."""
        known = method if method in _METHODS else "OTHER"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def _watch(self, engine: Engine) -> None:
        pool = cast(QueuePool, engine.pool)
        for name, text, read in (
            ("database_pool_size", "Connections the pool may hold", pool.size),
            ("database_pool_in_use", "Connections lent to requests", pool.checkedout),
            ("database_pool_idle", "Connections open and waiting", pool.checkedin),
        ):
            Gauge(name, text, registry=self.registry).set_function(read)
