"""The figures of one process: what it has counted since it started, and how it stands now."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from prometheus_client import ProcessCollector

from tokenhouse.edges.metrics.catalogue import CATALOGUE, Family
from tokenhouse.edges.metrics.neighbours import telling
from tokenhouse.edges.requests import Requests
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import TOKEN
from tokenhouse.rules.counts import Histogram

PROCESS: Final = ProcessCollector(registry=None)
"""Memory, processor time and open files, under the names that all programs use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a crew: the folder in which all tell their figures, and its number; the parent's is 0."""

    folder: Path
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What a process can be asked for its figures. One that serves nobody has no requests and upstreams."""

    house: Tokenhouse
    upstreams: Upstreams | None = None
    requests: Requests | None = None
    crew: Place | None = None

    @property
    def worker(self) -> str:
        """Return the name of this process among those of its server."""
        return "1" if self.crew is None else str(self.crew.worker)

    def telling(self) -> AbstractAsyncContextManager[None]:
        """Tell the figures to the others of the crew while the block runs."""
        if self.crew is None:
            return nullcontext()
        return telling(self.crew.folder, self.crew.worker, self.figures)

    def figures(self) -> list[Family]:
        """Return the figures of this process as they are now. It reads and adds up; nothing waits."""
        return [
            *self._calls(),
            *self._served(),
            *self._ledger(),
            *self._kept(),
            *_of_the_system(self.worker),
        ]

    def _calls(self) -> Iterable[Family]:
        """Yield what calls came to."""
        counts = self.house.desk.counts
        yield self._counted("tokenhouse_calls", counts.calls)
        yield self._counted("tokenhouse_charged", {(model,): n for model, n in counts.charged.items()})
        yield self._counted("tokenhouse_tokens", counts.tokens)
        yield self._counted("tokenhouse_usage_estimated", {(): counts.estimated})
        yield self._counted("tokenhouse_refusals", {(code,): n for code, n in counts.refusals.items()})

    def _served(self) -> Iterable[Family]:
        """Yield what was asked of the server, and by it."""
        if self.requests is not None:
            asked = {(edge, str(status)): n for (edge, status), n in self.requests.answered.items()}
            yield self._counted("tokenhouse_requests", asked)
            yield self._spread(
                "tokenhouse_request_seconds", {(edge,): one for edge, one in self.requests.took.items()}
            )
            yield self._gauge("tokenhouse_calls_open", {(): self.requests.open["gateway"]})
        if self.upstreams is not None:
            yield self._spread(
                "tokenhouse_upstream_seconds", {(name,): one for name, one in self.upstreams.took.items()}
            )
            yield self._counted("tokenhouse_upstream_errors", self.upstreams.failed)

    def _ledger(self) -> Iterable[Family]:
        """Yield how the lanes do."""
        writer = self.house.desk.writer
        for name, each in (
            ("tokenhouse_batch_operations", [lane.sizes for lane in writer.lanes]),
            ("tokenhouse_batch_seconds", [lane.took for lane in writer.lanes]),
            ("tokenhouse_batch_wait_seconds", [lane.waits for lane in writer.lanes]),
        ):
            yield self._spread(name, {(): _together(each)})
        yield self._gauge("tokenhouse_queue_operations", {(): sum(lane.waiting for lane in writer.lanes)})
        yield self._gauge("tokenhouse_lanes", {(): writer.abreast})

    def _kept(self) -> Iterable[Family]:
        """Yield what waits on disk, the pool, and what runs here."""
        desk = self.house.desk
        charges, size = self.house.kept()
        yield self._gauge("tokenhouse_spool_charges", {(): charges})
        yield self._gauge("tokenhouse_spool_bytes", {(): size})
        idle = desk.pool.get_idle_size()
        pool = {("idle",): idle, ("used",): desk.pool.get_size() - idle}
        yield self._gauge("tokenhouse_database_connections", pool)
        unit = deployment_unit(desk) or TOKEN
        yield self._gauge("tokenhouse_info", {(version("tokenhouse"), unit.name, str(unit.decimals)): 1})

    def _counted(self, name: str, found: Mapping[Any, float]) -> Family:
        """Return a counter."""
        return self._gauge(name, found, "_total")

    def _gauge(self, name: str, found: Mapping[Any, float], end: str = "") -> Family:
        """Return a gauge: its labels' values, this worker first -> value."""
        samples = [(end, self._labels(name, values), float(value)) for values, value in found.items()]
        return Family(name, samples)

    def _spread(self, name: str, found: Mapping[Any, Histogram]) -> Family:
        """Return a histogram: each bucket holds those below it too."""
        family = Family(name, [])
        for values, one in found.items():
            labels, below = self._labels(name, values), 0
            for bound, number in zip([*one.bounds, float("inf")], one.numbers, strict=True):
                below += number
                told = "+Inf" if bound == float("inf") else f"{bound:g}"
                family.samples.append(("_bucket", {**labels, "le": told}, below))
            family.samples += [("_sum", labels, one.total), ("_count", labels, below)]
        return family

    def _labels(self, name: str, values: tuple[str, ...]) -> dict[str, str]:
        """Return labels with their values."""
        return dict(zip(CATALOGUE[name].labels, (self.worker, *values), strict=True))


def _together(each: list[Histogram]) -> Histogram:
    """Return several histograms of the same bounds as one."""
    found = Histogram(each[0].bounds)
    found.numbers = [sum(numbers) for numbers in zip(*(one.numbers for one in each), strict=True)]
    found.total = sum(one.total for one in each)
    return found


def _of_the_system(worker: str) -> Iterable[Family]:
    """Yield what the system says of this process; some systems say nothing."""
    for one in PROCESS.collect():
        samples = [
            (sample.name.removeprefix(one.name), {"worker": worker}, sample.value) for sample in one.samples
        ]
        yield Family(one.name, samples)
