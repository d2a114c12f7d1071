"""Refunds: the credits that give back a purchase, and how much of it."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harena_ledger.lines import Line
from harena_ledger.model import CategoryClass
from harena_ledger.money import CENT, ZERO

WINDOW_DAYS = 90


@dataclass(frozen=True, slots=True)
class Refund:
    debit: Line | None
    """The purchase that is given back; none known for some credits of category Remboursements."""
    amount: Decimal
    """What lowers expenses."""


class _Debits:
    """The purchases at one merchant, in one currency, and what refunds have left of each.

    What is left is kept in a tree of maxima, so that thousands of refunds by one merchant need not
    look at thousands of purchases each.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        # On one day the smallest id last: "the latest" is then also the one that wins the tie.
        self._lines = sorted(lines, key=lambda line: (line.day, -line.id))
        self._days = [line.day.toordinal() for line in self._lines]
        self._size = 1 << (len(self._lines) - 1).bit_length()
        padding = [ZERO] * (self._size - len(self._lines))
        self._left = [ZERO] * self._size + [-line.amount for line in self._lines] + padding
        for node in range(self._size - 1, 0, -1):
            self._left[node] = max(self._left[2 * node], self._left[2 * node + 1])

    def give_back(self, amount: Decimal, on: date) -> tuple[Line, Decimal] | None:
        """The purchase of a credit and how much of it there was left to give back."""
        first = bisect_left(self._days, on.toordinal() - WINDOW_DAYS)
        end = bisect_right(self._days, on.toordinal())
        index = self._latest(amount, first, end, 1, 0, self._size)
        if index is None:
            index = self._latest(CENT, first, end, 1, 0, self._size)
        if index is None:
            return None
        consumed = min(amount, self._left[self._size + index])
        self._consume(index, consumed)
        return self._lines[index], consumed

    def _latest(
        self, least: Decimal, first: int, end: int, node: int, low: int, high: int
    ) -> int | None:
        """The last of purchases [first, end) with so much left, below the node of [low, high)."""
        if end <= low or high <= first or self._left[node] < least:
            return None
        if high - low == 1:
            return low
        middle = (low + high) // 2
        later = self._latest(least, first, end, 2 * node + 1, middle, high)
        return (
            later if later is not None else self._latest(least, first, end, 2 * node, low, middle)
        )

    def _consume(self, index: int, amount: Decimal) -> None:
        node = self._size + index
        self._left[node] -= amount
        while node := node // 2:
            self._left[node] = max(self._left[2 * node], self._left[2 * node + 1])


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
