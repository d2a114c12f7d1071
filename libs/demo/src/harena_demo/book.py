"""The statement writer: households write lines into a book, the book is what the banks show.

A line is written once, for good, with what is true of it. `statement.close` then hides what the
banks do not show yet, so that a later day has the same rows and more.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from random import Random

from harena_demo.calendar import working_day
from harena_demo.model import (
    DemoItem,
    DemoUser,
)
from harena_ledger.categories import TRANSFERS_IN, TRANSFERS_OUT
from harena_ledger.model import AccountType, Kind

# A JSON number is exact up to 2**53 in a browser. Half of that room is left to bulk loads.
ID_BITS = 52


@dataclass(slots=True)
class Holding:
    """An account, however many connections show it. Amounts are in cents."""

    key: str
    bank: str
    type: AccountType
    name: str
    opening: int = 0
    currency: str | None = "EUR"
    card_label: str = "CB {name} {day:%d/%m}"
    """How this bank prints a card payment."""
    level: int = 0
    """The balance so far, lines of other currencies left out."""


@dataclass(slots=True)
class Line:
    """A row in the making. `shown_on` is the first day on which the bank shows it."""

    id: int
    holding: Holding
    occurred_on: date
    posted_on: date
    shown_on: date
    cents: int
    label: str
    clean: str
    merchant: str | None
    category: int | None
    operation: str | None
    true_category: int
    kind: Kind
    currency: str | None = None
    deleted: bool = False
    story: str | None = None
    left: int = 0
    """What of a debit is not given back yet."""
    refund_of: "Line | None" = None
    refunded: int = 0
    partner: "Line | None" = None

    @property
    def moves(self) -> bool:
        """Whether the line moves the balance of its account."""
        return not self.deleted and self.currency in (None, self.holding.currency or "EUR")


@dataclass(frozen=True, slots=True)
class Place:
    """Where money goes: as the bank prints it, as the bank names it, and what is bought there."""

    label: str
    merchant: str
    category: int


@dataclass(frozen=True, slots=True)
class Connection:
    """One view of a holding. Without dates it shows everything, for ever."""

    holding: Holding
    bank: str
    made_on: date = date.min
    since: date = date.min
    until: date = date.max


@dataclass(slots=True)
class Book:
    """All that one household ever does. Same user, same seed, same start: same lines."""

    user: DemoUser
    seed: int
    intensity: float = 1.0
    """How many times as often things are bought by habit, each as much smaller."""
    holdings: list[Holding] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    statuses: dict[str, DemoItem] = field(default_factory=dict)
    _issued: Counter[tuple[str, date]] = field(default_factory=Counter)
    paid_off: list[tuple[Holding, date, int]] = field(default_factory=list)
    """What was settled on cards that do not show the credit."""

    def number(self, *parts: object, bits: int = ID_BITS) -> int:
        """A positive number that only this household has, for these parts."""
        text = "/".join(map(str, (self.seed, self.user.email, *parts)))
        digest = blake2b(text.encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> (64 - bits)) | 1 << (bits - 1)

    def random(self, *parts: object) -> Random:
        """A source of its own for each stream and month: adding one disturbs no other."""
        return Random(self.number(*parts))  # noqa: S311 -- not for secrets

    # -- accounts -----------------------------------------------------------------------------

    def bank(self, name: str, *, status: int = 0, info: str = "ok", description: str = "") -> None:
        """A connection. Unless called, a bank that is named by an account is connected and well."""
        self.statuses[name] = DemoItem(
            bridge_item_id=0,
            bank_name=name,
            status=status,
            status_code_info=info,
            status_code_description=description or None,
        )

    def open(self, holding: Holding, *, until: date = date.max) -> Holding:
        """An account, seen through its bank's connection until that one breaks."""
        holding.level = holding.opening
        self.holdings.append(holding)
        self.connections.append(Connection(holding, holding.bank, until=until))
        return holding

    def connect_again(self, holding: Holding, bank: str, *, made_on: date, since: date) -> None:
        """The same account through another connection, whose history goes back to `since`."""
        self.connections.append(Connection(holding, bank, made_on, since))

    # -- lines --------------------------------------------------------------------------------

    def write(
        self,
        stream: str,
        holding: Holding,
        on: date,
        cents: int,
        label: str,
        category: int,
        *,
        clean: str,
        merchant: str | None = None,
        operation: str | None = None,
        posted_on: date | None = None,
        shown_on: date | None = None,
        currency: str | None = None,
        deleted: bool = False,
        patchy: bool = False,
        story: str | None = None,
    ) -> Line:
        """A line whose kind is its sign's, unless a story says otherwise afterwards.

        `patchy`: the bank may have forgotten the category, the merchant or both.
        """
        posted_on = posted_on or on
        number = self.number(stream, on, self._issued[stream, on])
        self._issued[stream, on] += 1
        # Digits of the number itself: what is missing must not depend on what else is written.
        forgets_category = patchy and number // 2 % 100 < 12
        forgets_merchant = patchy and number // 200 % 100 < 15
        dead = deleted or cents == 0
        line = Line(
            id=number,
            holding=holding,
            occurred_on=on,
            posted_on=posted_on,
            shown_on=shown_on or posted_on,
            cents=cents,
            label=label,
            clean=clean,
            merchant=None if forgets_merchant else merchant,
            category=None if forgets_category else category,
            operation=operation,
            true_category=category,
            kind=Kind.excluded if dead else Kind.income if cents > 0 else Kind.expense,
            currency=currency,
            deleted=deleted,
            story=story,
            left=-cents,
        )
        if line.moves:
            holding.level += cents
        self.lines.append(line)
        return line

    def card(
        self,
        stream: str,
        holding: Holding,
        on: date,
        place: Place,
        cents: int,
        *,
        settled_on: date | None = None,
        currency: str | None = None,
        deleted: bool = False,
        story: str | None = None,
    ) -> Line:
        """A card payment; booked on the next working day, or with its cycle where that is given."""
        booked = settled_on or working_day(on + timedelta(days=1))
        return self.write(
            stream,
            holding,
            on,
            -cents,
            holding.card_label.format(name=place.label, day=on),
            place.category,
            clean=place.merchant,
            merchant=place.merchant,
            operation="card",
            posted_on=booked,
            shown_on=on if settled_on else booked,
            currency=currency,
            deleted=deleted,
            patchy=True,
            story=story,
        )

    def direct_debit(
        self,
        stream: str,
        holding: Holding,
        on: date,
        place: Place,
        cents: int,
        *,
        announced: int = 5,
        story: str | None = None,
    ) -> Line:
        """A prélèvement: slides to Monday, and is announced some days ahead."""
        due = working_day(on)
        return self.write(
            stream,
            holding,
            due,
            -cents,
            f"PRLV SEPA {place.label}",
            place.category,
            clean=place.merchant,
            merchant=place.merchant,
            operation="direct_debit",
            shown_on=due - timedelta(days=announced),
            patchy=True,
            story=story,
        )

    def transfer(
        self,
        stream: str,
        holding: Holding,
        on: date,
        party: str,
        cents: int,
        *,
        category: int | None = None,
        prefix: str = "VIR SEPA",
        patchy: bool = True,
        story: str | None = None,
    ) -> Line:
        """Money to (negative) or from (positive) somebody, by transfer; none on a week-end."""
        return self.write(
            stream,
            holding,
            on if prefix == "VIR INST" else working_day(on),
            cents,
            f"{prefix} {party}",
            category or (TRANSFERS_IN if cents > 0 else TRANSFERS_OUT),
            clean=party.title(),
            operation="transfer",
            patchy=patchy,
            story=story,
        )

    def move(
        self,
        stream: str,
        source: Holding,
        target: Holding,
        on: date,
        cents: int,
        reason: str,
        *,
        announced: int = 0,
        arrives_after: int = 0,
        story: str = "internal_transfer",
    ) -> tuple[Line, Line]:
        """A transfer between two accounts of the household; from bank to bank it takes a day."""
        leaves = working_day(on)
        arrives = working_day(leaves + timedelta(days=arrives_after))
        who = f"{self.user.first_name} {self.user.last_name}".upper()
        halves = []
        for name, holding, day, amount in (
            ("out", source, leaves, -cents),
            ("in", target, arrives, cents),
        ):
            halves.append(
                self.write(
                    f"{stream}/{name}",
                    holding,
                    day,
                    amount,
                    f"VIR {reason}" if announced else f"VIR SEPA {who} {reason}",
                    TRANSFERS_IN if amount > 0 else TRANSFERS_OUT,
                    clean=reason.title(),
                    operation="transfer",
                    shown_on=day - timedelta(days=announced),
                    patchy=True,
                    story=story,
                )
            )
        debit, credit = halves
        debit.kind = credit.kind = Kind.internal
        debit.partner, credit.partner = credit, debit
        return debit, credit

    def give_back(
        self, debit: Line, on: date, cents: int, *, story: str, category: int | None = None
    ) -> Line:
        """A shop gives back (part of) a purchase, on the account and by the card that paid it."""
        place = Place(debit.label, debit.clean, debit.true_category)
        paid_later = debit.holding.type is AccountType.card
        line = self.write(
            f"{story}/back",
            debit.holding,
            on,
            cents,
            f"AVOIR {debit.label}",
            category or place.category,
            clean=place.merchant,
            merchant=debit.merchant,
            operation=debit.operation,
            posted_on=debit.posted_on if paid_later else working_day(on + timedelta(days=1)),
            shown_on=on if paid_later else None,
            story=story,
        )
        return self.is_refund(line, debit)

    def is_refund(self, credit: Line, debit: Line | None) -> Line:
        """Marks a credit as giving back that debit, as far as something is left of it."""
        credit.kind = Kind.refund
        if debit is None:
            credit.refunded = credit.cents
            return credit
        credit.refund_of = debit
        credit.refunded = min(credit.cents, debit.left)
        credit.true_category = debit.true_category
        debit.left -= credit.refunded
        return credit

    def settle(
        self,
        card: Holding,
        checking: Holding,
        first: date,
        last: date,
        on: date,
        label: str,
        *,
        shows_credit: bool,
    ) -> None:
        """The monthly debit of a deferred-debit card: all that it bought from first to last."""
        cents = -sum(
            line.cents
            for line in self.lines
            if line.holding is card
            and line.operation == "card"
            and line.moves
            and first <= line.occurred_on <= last
        )
        if cents <= 0:
            return
        halves = [(checking, -cents)] + [(card, cents)] * shows_credit
        for holding, amount in halves:
            line = self.write(
                "settlement",
                holding,
                on,
                amount,
                label,
                TRANSFERS_IN if amount > 0 else TRANSFERS_OUT,
                clean=label.title(),
                operation="deferred_debit_card",
                story="settlement",
            )
            line.kind = Kind.internal
        if not shows_credit:
            card.level += cents
            self.paid_off.append((card, on, cents))
