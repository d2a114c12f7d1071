"""The four demo households, 24 months each, to the cent, against DuckDB over the exported tables.

DuckDB computes from the rows' kinds, not from the days that the service reads, and knows neither
our scope nor our periods: both are written out here once more, in its SQL.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import httpx2
import pytest
from sqlalchemy import select, text
from tests.integration.metric.conftest import Start, ask

from harena_core.clock import Clock
from harena_core.testing import Caller, TokenMint
from harena_db.tables import users
from harena_db.testing import Database, begin_session
from harena_demo.generator import DEMO_LOGINS
from harena_demo.loader import top_up
from harena_demo.store import claim

# In the middle of a month whose predecessor is longer, and not the last day of a year.
TODAY = date(2026, 11, 24)
MONTHS = 24

_EXPORT = """
    SELECT t.user_id, t.occurred_on, t.kind, t.amount, t.refunded, t.counted_category_id,
           coalesce(t.currency_code, a.currency_code, 'EUR') AS currency,
           a.type AS account_type, a.last_sync_at::date AS synced_on
    FROM transactions t JOIN accounts a ON a.id = t.account_id
"""
_TOTALS = """
    SELECT coalesce(sum(CASE WHEN kind = 'income' THEN amount
                             WHEN kind = 'refund' THEN amount - refunded END), 0),
           coalesce(sum(CASE WHEN kind = 'expense' THEN -amount
                             WHEN kind = 'refund' THEN -refunded END), 0)
    FROM rows
    WHERE user_id = $user AND occurred_on >= $first AND occurred_on < $after
      AND occurred_on <= $today AND currency = 'EUR' AND account_type IN ('checking', 'card')
"""


@dataclass(slots=True)
class Oracle:
    """What the figures should be."""

    connection: duckdb.DuckDBPyConnection

    def totals(self, user: Caller, first: date, after: date) -> tuple[Decimal, Decimal]:
        """Income and expenses, net of refunds, of the days from `first` to before `after`."""
        found = self.connection.execute(
            _TOTALS, {"user": user.user_id, "first": first, "after": after, "today": TODAY}
        ).fetchone()
        assert found is not None
        return found[0], found[1]


def cents(value: Decimal) -> float:
    return float(value.quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def percentage(target: Decimal, reference: Decimal) -> float:
    if not reference:
        return 100.0 if target else 0.0
    return cents((target - reference) / reference * 100)


def month(back: int) -> tuple[date, date]:
    """First day of the month so many before today's, and of the next one."""
    number = TODAY.year * 12 + TODAY.month - 1 - back
    after = number + 1
    return date(number // 12, number % 12 + 1, 1), date(after // 12, after % 12 + 1, 1)


@pytest.fixture
async def people(database: Database, mint: TokenMint) -> dict[str, Caller]:
    """Every demo household, logged in."""
    async with database.transaction() as connection:
        await claim(connection)
    await top_up(database.url(), clock=Clock(ZoneInfo("Europe/Paris"), TODAY))
    found = {}
    async with database.transaction() as connection:
        for login in DEMO_LOGINS:
            user_id = await connection.scalar(
                select(users.c.id).where(users.c.email == login.email)
            )
            assert user_id is not None
            session_id = await begin_session(connection, user_id)
            found[login.email] = Caller(user_id, session_id, mint)
    return found


@pytest.fixture
async def oracle(
    database: Database, people: dict[str, Caller], tmp_path: Path
) -> AsyncIterator[Oracle]:
    file = tmp_path / "rows.csv"
    async with database.transaction() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.copy_from_query(
            _EXPORT, output=str(file), format="csv", header=True
        )
    with duckdb.connect() as memory:
        memory.execute(
            "CREATE TABLE rows AS SELECT * FROM read_csv(?, types = {"
            "'amount': 'DECIMAL(14,2)', 'refunded': 'DECIMAL(14,2)', 'occurred_on': 'DATE'})",
            [str(file)],
        )
        yield Oracle(memory)


def compared(flow: str, oracle: Oracle, user: Caller, data: dict[str, Any]) -> Iterator[str]:
    """What of an answer is not as it should be, its periods taken as they are."""
    at = 0 if flow == "income" else 1
    totals = {}
    for name in ("periode_talon", "periode_cible"):
        period = data[name]
        first, after = (date.fromisoformat(period[bound]) for bound in ("start", "end"))
        totals[name] = max(oracle.totals(user, first, after)[at], Decimal(0))
        if period["total"] != cents(totals[name]):
            yield f"{name} {first}: {period['total']} is not {totals[name]}"
        if period["jours"] != (after - first).days:
            yield f"{name} {first}: {period['jours']} days"
    target, reference = totals["periode_cible"], totals["periode_talon"]
    if data["variation"]["montant"] != cents(target - reference):
        yield f"montant {data['variation']}"
    if data["variation"]["pourcentage"] != percentage(target, reference):
        yield f"pourcentage {data['variation']}"


def bounds(data: dict[str, Any], name: str) -> tuple[date, date]:
    period = data[name]
    return date.fromisoformat(period["start"]), date.fromisoformat(period["end"])


async def check_months(client: httpx2.AsyncClient, oracle: Oracle, user: Caller) -> list[str]:
    wrong: list[str] = []
    for back in range(1, MONTHS + 1):
        first, after = month(back)
        query = {"mois_cible": first.month, "annee_cible": first.year}
        for flow in ("expenses", "income"):
            data = await ask(client, user, f"{flow}/mom", **query)
            if bounds(data, "periode_cible") != (first, after):
                wrong.append(f"{first}: {data['periode_cible']}")
            if bounds(data, "periode_talon") != month(back + 1):
                wrong.append(f"{first}: {data['periode_talon']}")
            wrong += compared(flow, oracle, user, data)
        data = await ask(client, user, "coverage", mois=first.month, annee=first.year)
        income, expenses = oracle.totals(user, first, after)
        rate = cents((income - expenses) / income * 100) if income else -100.0
        figures = [data[name] for name in ("revenus", "depenses", "solde", "taux_couverture")]
        if figures != [cents(income), cents(expenses), cents(income - expenses), rate]:
            wrong.append(f"coverage {first}: {figures}")
    return wrong


async def test_all_figures_are_those_of_duckdb(
    start: Start, people: dict[str, Caller], oracle: Oracle
) -> None:
    wrong: list[str] = []
    async with start(TODAY) as client:
        for user in people.values():
            wrong += await check_months(client, oracle, user)
            for year in (2025, 2026):
                for flow in ("expenses", "income"):
                    data = await ask(client, user, f"{flow}/yoy", annee_cible=year)
                    wrong += compared(flow, oracle, user, data)
            # What the web client asks for: the current periods, up to the day that is known.
            for metric in ("expenses/mom", "income/mom", "expenses/yoy", "income/yoy"):
                data = await ask(client, user, metric)
                wrong += compared(metric.partition("/")[0], oracle, user, data)
                known = date.fromisoformat(data["as_of"])
                assert TODAY - timedelta(days=31) < known <= TODAY
                assert bounds(data, "periode_cible")[1] == known + timedelta(days=1)
                assert data["periode_cible"]["total"] > 0
    assert wrong == []


async def test_months_sum_to_the_year_and_categories_to_the_month(
    database: Database, start: Start, people: dict[str, Caller]
) -> None:
    async with database.transaction() as connection:
        names = list(await connection.scalars(text("SELECT name FROM categories")))
    async with start(TODAY) as client:
        for user in people.values():
            months = [
                (await ask(client, user, "coverage", mois=number, annee=2025))
                for number in range(1, 13)
            ]
            year = await ask(client, user, "expenses/yoy", annee_cible=2025)
            assert not any(each["net_refund"] for each in months)
            total = sum((Decimal(str(each["depenses"])) for each in months), Decimal(0))
            assert cents(total) == year["periode_cible"]["total"]

            march = {"mois_cible": 3, "annee_cible": 2026}
            income = [
                await ask(client, user, "income/mom", **march, categorie=name) for name in names
            ]
            whole = await ask(client, user, "income/mom", **march)
            parts = sum(
                (Decimal(str(each["periode_cible"]["total"])) for each in income), Decimal(0)
            )
            assert cents(parts) == whole["periode_cible"]["total"]
