"""Counts and times by label: cheap on the way, and put into Prometheus's form when they are asked for.

The client library's own take a lock and walk a histogram's buckets for each value, two dozen times for one
transformed GET. Here a value costs an addition. Loop only: nothing here is locked.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

T = TypeVar("T")


class Count:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Grow, by nothing that is negative."""
        self.value += amount


class Times:
    """How many lasted how long; ``bounds`` are the upper ends of the buckets, included."""

    __slots__ = ("bounds", "counts", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float, count: int = 1) -> None:
        """One more, or so many that lasted as long."""
        self.counts[bisect_left(self.bounds, seconds)] += count
        self.seconds += count * seconds


class _Series(Collector, Generic[T]):
    """Values by their labels."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], *, registry: CollectorRegistry
    ) -> None:
        self.name = name
        self.documentation = documentation
        self.label_names = tuple(labels)
        self._by_labels: dict[tuple[str, ...], T] = {}
        registry.register(self)

    def labels(self, *values: str) -> T:
        """The value of these labels, which stays the same one: keep it where it is asked for often."""
        known = self._by_labels.get(values)
        if known is None:
            known = self._by_labels[values] = self._new()
        return known

    def _new(self) -> T:
        raise NotImplementedError


class Counts(_Series[Count]):
    """A counter by labels."""

    kind = "counter"

    def _new(self) -> Count:
        return Count()

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client.registry.Collector`."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self.label_names)
        for labels, count in self._by_labels.items():
            family.add_metric(labels, count.value)
        yield family


class Timings(_Series[Times]):
    """A histogram of seconds by labels."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._bounds = tuple(map(float, buckets))
        self._names = [*map(floatToGoString, self._bounds), "+Inf"]
        super().__init__(name, documentation, labels, registry=registry)

    def _new(self) -> Times:
        return Times(self._bounds)

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client.registry.Collector`."""
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.label_names)
        for labels, times in self._by_labels.items():
            buckets = list(zip(self._names, map(float, accumulate(times.counts)), strict=True))
            family.add_metric(labels, buckets, times.seconds)
        yield family
