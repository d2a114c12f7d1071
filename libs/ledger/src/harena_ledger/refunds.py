"""Refunds: the credits that give back a purchase, and how much of it."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harena_ledger.lines import Line
from harena_ledger.model import CategoryClass

WINDOW_DAYS = 90


@dataclass(frozen=True, slots=True)
class Refund:
    debit: Line | None
    """The purchase that is given back; none known for some credits of category Remboursements."""
    amount: Decimal
    """What lowers expenses."""


class _Debits:
    """The purchases at one merchant, in one currency, and what refunds have left of each."""

    def __init__(self, lines: Iterable[Line]) -> None:
        # On one day the smallest id last: "the latest" is then also the one that wins the tie.
        self._lines = sorted(lines, key=lambda line: (line.day, -line.id))
        self._days = [line.day.toordinal() for line in self._lines]
        self._left = [-line.amount for line in self._lines]

    def give_back(self, amount: Decimal, on: date) -> tuple[Line, Decimal] | None:
        """The purchase of a credit and how much of it there was left to give back."""
        last_day = on.toordinal()
        first = bisect_left(self._days, last_day - WINDOW_DAYS)
        end = bisect_right(self._days, last_day)
        index: int | None = None
        for candidate in range(end - 1, first - 1, -1):
            if self._left[candidate] >= amount:
                index = candidate
                break
            if index is None and self._left[candidate] > 0:
                index = candidate
        if index is None:
            return None
        consumed = min(amount, self._left[index])
        self._left[index] -= consumed
        return self._lines[index], consumed


def give_back(lines: Iterable[Line]) -> dict[int, Refund]:
    """The refunds among the lines that are neither excluded nor internal, by `Row.id`.

    Credits are served in the order of their dates, then of their ids. A purchase of the same day
    can be given back: banks do not say what came first in a day.
    """
    debits: dict[tuple[str, str], list[Line]] = defaultdict(list)
    credits_: list[Line] = []
    for line in lines:
        if line.amount > 0:
            credits_.append(line)
        elif line.merchant_key is not None:
            debits[line.currency, line.merchant_key].append(line)
    purchases: dict[tuple[str, str], _Debits] = {}
    refunds: dict[int, Refund] = {}
    for line in sorted(credits_, key=lambda line: (line.day, line.id)):
        wholly = line.category_class is CategoryClass.refund
        if not wholly and not _may_give_back(line):
            continue
        given_back = None
        if line.merchant_key is not None:
            merchant = line.currency, line.merchant_key
            if merchant in debits:
                if merchant not in purchases:
                    purchases[merchant] = _Debits(debits[merchant])
                given_back = purchases[merchant].give_back(line.amount, line.day)
        if given_back is not None:
            debit, consumed = given_back
            refunds[line.id] = Refund(debit, line.amount if wholly else consumed)
        elif wholly:
            refunds[line.id] = Refund(None, line.amount)
    return refunds


def _may_give_back(line: Line) -> bool:
    """Income and transfers never do, save what a known merchant sends back by bank transfer."""
    if line.category_class in (CategoryClass.income, CategoryClass.transfer):
        return False
    return line.known_merchant or not line.like_transfer
