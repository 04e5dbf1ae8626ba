"""Prometheus metrics by operation, outcome and stage. Labels are bounded: never a key or a caller."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from onread.telemetry.series import Count, Counts, Times, Timings

STAGES = ("queue", "run", "first_byte", "total")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OperationMetrics:
    """The metrics that have one label, the operation."""

    seconds: Times
    bytes_received: Count
    bytes_sent: Count


class Metrics:
    """Every metric of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counts(
            "onread_requests", "Requests answered", ["service", "operation", "status"], registry=registry
        )
        self.request_seconds = Timings(
            "onread_request_seconds",
            "From head to last byte",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.bytes_sent = Counts(
            "onread_sent_bytes", "Body bytes sent to callers", ["operation"], registry=registry
        )
        self.bytes_received = Counts(
            "onread_received_bytes", "Declared body bytes received", ["operation"], registry=registry
        )
        self.transformed = Counts(
            "onread_transformed_requests",
            "Transformed GETs by outcome",
            ["access_point", "outcome"],
            registry=registry,
        )
        self.stage_seconds = Timings(
            "onread_transform_stage_seconds",
            "Seconds of a transformed GET: queue, run, first_byte, total",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "onread_requests_in_flight", "Callers' requests from head to last byte", registry=registry
        )
        self.admission_waiting = Gauge(
            "onread_admission_waiting", "Callers' requests that wait for room", registry=registry
        )
        self.at_the_door = Gauge(
            "onread_requests_waiting_to_begin",
            "Callers' requests that have come and are not begun",
            registry=registry,
        )
        self.admission_refused = Counter(
            "onread_admission_refused", "Callers' requests told to slow down", registry=registry
        )
        self.environments = Gauge(
            "onread_environments", "Execution environments: warm or busy", ["state"], registry=registry
        )
        self.invocations = Counts(
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
        self.slices = Counter(
            "onread_slices",
            "Reads of sliced objects: hit (kept), joined (being made or read by another), miss (made now)",
            ["outcome"],
            registry=registry,
        )
        self.slice_bytes_written = Counter(
            "onread_slice_written_bytes", "Bytes of results that were kept for slices", registry=registry
        )
        self.slice_bytes = Gauge(
            "onread_slice_bytes", "Bytes that kept results take or have set aside", registry=registry
        )
        self.slice_evictions = Counter(
            "onread_slice_evictions",
            "Kept results removed: for room, for age, or unwanted",
            registry=registry,
        )

        self.store_requests = Counts(
            "onread_store_requests",
            "Requests to an upstream store: the status as 2xx or its like; busy (no connection free), "
            "unreachable, no_answer, late, broken (no HTTP); not_asked while it is left alone",
            ["store", "outcome"],
            registry=registry,
        )
        self.store_seconds = Timings(
            "onread_store_seconds",
            "From sending a request to an upstream store to the head of its answer",
            ["store"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.store_connections = Gauge(
            "onread_store_connections",
            "Connections to an upstream store, idle ones included",
            ["store"],
            registry=registry,
        )
        self.store_left_alone = Gauge(
            "onread_store_left_alone",
            "Gateway processes that leave an upstream store alone, for it did not answer",
            ["store"],
            registry=registry,
        )

        self.loop_lag_seconds = Histogram(
            "onread_loop_lag_seconds",
            "How late the event loop is, measured ten times a second",
            buckets=_SECONDS,
            registry=registry,
        )

        self.database_lost = Gauge(
            "onread_database_lost",
            "Gateway processes that do not reach the control database",
            registry=registry,
        )
        self.records_stale = Gauge(
            "onread_records_stale",
            "Gateway processes that refuse every request because their control records are too old",
            registry=registry,
        )

        self.stages = {stage: self.stage_seconds.labels(stage) for stage in STAGES}
        self._by_operation: dict[str, _OperationMetrics] = {}
        self._by_status: dict[tuple[str, str, int], Count] = {}

    def request_done(
        self, service: str, operation: str, status: int, *, seconds: float, received: int, sent: int
    ) -> None:
        """Count one request."""
        self.requests_done(service, operation, status, 1, seconds=seconds, received=received, sent=sent)

    def requests_done(
        self,
        service: str,
        operation: str,
        status: int,
        count: int,
        *,
        seconds: float,
        received: int,
        sent: int,
    ) -> None:
        """Count so many that are alike; seconds and bytes are those of each.

        What has a label is looked up once: the registry keeps it for good anyway.
        """
        counted = self._by_status.get((service, operation, status))
        if counted is None:
            counted = self.requests.labels(service, operation, str(status))
            self._by_status[service, operation, status] = counted
        counted.inc(count)
        measured = self._by_operation.get(operation)
        if measured is None:
            measured = self._by_operation[operation] = _OperationMetrics(
                seconds=self.request_seconds.labels(operation),
                bytes_received=self.bytes_received.labels(operation),
                bytes_sent=self.bytes_sent.labels(operation),
            )
        measured.seconds.observe(seconds, count)
        measured.bytes_received.inc(count * received)
        measured.bytes_sent.inc(count * sent)

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)
