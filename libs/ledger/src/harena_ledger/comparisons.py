"""Two totals set against each other, and income against expenses, with the French sentence.

    compare(Flow.expenses, target=…, reference=…, …) -> Variation
    coverage(income=…, expenses=…)                   -> Coverage

Amounts are euros; what is returned is already rounded to cents, half to even.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from harena_ledger.money import ZERO, cents, euros, percent
from harena_ledger.scope import EMPTY_SCOPE_MESSAGE

_STABLE_BELOW = Decimal("0.1")
_HUNDRED = Decimal("100.00")


class Flow(StrEnum):
    expenses = "expenses"
    income = "income"


class Direction(StrEnum):
    up = "up"
    down = "down"
    stable = "stable"


class Colour(StrEnum):
    """What the web client tells apart is green and red; the levels of coverage have more."""

    green_dark = "green-dark"
    green = "green"
    green_light = "green-light"
    orange = "orange"
    red = "red"
    gray = "gray"


_ICONS = {Direction.up: "arrow-up", Direction.down: "arrow-down", Direction.stable: "minus"}
_GOOD = {Flow.expenses: Direction.down, Flow.income: Direction.up}
_SUBJECTS = {Flow.expenses: "Vos dépenses", Flow.income: "Vos revenus"}
_NOTHING = {Flow.expenses: "aucune dépense", Flow.income: "aucun revenu"}
_PAST = {Direction.up: "augmenté", Direction.down: "diminué"}


@dataclass(frozen=True, slots=True)
class Variation:
    """How a total changed: `variation` and `affichage` of an answer."""

    amount: Decimal
    """Target less reference."""
    percentage: Decimal
    """Of the reference; 100.00 where there is none to compare with."""
    direction: Direction
    comparable: bool
    """False where the reference is nothing, and so no percentage says how much more."""
    colour: Colour
    icon: str
    message: str


class Level(StrEnum):
    """How much of the income is kept, best first."""

    excellent = "excellent"
    good = "good"
    correct = "correct"
    limit = "limit"
    deficit = "deficit"


_LEVELS = (
    (Decimal(20), Level.excellent, Colour.green_dark),
    (Decimal(10), Level.good, Colour.green),
    (Decimal(5), Level.correct, Colour.green_light),
    (Decimal(0), Level.limit, Colour.orange),
)
_PRAISE = {
    Level.excellent: "Excellent : vous épargnez {rate} de vos revenus.",
    Level.good: "Bien : vous épargnez {rate} de vos revenus.",
    Level.correct: "Correct : vous épargnez {rate} de vos revenus.",
    Level.limit: "À la limite : vous épargnez {rate} de vos revenus.",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What income leaves once expenses are paid."""

    income: Decimal
    expenses: Decimal
    """As shown: never below 0."""
    balance: Decimal
    rate: Decimal
    """Balance in per cent of income; without income -100.00, or 0 where nothing was spent."""
    level: Level
    colour: Colour
    message: str


def compare(
    flow: Flow,
    *,
    target: Decimal,
    reference: Decimal,
    reference_label: str,
    to_date: bool = False,
    scope_empty: bool = False,
) -> Variation:
    """The change from the reference to the target.

    Args:
        target: A total as shown, 0 or more (`Totals.shown_expenses`).
        reference: Likewise.
        reference_label: What the sentence calls the reference: "Octobre 2026", "2025".
        to_date: Whether the reference stops on the target's day, which the sentence then says.
        scope_empty: No account counts; the sentence says what to do about it.
    """
    target, reference = cents(target), cents(reference)
    amount = target - reference
    comparable = bool(reference) or not target
    if reference:
        percentage = cents(amount / reference * 100)
    else:
        percentage = _HUNDRED if target else ZERO
    direction = Direction.stable
    if abs(percentage) >= _STABLE_BELOW:
        direction = Direction.up if percentage > 0 else Direction.down
    colour = Colour.gray
    if comparable and direction is not Direction.stable:
        colour = Colour.green if direction is _GOOD[flow] else Colour.red
    return Variation(
        amount=amount,
        percentage=percentage,
        direction=direction,
        comparable=comparable,
        colour=colour,
        icon=_ICONS[direction],
        message=EMPTY_SCOPE_MESSAGE
        if scope_empty
        else _sentence(flow, amount, percentage, direction, comparable, reference_label, to_date),
    )


def coverage(
    *, income: Decimal, expenses: Decimal, has_data: bool = True, scope_empty: bool = False
) -> Coverage:
    """Income against expenses of one period.

    Args:
        expenses: Net of refunds, not clamped (`Totals.expenses`).
        has_data: Whether any row counted; without one the colour says nothing.
        scope_empty: No account counts; the sentence says what to do about it.
    """
    balance = cents(income - expenses)
    if income > 0:
        rate = cents(balance / income * 100)
    else:
        rate = -_HUNDRED if expenses > 0 else ZERO
    level, colour = Level.deficit, Colour.red
    for least, level_from, its_colour in _LEVELS:
        if rate >= least:
            level, colour = level_from, its_colour
            break
    if scope_empty:
        colour, message = Colour.gray, EMPTY_SCOPE_MESSAGE
    elif not has_data:
        colour, message = Colour.gray, "Aucune opération sur cette période."
    elif level is Level.deficit:
        message = f"Déficit : vos dépenses dépassent vos revenus de {euros(-balance)}."
    else:
        message = _PRAISE[level].format(rate=percent(rate))
    return Coverage(
        income=cents(income),
        expenses=cents(max(expenses, ZERO)),
        balance=balance,
        rate=rate,
        level=level,
        colour=colour,
        message=message,
    )


def _sentence(
    flow: Flow,
    amount: Decimal,
    percentage: Decimal,
    direction: Direction,
    comparable: bool,
    reference_label: str,
    to_date: bool,
) -> str:
    subject = _SUBJECTS[flow]
    reference = reference_label.lower() + (" à la même date" if to_date else "")
    if not comparable:
        return f"{subject} ne se comparent pas : {_NOTHING[flow]} en {reference}."
    if direction is Direction.stable:
        return f"{subject} sont stables par rapport à {reference}."
    return (
        f"{subject} ont {_PAST[direction]} de {percent(abs(percentage))} "
        f"({euros(abs(amount))}) par rapport à {reference}."
    )
