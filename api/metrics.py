"""What the HTTP service measures about itself, in Prometheus's text format. One registry per app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from governance.record.telemetry import Waiting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """Requests by method, route and status; seconds by route; when scraped, cases by queue and state, what waits for
    MLflow by state, and the checkpoints that their webhook's receiver lacks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "countersign_http_requests_total", "HTTP requests", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "countersign_http_request_seconds", "Seconds per HTTP request", ["route"], registry=self._registry
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request. A method that HTTP does not know is counted as OTHER: labels must stay few."""
        self._requests.labels(method if method in _METHODS else "OTHER", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(
        self,
        depths: Iterable[tuple[str, str, int]],
        observations: Mapping[str, Waiting] = MappingProxyType({}),
        unpublished: int | None = None,
    ) -> bytes:
        """The exposition. `depths`: (queue, state, cases); `observations`: what is not in MLflow yet, by state;
        `unpublished`: checkpoints, None where none is to be published or this process does not see them."""
        # A registry of its own for each scrape: what has drained must not linger.
        now = CollectorRegistry()
        cases = Gauge("countersign_cases", "Cases by queue and state", ["queue", "state"], registry=now)
        for queue, state, count in depths:
            cases.labels(queue, state).set(count)
        waiting = Gauge("countersign_observations", "Observations that MLflow lacks, by state", ["state"], registry=now)
        oldest = Gauge("countersign_observations_oldest_seconds", "Age of the oldest", ["state"], registry=now)
        for state, part in observations.items():
            waiting.labels(state).set(part.rows)
            oldest.labels(state).set(part.oldest_seconds)
        if unpublished is not None:
            lacking = "Signed checkpoints that their webhook's receiver has not acknowledged"
            Gauge("countersign_checkpoints_unpublished", lacking, registry=now).set(unpublished)
        return generate_latest(self._registry) + generate_latest(now)
