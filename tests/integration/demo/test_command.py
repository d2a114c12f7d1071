"""`harena-demo`, as a Job on a cluster runs it."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from harena_core.passwords import verify_password
from harena_db.tables import transactions, users
from harena_db.testing import Database
from harena_demo.cli import DemoSettings, load
from harena_demo.generator import DEMO_LOGINS
from harena_demo.store import DemoRefused

PASSWORD = "made by the chart"


@pytest.fixture
def settings(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoSettings:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("DATABASE_URL", database.url())
    monkeypatch.setenv("DEMO_PASSWORD_FILE", str(file))
    monkeypatch.setenv("TODAY", "2026-11-22")
    return DemoSettings()


async def test_loads_once_and_with_the_given_password(
    settings: DemoSettings, database: Database
) -> None:
    first = await load(settings)
    second = await load(settings)

    assert set(first) == {user.email for user in DEMO_LOGINS}
    assert set(second.values()) == {0}
    async with database.transaction() as connection:
        count = await connection.scalar(select(func.count()).select_from(transactions))
        hashes = list(await connection.scalars(select(users.c.password_hash)))
    assert count == sum(first.values())
    assert all(verify_password(PASSWORD, each)[0] for each in hashes)
    assert not any(verify_password(DEMO_LOGINS[0].password, each)[0] for each in hashes)


async def test_refuses_a_database_that_somebody_uses(
    settings: DemoSettings, database: Database
) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(users).values(email="ada@example.com", password_hash="x"))

    with pytest.raises(DemoRefused):
        await load(settings)

    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM users")) == 1
