from datetime import date

from pydantic import BaseModel

from harena_core.metrics import Instruments
from harena_ledger.comparisons import Flow
from harena_metric.answers import Answers, Question
from harena_metric.schemas import CoverageMonth, ExpensesByMonth, IncomeByMonth


class Data(BaseModel):
    number: int


def question(**changes: object) -> Question:
    same = {
        "user_id": 1,
        "data_version": 7,
        "today": date(2026, 3, 15),
        "query": ExpensesByMonth(),
        "flow": Flow.expenses,
    }
    return Question(**{**same, **changes})  # type: ignore[arg-type]


def test_an_answer_is_known_for_the_same_question_only() -> None:
    answers = Answers(10, Instruments("metric"))
    assert answers.get(question()) is None
    assert answers.keep(question(), Data(number=1)) == b'{"number":1}'
    assert answers.get(question()) == b'{"number":1}'
    for other in (
        question(user_id=2),
        question(data_version=8),
        question(today=date(2026, 3, 16)),
        question(query=ExpensesByMonth(marchand="Carrefour")),
        question(query=IncomeByMonth()),
        question(query=CoverageMonth()),
        question(flow=Flow.income),
    ):
        assert answers.get(other) is None


def test_the_one_used_longest_ago_goes() -> None:
    answers = Answers(2, Instruments("metric"))
    for user_id in (1, 2):
        answers.keep(question(user_id=user_id), Data(number=user_id))
    answers.get(question(user_id=1))
    answers.keep(question(user_id=3), Data(number=3))
    assert answers.get(question(user_id=2)) is None
    assert answers.get(question(user_id=1)) == b'{"number":1}'


def test_nothing_is_kept_where_nothing_may_be() -> None:
    answers = Answers(0, Instruments("metric"))
    assert answers.keep(question(), Data(number=1)) == b'{"number":1}'
    assert answers.get(question()) is None
