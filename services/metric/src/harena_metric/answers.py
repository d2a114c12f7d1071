"""Answers that were computed already, and still are right.

An answer depends on the request, on the user's data and on the day. The data have a version, which
the database raises with every change of rows, accounts or settings; so an answer is kept under all
of these and never goes stale: it is only not asked for any more. They are kept in the process,
because asking Redis would cost as much as half of computing them again.
"""

from dataclasses import dataclass
from datetime import date

from prometheus_client import Counter
from pydantic import BaseModel

from harena_core.metrics import Instruments
from harena_ledger.comparisons import Flow
from harena_metric.schemas import CoverageMonth, YearFilters


@dataclass(frozen=True, slots=True)
class Question:
    """All that an answer depends on."""

    user_id: int
    data_version: int
    today: date
    query: YearFilters | CoverageMonth
    flow: Flow | None = None


class Answers:
    """The last answers, as JSON; the one that was used longest ago goes first."""

    def __init__(self, size: int, instruments: Instruments) -> None:
        self._size = size
        self._kept: dict[Question, bytes] = {}
        counter = Counter(
            "harena_metric_answers",
            "Figures asked for, by whether they were known already.",
            ("service", "outcome"),
            registry=instruments.registry,
        )
        self._known = counter.labels(instruments.service, "known")
        self._computed = counter.labels(instruments.service, "computed")

    def get(self, question: Question) -> bytes | None:
        """The answer, if it is known."""
        answer = self._kept.pop(question, None)
        if answer is not None:
            self._kept[question] = answer
            self._known.inc()
        return answer

    def keep(self, question: Question, data: BaseModel) -> bytes:
        """What was computed, as JSON."""
        answer = data.model_dump_json().encode()
        self._computed.inc()
        self._kept[question] = answer
        while len(self._kept) > self._size:
            del self._kept[next(iter(self._kept))]
        return answer
