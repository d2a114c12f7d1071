"""The demo households in a database: loaded once, and brought up to the day from then on."""

from asyncio import to_thread
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.clock import Clock
from harena_core.passwords import hash_password
from harena_db.ledger import reclassify
from harena_db.owner import open_owner
from harena_db.tables import accounts, transactions, users
from harena_demo.generator import DEFAULT_SEED, DEMO_LOGINS, households
from harena_demo.model import DemoHousehold
from harena_demo.store import (
    DemoRefused,
    copy_rows,
    midday,
    refuse_unless_embedded,
    write_accounts,
    write_household,
)

NEVER = datetime.min.replace(tzinfo=UTC)

# A user without accounts has reached no day: everything is to be written.
_REACHED = (
    select(users.c.email, func.coalesce(func.max(accounts.c.last_sync_at), NEVER))
    .outerjoin(accounts, accounts.c.user_id == users.c.id)
    .where(users.c.email.in_([user.email for user in DEMO_LOGINS]))
    .group_by(users.c.email)
)
_READ_AGAIN = text("""
    UPDATE accounts SET balance = :balance, last_sync_at = :read_at
    WHERE user_id = :user_id AND bridge_account_id = :number
""")
_DAY_HAS_COME = text("""
    UPDATE transactions SET future = false
    WHERE user_id = :user_id AND future AND date <= :today
""")


async def top_up(
    database_url: str, *, clock: Clock, seed: int = DEFAULT_SEED, password: str | None = None
) -> dict[str, int]:
    """Loads the households that are missing, and gives the others what came since they were loaded.

    Each household is one transaction. Nothing at all changes on a second call of the same day, nor
    when `clock` is before the day that the database has reached. Needs the tables' owner. With a
    `password`, whoever is added has it instead of the documented one.

    Returns:
        The number of rows added, by e-mail address.

    Raises:
        DemoRefused: This database was not made for demo data, or one of the e-mail
            addresses belongs to somebody whose accounts are not those of this seed.
    """
    added = dict.fromkeys((user.email for user in DEMO_LOGINS), 0)
    async with open_owner(database_url) as engine:
        async with engine.connect() as connection:
            await refuse_unless_embedded(connection)
            reached = {email: day for email, day in await connection.execute(_REACHED)}
        midday_today = midday(clock.today())
        if all(reached.get(email, NEVER) >= midday_today for email in added):
            return added
        for household in households(seed, clock.today()):
            email = household.user.email
            if email not in reached:
                password_hash = await to_thread(hash_password, password or household.user.password)
                async with engine.begin() as connection:
                    await write_household(connection, household, password_hash)
                added[email] = len(household.rows)
            elif reached[email] < midday_today:
                async with engine.begin() as connection:
                    added[email] = await _add(connection, household, clock)
    return added


async def _add(connection: AsyncConnection, household: DemoHousehold, clock: Clock) -> int:
    email = household.user.email
    user_id = (
        await connection.execute(select(users.c.id).where(users.c.email == email).with_for_update())
    ).scalar_one()
    stored = await connection.execute(
        select(accounts.c.bridge_account_id, accounts.c.id).where(accounts.c.user_id == user_id)
    )
    known = {number: account_id for number, account_id in stored}
    if not known.keys() <= {account.bridge_account_id for account in household.accounts}:
        raise DemoRefused(
            f"{email} has other accounts than this seed gives: delete that user, or use its seed."
        )
    account_ids = await write_accounts(connection, user_id, household, known)
    present = set(
        await connection.scalars(
            select(transactions.c.bridge_transaction_id).where(transactions.c.user_id == user_id)
        )
    )
    new = [row for row in household.rows if row.bridge_transaction_id not in present]
    await copy_rows(connection, user_id, new, account_ids)
    await connection.execute(_DAY_HAS_COME, {"user_id": user_id, "today": clock.today()})
    for account in household.accounts:
        await connection.execute(
            _READ_AGAIN,
            {
                "user_id": user_id,
                "number": account.bridge_account_id,
                "balance": account.balance,
                "read_at": midday(account.last_sync_on),
            },
        )
    # Not only what was added: a transfer's other half may have arrived.
    await reclassify(connection, user_id, timezone=clock.timezone)
    return len(new)
