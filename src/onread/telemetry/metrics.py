"""Prometheus metrics by operation, outcome and stage. Labels are bounded: never a key or a caller."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Every metric of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "onread_requests", "Requests answered", ["service", "operation", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "onread_request_seconds",
            "From head to last byte",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.bytes_sent = Counter(
            "onread_sent_bytes", "Body bytes sent to callers", ["operation"], registry=registry
        )
        self.bytes_received = Counter(
            "onread_received_bytes", "Declared body bytes received", ["operation"], registry=registry
        )
        self.transformed = Counter(
            "onread_transformed_requests",
            "Transformed GETs by outcome",
            ["access_point", "outcome"],
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "onread_transform_stage_seconds",
            "Seconds of a transformed GET: queue, run, first_byte, total",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.environments = Gauge(
            "onread_environments", "Execution environments: warm or busy", ["state"], registry=registry
        )
        self.invocations = Counter(
            "onread_invocations", "Runs of functions by outcome", ["outcome"], registry=registry
        )
        self.environment_start_seconds = Histogram(
            "onread_environment_start_seconds",
            "From the start of a process to its first request for an event",
            buckets=_SECONDS,
            registry=registry,
        )
        self.invocations_waiting = Gauge(
            "onread_invocations_waiting", "Invocations that wait for an environment", registry=registry
        )

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)
