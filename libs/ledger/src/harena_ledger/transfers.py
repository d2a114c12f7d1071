"""Internal transfers: the two halves of money that only moved between accounts of the user."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from harena_ledger.lines import Line
from harena_ledger.merchants import CASH_OR_CHECK, Operation
from harena_ledger.model import Account, AccountType, CategoryClass, Household
from harena_ledger.scope import same_account
from harena_ledger.text import fold, words

MAX_DAYS_APART = 5

# Payments, cash and cheques never are half of a transfer; a deposit of neither may be.
_MOVES_BETWEEN_ACCOUNTS = frozenset({Operation.transfer, Operation.deposit, Operation.unknown})
# By itself too general to name one account, whatever a bank calls it.
_NAMES_NOTHING = frozenset({"compte", "courant", "carte", "cheque", "cheques", "epargne"})
_IBAN = re.compile(r"\b[a-z]{2}\d{2}(?:[a-z0-9]{10,30}|(?: ?\d{1,4}){3,8})\b")
_MASKED = re.compile(r"(?:\bx+|[*•.]+)([a-z0-9]{2}\d\d)\b")
_YEAR = re.compile(r"(?:19|20)\d\d")


class _Side(NamedTuple):
    """What decides with which lines a line may pair, apart from amount and date."""

    account: object
    like_transfer: bool
    names_user: bool
    """Itself enough for a pair with any account: the holder's name, or the user's own mark."""
    names_accounts: frozenset[object]

    def pairs_with(self, other: "_Side") -> bool:
        if self.account == other.account:
            return False
        return (
            (self.like_transfer and other.like_transfer)
            or self.names_user
            or other.names_user
            or other.account in self.names_accounts
            or self.account in other.names_accounts
        )


class _Candidate(NamedTuple):
    line: Line
    side: _Side


def pair(household: Household, lines: Iterable[Line]) -> dict[int, int]:
    """`Row.id` of each paired line, and of its other half.

    Greedy over all candidate pairs, nearest in time first, then the smallest id, then the smallest
    id of the other half; so the order of the lines does not matter.
    """
    names = _Names(household)
    by_amount: dict[tuple[str, Decimal], list[Line]] = defaultdict(list)
    for line in lines:
        if _may_pair(line):
            by_amount[line.currency, abs(line.amount)].append(line)
    pairs: dict[int, int] = {}
    for group in by_amount.values():
        if len({line.amount for line in group}) == 2 and len({line.account for line in group}) > 1:
            candidates = [c for c in map(names.candidate, group) if c is not None]
            _pair_equal_amounts(sorted(candidates, key=lambda c: c.line.id), pairs)
    return pairs


def _may_pair(line: Line) -> bool:
    """What no name on the line can change; an own mark says more than class and merchant do."""
    if line.own_counterparty is False or line.operation not in _MOVES_BETWEEN_ACCOUNTS:
        return False
    if line.category_class is CategoryClass.income and not line.own_counterparty:
        return False
    if line.operation is Operation.deposit and CASH_OR_CHECK.search(fold(line.row.label)):
        return False
    # Paying back a loan is spending, although the loan's own account shows the money coming in.
    return not (line.account_type is AccountType.loan and line.amount > 0)


def _pair_equal_amounts(candidates: Sequence[_Candidate], pairs: dict[int, int]) -> None:
    """Adds the pairs among lines of one amount and currency, given by id."""
    for days_apart in range(MAX_DAYS_APART + 1):
        candidates = [c for c in candidates if c.line.id not in pairs]
        # Lines of one side and day are interchangeable but for their id, so only the first of each
        # queue is ever looked at: thousands of equal amounts on one day cost no more than a few.
        queues: dict[tuple[bool, int], dict[_Side, deque[int]]] = defaultdict(dict)
        for line, side in candidates:
            queue = queues[line.amount > 0, line.day.toordinal()].setdefault(side, deque())
            queue.append(line.id)
        for line, side in candidates:
            if line.id in pairs:
                continue
            firsts = []
            for day in {line.day.toordinal() - days_apart, line.day.toordinal() + days_apart}:
                for other, queue in queues.get((line.amount < 0, day), {}).items():
                    # A smaller id that is still here had its turn, so it cannot pair with this one.
                    while queue and queue[0] in pairs:
                        queue.popleft()
                    if queue and side.pairs_with(other):
                        firsts.append(queue[0])
            if firsts:
                pairs[line.id], pairs[min(firsts)] = min(firsts), line.id


@dataclass(frozen=True, slots=True)
class _AccountNames:
    account: object
    name: str | None
    last4: str | None


class _Names:
    """How a label may name the user and their accounts."""

    def __init__(self, household: Household) -> None:
        self._holders = [
            frozenset(name)
            for name in map(words, household.holder_names)
            if len(name) > 1  # a first name alone is anybody's
        ]
        self._accounts = [_account_names(account) for account in household.accounts]

    def candidate(self, line: Line) -> _Candidate | None:
        """The line with its side; None for a known merchant who is not the user's namesake."""
        label_words = words(line.row.label)
        named = set(label_words)
        names_user = any(holder <= named for holder in self._holders)
        if line.known_merchant and not names_user and not line.own_counterparty:
            return None
        side = _Side(
            account=line.account,
            like_transfer=line.like_transfer,
            names_user=names_user or line.own_counterparty is True,
            names_accounts=self._named_accounts(line.row.label, label_words),
        )
        return _Candidate(line, side)

    def _named_accounts(self, label: str, label_words: tuple[str, ...]) -> frozenset[object]:
        spaced = f" {' '.join(label_words)} "
        folded = fold(label)
        numbers = {number.replace(" ", "")[-4:] for number in _IBAN.findall(folded)}
        numbers |= set(_MASKED.findall(folded))
        numbers |= {w for w in label_words if len(w) == 4 and not _YEAR.fullmatch(w)}
        return frozenset(
            names.account
            for names in self._accounts
            if names.last4 in numbers or (names.name is not None and names.name in spaced)
        )


def _account_names(account: Account) -> _AccountNames:
    name_words = words(account.name)
    telling = len(name_words) > 1 or any(
        word not in _NAMES_NOTHING and len(word) > 2 for word in name_words
    )
    return _AccountNames(
        account=same_account(account),
        name=f" {' '.join(name_words)} " if telling else None,
        last4=fold(account.iban_last4) if account.iban_last4 else None,
    )
