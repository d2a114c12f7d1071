"""What was measured, as tables for people and as JSON."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.bench.load import Sample
from tests.bench.subjects import Subject

BARE, PREDECESSOR = "bare", "predecessor"


def percentile(sample: Sample, percent: int) -> float:
    """Milliseconds."""
    latencies = sample.latencies if len(sample.latencies) > 1 else sample.latencies * 2
    return statistics.quantiles(latencies, n=100, method="inclusive")[percent - 1] * 1000


@dataclass(slots=True)
class Result:
    """What a subject did in one case at one concurrency."""

    case: str
    rows: int
    concurrency: int
    subject: Subject
    samples: list[Sample] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"{self.case}, {self.concurrency} at once"

    @property
    def rate(self) -> float:
        """Answers per second: the median of the rounds."""
        return statistics.median(sample.rate for sample in self.samples)

    def percentile(self, percent: int) -> float:
        """Milliseconds, of all answers of all rounds."""
        latencies = [each for sample in self.samples for each in sample.latencies]
        return percentile(Sample(0, latencies), percent)

    def as_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "concurrency": self.concurrency,
            "subject": self.subject.key,
            "requests_per_second": round(self.rate, 1),
            **{f"p{percent}_ms": round(self.percentile(percent), 3) for percent in (50, 95, 99)},
        }


@dataclass(frozen=True, slots=True)
class Check:
    """Something wanted, and whether it was so."""

    what: str
    measured: str
    wanted: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Ratios:
    """A subject beside another, round by round: what else the machine did met both."""

    rate: float
    p95: float

    @classmethod
    def of(cls, result: Result, other: Result) -> "Ratios":
        pairs = list(zip(result.samples, other.samples, strict=True))
        return cls(
            rate=statistics.median(one.rate / two.rate for one, two in pairs),
            p95=statistics.median(percentile(one, 95) / percentile(two, 95) for one, two in pairs),
        )


def _beside(results: Iterable[Result], result: Result, key: str) -> Ratios | None:
    """The result beside that subject's, at the same concurrency of the same case."""
    for other in results:
        if (other.case, other.concurrency, other.subject.key) == (
            result.case,
            result.concurrency,
            key,
        ):
            return Ratios.of(result, other)
    return None


def print_table(console: Console, results: Sequence[Result]) -> None:
    table = Table("case", "at once", "subject")
    for heading in ("requests/s", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for heading in ("rate of bare", "p95 of bare", "rate of predecessor"):
        table.add_column(heading, justify="right")
    before: tuple[str, int] | None = None
    for result in results:
        here = result.case, result.concurrency
        if before is not None and before != here:
            table.add_section()
        bare = _beside(results, result, BARE)
        old = _beside(results, result, PREDECESSOR)
        table.add_row(
            "" if here == before else result.case,
            "" if here == before else str(result.concurrency),
            result.subject.name,
            f"{result.rate:,.0f}",
            *(f"{result.percentile(percent):.2f}" for percent in (50, 95, 99)),
            f"{bare.rate:.0%}" if bare else "",
            f"{bare.p95:.2f}×" if bare else "",
            f"{old.rate:.1f}×" if old else "",
        )
        before = here
    console.print(table)


def against_baselines(results: Sequence[Result]) -> list[Check]:
    """Of every case and concurrency, where the service is worst."""
    checks = []
    for key in dict.fromkeys(result.subject.key for result in results if result.subject.ours):
        ours = [result for result in results if result.subject.key == key]
        bare = [(_beside(results, each, BARE), each) for each in ours]
        slowest = min((beside.rate, each.where) for beside, each in bare if beside)
        latest = max((beside.p95, each.where) for beside, each in bare if beside)
        largest = max(each.rows for each in ours)
        old = [(_beside(results, each, PREDECESSOR), each) for each in ours if each.rows == largest]
        least = min((beside.rate, each.where) for beside, each in old if beside)
        name = ours[0].subject.name
        checks += [
            Check(
                f"{name}: requests/s, at worst ({slowest[1]})",
                f"{slowest[0]:.0%} of bare",
                "≥ 80 %",
                slowest[0] >= 0.8,
            ),
            Check(
                f"{name}: p95, at worst ({latest[1]})",
                f"{latest[0]:.2f}× bare's",
                "≤ 1.5×",
                latest[0] <= 1.5,
            ),
            Check(
                f"{name}: {largest:,} rows, at worst ({least[1]})",
                f"{least[0]:.1f}× the predecessor's requests/s",
                "≥ 10×",
                least[0] >= 10,
            ),
        ]
    return checks


def print_checks(console: Console, checks: Iterable[Check]) -> None:
    table = Table("wanted of", "measured", "wanted", "")
    for check in checks:
        mark = "[green]yes[/]" if check.holds else "[red]no[/]"
        table.add_row(check.what, check.measured, check.wanted, mark)
    console.print(table)


def print_memory(console: Console, subjects: Iterable[Subject]) -> None:
    table = Table("process", "MiB")
    for subject in subjects:
        if subject.memory is not None:
            table.add_row(subject.name, f"{subject.memory:.0f}")
    console.print(table)
