"""The queries. A repository holds its transaction, and names the user in every query as well."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_db.tables import (
    accounts,
    bridge_connections,
    categories,
    category_groups,
    items,
    sessions,
    transactions,
    user_preferences,
    users,
)
from harena_ledger import categories as reference
from harena_ledger.model import Account as LedgerAccount
from harena_ledger.model import AccountType, Kind
from harena_ledger.scope import EURO
from harena_user.schemas import (
    Account,
    BridgeConnection,
    Category,
    CategoryGroup,
    Item,
    Preferences,
    Transaction,
    TransactionQuery,
    User,
)

UNIQUE_VIOLATION = "23505"  # SQLSTATE

# No household comes near; a list without pages is bounded all the same.
MAX_ROWS = 1000
# Sessions that a user has at once; the one begun longest ago ends when there are more.
MAX_SESSIONS = 1000


class Repository:
    """Queries of one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection


@dataclass(frozen=True, slots=True)
class Login:
    """What a password is compared with."""

    user_id: int
    password_hash: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """What a user is called."""

    email: str
    first_name: str | None
    last_name: str | None


class EmailTaken(Exception):
    """Another account has this address."""


@contextmanager
def _unique_email() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        raise EmailTaken from error


class UserRepository(Repository):
    """Accounts of people, with their preferences."""

    async def find_login(self, email: str) -> Login | None:
        """The one thing that can be asked without being anybody."""
        found = func.find_login(email).table_valued("id", "password_hash", "is_active")
        row = (await self._connection.execute(select(found))).one_or_none()
        return Login(row.id, row.password_hash, row.is_active) if row else None

    async def next_id(self) -> int:
        """An id that nobody has: a row can only be added by a transaction bound to its user."""
        taken = await self._connection.execute(select(func.nextval("users_id_seq")))
        number: int = taken.scalar_one()
        return number

    async def add(self, user_id: int, **values: Any) -> None:
        """Raises EmailTaken."""
        with _unique_email():
            await self._connection.execute(insert(users).values(id=user_id, **values))

    async def add_preferences(self, user_id: int, **sections: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(user_preferences).values(user_id=user_id, **sections))

    async def find(self, user_id: int) -> User | None:
        # Not the whole table: nobody may read a password's hash.
        names = ("id", "email", "first_name", "last_name", "is_active", "is_superuser")
        columns = [users.c[name] for name in (*names, "created_at", "updated_at")]
        row = (
            await self._connection.execute(select(*columns).where(users.c.id == user_id))
        ).one_or_none()
        if row is None:
            return None
        user = User.model_validate(row)
        user.preferences = await self.find_preferences(user_id)
        connections = await self._connection.execute(
            select(bridge_connections).where(bridge_connections.c.user_id == user_id)
        )
        user.bridge_connections = [BridgeConnection.model_validate(row) for row in connections]
        return user

    async def find_preferences(self, user_id: int, *, lock: bool = False) -> Preferences | None:
        """`lock`: nobody else changes them before this transaction ends."""
        query = select(user_preferences).where(user_preferences.c.user_id == user_id)
        if lock:
            query = query.with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        return Preferences.model_validate(row) if row else None

    async def lock(self, user_id: int, *, shared: bool = False) -> Identity | None:
        """The user, whom nobody changes before this transaction ends; nor the password.

        `shared` only keeps changes away; otherwise one such transaction at a time.
        """
        query = (
            select(users.c.email, users.c.first_name, users.c.last_name)
            .where(users.c.id == user_id)
            .with_for_update(read=shared, key_share=not shared)
        )
        row = (await self._connection.execute(query)).one_or_none()
        return Identity(*row) if row else None

    async def update(self, user_id: int, **values: Any) -> None:
        """Raises EmailTaken."""
        with _unique_email():
            await self._connection.execute(
                update(users).where(users.c.id == user_id).values(**values)
            )

    async def update_preferences(self, user_id: int, **sections: Mapping[str, Any]) -> None:
        await self._connection.execute(
            update(user_preferences).where(user_preferences.c.user_id == user_id).values(**sections)
        )


class SessionRepository(Repository):
    """Sessions: a token is good while its own is live."""

    async def begin(self, user_id: int, expires_at: datetime) -> UUID:
        """A new session; those that are over are cleared away."""
        kept = (
            select(sessions.c.id)
            .where(sessions.c.user_id == user_id, sessions.c.expires_at > func.now())
            .order_by(sessions.c.created_at.desc())
            .limit(MAX_SESSIONS - 1)
        )
        await self._connection.execute(
            delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id.not_in(kept))
        )
        begun = await self._connection.execute(
            insert(sessions).values(user_id=user_id, expires_at=expires_at).returning(sessions.c.id)
        )
        session_id: UUID = begun.scalar_one()
        return session_id

    async def revoke(self, user_id: int, session_id: UUID | None = None) -> Sequence[UUID]:
        """Ends one session, or all; the ids of those that ended."""
        live = [sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None)]
        if session_id is not None:
            live.append(sessions.c.id == session_id)
        ended = await self._connection.scalars(
            update(sessions).where(*live).values(revoked_at=func.now()).returning(sessions.c.id)
        )
        return ended.all()


_ACCOUNT = (
    accounts.c.bridge_account_id.label("id"),
    items.c.bridge_item_id.label("item_id"),
    accounts.c.name,
    accounts.c.type,
    accounts.c.balance,
    func.coalesce(accounts.c.currency_code, EURO).label("currency_code"),
    ("•••• " + accounts.c.iban_last4).label("iban_masked"),
    accounts.c.last_sync_at,
)

_ITEM = (
    items.c.bridge_item_id.label("id"),
    func.coalesce(items.c.bank_name, "Banque").label("bank_name"),
    items.c.status,
    items.c.status_code_info,
    items.c.status_code_description,
    items.c.created_at,
)


class BankRepository(Repository):
    """What the bank connections brought. Ids are the bank API's, in and out."""

    async def items(self, user_id: int) -> list[Item]:
        query = select(*_ITEM).where(items.c.user_id == user_id)
        rows = await self._connection.execute(
            query.order_by(items.c.created_at, items.c.id).limit(MAX_ROWS)
        )
        return [Item.model_validate(row) for row in rows]

    async def item(self, user_id: int, item_id: int) -> Item | None:
        query = select(*_ITEM).where(items.c.user_id == user_id, items.c.bridge_item_id == item_id)
        row = await self._one(query)
        return Item.model_validate(row) if row else None

    async def accounts(self, user_id: int, item_id: int | None = None) -> list[Account]:
        query = self._accounts(user_id)
        if item_id is not None:
            query = query.where(items.c.bridge_item_id == item_id)
        rows = await self._connection.execute(
            query.order_by(accounts.c.item_id, accounts.c.id).limit(MAX_ROWS)
        )
        return [Account.model_validate(row) for row in rows]

    async def account(self, user_id: int, account_id: int) -> Account | None:
        query = self._accounts(user_id).where(accounts.c.bridge_account_id == account_id)
        row = await self._one(query)
        return Account.model_validate(row) if row else None

    async def places(self, user_id: int) -> list[LedgerAccount]:
        """The accounts as far as a selection of them needs: which they are, wherever they move."""
        query = select(
            accounts.c.bridge_account_id, accounts.c.type, accounts.c.name, accounts.c.iban_hash
        ).where(accounts.c.user_id == user_id)
        rows = await self._connection.execute(query.limit(MAX_ROWS))
        return [
            LedgerAccount(id_, AccountType(type_), name, iban_hash=iban_hash)
            for id_, type_, name, iban_hash in rows
        ]

    async def transactions(
        self, user_id: int, query: TransactionQuery, *, today: date
    ) -> tuple[list[Transaction], int]:
        """One page, and how many there are in all. Rows that the bank deleted are not shown."""
        matching = _matching(user_id, query)
        total = await self._connection.scalar(
            select(func.count()).select_from(transactions).where(*matching)
        )
        # The page is cut before anything is joined to it.
        page = (
            select(transactions.c.id)
            .where(*matching)
            .order_by(transactions.c.occurred_on.desc(), transactions.c.id.desc())
            .limit(query.limit)
            .offset(query.offset)
        )
        rows = await self._connection.execute(
            _transactions(user_id, today)
            .where(transactions.c.id.in_(page))
            .order_by(transactions.c.occurred_on.desc(), transactions.c.id.desc())
        )
        return [Transaction.model_validate(row) for row in rows], total or 0

    async def transaction(
        self, user_id: int, transaction_id: int, *, today: date
    ) -> Transaction | None:
        row = await self._one(
            _transactions(user_id, today).where(
                transactions.c.bridge_transaction_id == transaction_id,
                ~transactions.c.deleted,
            )
        )
        return Transaction.model_validate(row) if row else None

    async def _one(self, query: Select[Any]) -> Row[Any] | None:
        row: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        return row

    @staticmethod
    def _accounts(user_id: int) -> Select[Any]:
        return (
            select(*_ACCOUNT)
            .join_from(accounts, items, _to(accounts, "item_id", items))
            .where(accounts.c.user_id == user_id)
        )


def _to(left: FromClause, reference_column: str, right: FromClause) -> ColumnElement[bool]:
    """The condition of a join by reference; the user is part of it."""
    return and_(left.c[reference_column] == right.c.id, left.c.user_id == right.c.user_id)


def _matching(user_id: int, query: TransactionQuery) -> list[ColumnElement[bool]]:
    day = transactions.c.occurred_on
    conditions = [transactions.c.user_id == user_id, ~transactions.c.deleted]
    conditions += [day >= first for first in (query.since, query.min_date) if first]
    conditions += [day <= last for last in (query.until, query.max_date) if last]
    if query.account_id is not None:
        account = select(accounts.c.id).where(
            accounts.c.user_id == user_id, accounts.c.bridge_account_id == query.account_id
        )
        conditions.append(transactions.c.account_id == account.scalar_subquery())
    return conditions


def _transactions(user_id: int, today: date) -> Select[Any]:
    refunded, pair = transactions.alias("refunded"), transactions.alias("pair")
    row = transactions.c
    return (
        select(
            row.bridge_transaction_id.label("id"),
            accounts.c.bridge_account_id.label("account_id"),
            accounts.c.name.label("account_name"),
            row.amount,
            func.coalesce(row.currency_code, accounts.c.currency_code, EURO).label("currency_code"),
            row.occurred_on,
            row.date,
            row.transaction_date,
            row.booking_date,
            row.value_date,
            row.provider_description.label("label"),
            row.clean_description,
            func.coalesce(row.merchant, row.merchant_name).label("merchant"),
            row.operation_type,
            categories.c.id.label("category_id"),
            categories.c.name.label("category_name"),
            categories.c.category_class,
            # What is stored is what the row will be once its day has come.
            case((row.occurred_on > today, Kind.excluded), else_=row.kind).label("kind"),
            row.refunded,
            refunded.c.bridge_transaction_id.label("refund_of"),
            pair.c.bridge_transaction_id.label("paired_with"),
            row.future,
        )
        .select_from(transactions)
        .join(accounts, _to(transactions, "account_id", accounts))
        .join(
            categories,
            categories.c.id
            == func.coalesce(row.counted_category_id, row.category_id, reference.UNCLASSIFIED),
        )
        .outerjoin(refunded, _to(transactions, "refund_of", refunded))
        .outerjoin(pair, _to(transactions, "paired_with", pair))
        .where(row.user_id == user_id)
    )


class CategoryRepository(Repository):
    """Reference data, the same for everybody."""

    async def groups(self) -> list[CategoryGroup]:
        found = await self._connection.execute(
            select(category_groups.c.id, category_groups.c.name).order_by(category_groups.c.id)
        )
        groups = {row.id: CategoryGroup(id=row.id, name=row.name, categories=[]) for row in found}
        for row in await self._connection.execute(select(categories).order_by(categories.c.id)):
            groups[row.group_id].categories.append(Category.model_validate(row))
        return list(groups.values())
