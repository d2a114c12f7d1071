"""Card settlements: the monthly debit that pays for the purchases of a deferred-debit card.

The purchases count, each on its own day; the debit that the checking account shows for all of them,
and the credit that the card account may show for it, only balance one account with the other.
"""

from bisect import bisect_right
from calendar import monthrange
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from harena_ledger.lines import Line
from harena_ledger.merchants import Operation
from harena_ledger.model import AccountType, CategoryClass
from harena_ledger.periods import FIRST_YEAR, LAST_YEAR
from harena_ledger.text import words

MAX_DAYS_AFTER_CLOSING = 10

_SETTLEMENT_WORDS = frozenset({"differe", "differee", "releve", "encours", "mensuel"})
_CARD_WORDS = _SETTLEMENT_WORDS | {"carte", "cartes", "cb", "visa", "mastercard", "amex"}
_DAY = timedelta(days=1)


_Card = tuple[object, str]
"""A card account and one currency of its purchases."""


@dataclass(frozen=True, slots=True)
class _Cycle:
    """One month of purchases on a card, up to and with its closing day."""

    card: _Card
    closing: date
    first: int
    """Index of the first of its purchases among the card's, and of the one after the last."""
    end: int
    total: Decimal
    """What the purchases cost, less what was given back on the card; above 0."""


def settle(lines: Sequence[Line]) -> dict[int, int | None]:
    """`Row.id` of every settlement debit and credit, with its other half's where there is one.

    Debits that speak of a card are served first, then the earliest; a purchase is settled once.
    """
    on_cards: dict[_Card, list[Line]] = defaultdict(list)
    for line in lines:
        if line.account_type is AccountType.card:
            on_cards[line.account, line.currency].append(line)
    if not on_cards:
        return {}
    debits = sorted(
        filter(_may_settle, lines), key=lambda line: (not _speaks_of_card(line), line.day, line.id)
    )
    closings = {day for debit in debits for day in _days_up_to(debit.day)}
    cycles: dict[tuple[str, Decimal, date], list[_Cycle]] = defaultdict(list)
    payments: dict[tuple[_Card, Decimal], list[Line]] = defaultdict(list)
    for card, on_card in on_cards.items():
        bought_at = {line.merchant_key for line in on_card if line.amount < 0}
        purchases = []
        for line in on_card:
            if _is_payment(line, bought_at):
                payments[card, line.amount].append(line)
            else:
                purchases.append(line)
        for cycle in _cycles(card, purchases, closings):
            cycles[card[1], cycle.total, cycle.closing].append(cycle)

    settled: dict[int, int | None] = {}
    taken: dict[_Card, list[_Cycle]] = defaultdict(list)
    for debit in debits:
        for cycle in _ended_before(debit, cycles):
            if _is_evidence(debit, cycle) and not _overlaps(cycle, taken[cycle.card]):
                taken[cycle.card].append(cycle)
                payment = _nearest(debit, payments[cycle.card, -debit.amount], settled)
                settled[debit.id] = payment.id if payment else None
                if payment:
                    settled[payment.id] = debit.id
                break
    return settled


def _days_up_to(day: date) -> list[date]:
    """The days on which a card that is settled on `day` may have closed, latest first."""
    return [day - timedelta(days=gap) for gap in range(MAX_DAYS_AFTER_CLOSING + 1)]


def _cycles(card: _Card, purchases: Iterable[Line], closings: Iterable[date]) -> Iterator[_Cycle]:
    ordered = sorted(purchases, key=lambda line: (line.day, line.id))
    days = [line.day for line in ordered]
    sums = [Decimal(0), *accumulate(-line.amount for line in ordered)]
    for closing in closings:
        end = bisect_right(days, closing)
        for opening in _closings_before(closing):
            first = bisect_right(days, opening)
            total = sums[end] - sums[first]
            if total > 0:
                yield _Cycle(card, closing, first, end, total)


def _closings_before(closing: date) -> list[date]:
    """The closing day of the month before, latest first.

    The same day of the month; where the closing is the last day of its month, any later day too,
    because a card that closes on the 31st closes on the 30th of a shorter month.
    """
    last_of_previous = closing.replace(day=1) - _DAY
    is_last = closing.day == monthrange(closing.year, closing.month)[1]
    wanted = range(closing.day, 32) if is_last else (closing.day,)
    days = {min(day, last_of_previous.day) for day in wanted}
    return [last_of_previous.replace(day=day) for day in sorted(days, reverse=True)]


def _may_settle(line: Line) -> bool:
    """A debit of a checking account that is no purchase, no cash and no cheque."""
    if line.account_type is not AccountType.checking or line.amount >= 0:
        return False
    if not FIRST_YEAR < line.day.year <= LAST_YEAR:  # a bank's mistake, and no month before it
        return False
    if line.known_merchant or line.own_counterparty is False:
        return False
    match line.operation:
        case Operation.check | Operation.withdrawal | Operation.deposit:
            return False
        case Operation.card:
            return line.merchant is None or _speaks_of_settlement(line)
        case _:
            return True


def _ended_before(
    debit: Line, cycles: Mapping[tuple[str, Decimal, date], Sequence[_Cycle]]
) -> Iterator[_Cycle]:
    """The cycles of a debit's amount that closed in the days before it, latest first."""
    for closing in _days_up_to(debit.day):
        yield from cycles.get((debit.currency, -debit.amount, closing), ())


def _is_evidence(debit: Line, cycle: _Cycle) -> bool:
    """That one purchase costs as much as some debit of the days after says nothing by itself."""
    return cycle.end - cycle.first > 1 or _speaks_of_card(debit)


def _is_payment(line: Line, bought_at: set[str | None]) -> bool:
    """Whether a credit on the card pays for purchases, rather than giving one back."""
    if line.amount <= 0 or line.own_counterparty is False:
        return False
    if line.operation is Operation.deferred_debit_card:
        return True
    if line.known_merchant or line.category_class is CategoryClass.refund:
        return False
    if line.merchant_key is None or _speaks_of_settlement(line):
        return True
    return line.operation is not Operation.card and line.merchant_key not in bought_at


def _speaks_of_card(line: Line) -> bool:
    return line.operation in (
        Operation.card,
        Operation.deferred_debit_card,
    ) or not _CARD_WORDS.isdisjoint(words(line.row.label))


def _speaks_of_settlement(line: Line) -> bool:
    return not _SETTLEMENT_WORDS.isdisjoint(words(line.row.label))


def _overlaps(cycle: _Cycle, taken: Iterable[_Cycle]) -> bool:
    return any(cycle.first < other.end and other.first < cycle.end for other in taken)


def _nearest(debit: Line, payments: Iterable[Line], settled: Container[int]) -> Line | None:
    """The credit that the card account shows for the debit, if it shows one."""
    nearest = min(
        (p for p in payments if p.id not in settled),
        key=lambda p: (abs((p.day - debit.day).days), p.id),
        default=None,
    )
    if nearest is None or abs((nearest.day - debit.day).days) > MAX_DAYS_AFTER_CLOSING:
        return None
    return nearest
