"""What the banks show of a book, and when: statements of each connection, and the truth of them."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from hashlib import blake2b

from harena_demo.book import Book, Connection, Line
from harena_demo.model import DemoAccount, DemoHousehold, DemoItem, DemoRow, Truth
from harena_ledger.model import AccountType, Kind


def close(book: Book, today: date) -> DemoHousehold:
    """The household as its banks show it at the end of that day, with what is true of it."""
    shown = {line.id for line in book.lines if line.shown_on <= today}
    if len(shown) < sum(line.shown_on <= today for line in book.lines):
        raise ValueError("two lines of a household have the same number")
    connections = [c for c in book.connections if c.made_on <= today]
    items = _items(book, connections)
    accounts = []
    rows: list[DemoRow] = []
    truths: dict[int, Truth] = {}
    for rank, connection in enumerate(connections):
        number = book.number("account", bits=40) * 16 + rank
        views = list(_views(book, connection, rank, today))
        accounts.append(_account(book, connection, number, items[connection.bank], views, today))
        for line_id, line, covered in views:
            rows.append(_row(line_id, number, line, today))
            truths[line_id] = _truth(line, shown, covered)
    rows.sort(key=lambda row: (row.occurred_on, row.bridge_transaction_id))
    return DemoHousehold(book.user, tuple(items.values()), tuple(accounts), tuple(rows), truths)


def _items(book: Book, connections: list[Connection]) -> dict[str, DemoItem]:
    base = book.number("item", bits=40) * 16
    banks = dict.fromkeys(connection.bank for connection in connections)
    items = {}
    for rank, bank in enumerate(banks):
        known = book.statuses.get(bank)
        items[bank] = DemoItem(
            bridge_item_id=base + rank,
            bank_name=bank.split(" (")[0],
            status=known.status if known else 0,
            status_code_info=known.status_code_info if known else "ok",
            status_code_description=known.status_code_description if known else None,
        )
    return items


def _views(
    book: Book, connection: Connection, rank: int, today: date
) -> Iterator[tuple[int, Line, bool]]:
    """What one connection shows: the row's id, the line, whether another one covers it."""
    # Each covers all days up to its end, for it was there first.
    earlier = [c for c in book.connections[:rank] if c.holding is connection.holding]
    for line in book.lines:
        if line.holding is not connection.holding or line.shown_on > today:
            continue
        if not connection.since <= line.occurred_on <= connection.until:
            continue
        covered = any(line.occurred_on <= c.until for c in earlier)
        yield book.number("view", rank, line.id) if covered else line.id, line, covered


def _account(
    book: Book,
    connection: Connection,
    number: int,
    item: DemoItem,
    views: list[tuple[int, Line, bool]],
    today: date,
) -> DemoAccount:
    holding = connection.holding
    opening = holding.opening + sum(
        line.cents
        for line in book.lines
        if line.holding is holding and line.moves and line.occurred_on < connection.since
    )
    moved = sum(line.cents for _, line, _ in views if line.moves and line.occurred_on <= today)
    moved += sum(cents for card, on, cents in book.paid_off if card is holding and on <= today)
    iban = book.number("iban", holding.key)
    is_card = holding.type is AccountType.card
    return DemoAccount(
        bridge_account_id=number,
        bridge_item_id=item.bridge_item_id,
        type=holding.type,
        name=holding.name,
        balance=_euros(opening + moved),
        opening_balance=_euros(opening),
        currency=holding.currency,
        iban_hash=None if is_card else blake2b(f"{iban}".encode(), digest_size=32).hexdigest(),
        iban_last4=None if is_card else f"{iban % 10000:04d}",
        last_sync_on=min(today, connection.until),
    )


def _row(number: int, account: int, line: Line, today: date) -> DemoRow:
    # Banks leave out what goes without saying, and not always.
    says_currency = line.currency is not None or line.id % 7 > 1
    return DemoRow(
        bridge_transaction_id=number,
        bridge_account_id=account,
        date=line.posted_on,
        transaction_date=line.occurred_on if line.operation == "card" else None,
        amount=_euros(line.cents),
        currency=(line.currency or line.holding.currency) if says_currency else None,
        label=line.label,
        clean_description=line.clean,
        merchant_name=line.merchant,
        category_id=line.category,
        operation_type=line.operation,
        deleted=line.deleted,
        future=line.posted_on > today,
    )


def _truth(line: Line, shown: set[int], covered: bool) -> Truth:
    if covered:
        return Truth(Kind.excluded, line.true_category, story="second_connection")
    kind, partner = line.kind, line.partner
    if partner and partner.id not in shown:
        # Half a transfer is, as long as the other bank is late, money that came or went.
        kind, partner = (Kind.income if line.cents > 0 else Kind.expense), None
    return Truth(
        kind,
        line.true_category,
        refund_of=line.refund_of.id if line.refund_of else None,
        refunded=_euros(line.refunded),
        pair=partner.id if partner else None,
        story=line.story,
    )


def _euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
