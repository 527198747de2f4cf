"""The counters of the API, for Prometheus: requests by route and status, and their durations."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ApiMetrics:
    """The counters of one server. Routes are counted by their declaration, since the path of a request is content."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        names = ("route", "status")
        self._requests = Counter("extract_api_requests", "Requests.", names, registry=self._registry)
        self._seconds = Histogram(
            "extract_api_seconds", "Seconds of a request.", ("route",), buckets=_SECONDS, registry=self._registry
        )

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self._registry)
