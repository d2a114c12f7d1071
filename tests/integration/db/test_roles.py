"""The services' logins on a server that has none yet, through the command line as an installer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.conftest import serving_postgres

from harena_db import cli, migrate, roles
from harena_db.owner import open_owner
from harena_local.postgres import Postgres

PASSWORDS = {role: f"secret of {role}" for role in roles.ROLES}
# Neither a login, nor a password that one would work with again.
CAN_LOG_IN = """
    SELECT rolcanlogin OR rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'harena_budget'
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Roles belong to a server, so these tests have one of their own."""
    with serving_postgres(tmp_path_factory.mktemp("bare")) as (postgres, _):
        yield postgres


@pytest.fixture
def server(bare: Postgres) -> Iterator[Postgres]:
    """Without any role or database of ours, before and after."""
    yield bare
    bare.execute("DROP DATABASE IF EXISTS harena WITH (FORCE)")
    for role in ("harena", *roles.ROLES, roles.MONITOR):
        bare.execute(f"DROP ROLE IF EXISTS {role}")


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[AsyncConnection]:
    async with (
        open_owner(url, timeout=10, command_timeout=30) as engine,
        engine.begin() as connection,
    ):
        yield connection


async def bootstrap(server: Postgres, passwords: dict[str, str]) -> None:
    async with connect(server.url("postgres")) as connection:
        await roles.bootstrap(connection, passwords)


async def logs_in(server: Postgres, role: str, password: str) -> bool:
    try:
        async with connect(server.url("postgres", role, password)) as connection:
            return bool(await connection.scalar(text("SELECT session_user")) == role)
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) != "28P01":  # invalid_password
            raise
        return False


class TestBootstrap:
    async def test_several_at_once(self, server: Postgres) -> None:
        await asyncio.gather(*(bootstrap(server, PASSWORDS) for _ in range(4)))
        for role, password in PASSWORDS.items():
            assert await logs_in(server, role, password)
            assert not await logs_in(server, role, "another")

    async def test_again_changes_the_passwords(self, server: Postgres) -> None:
        await bootstrap(server, PASSWORDS)
        await bootstrap(server, dict.fromkeys(roles.ROLES, "new"))
        assert await logs_in(server, "harena_user", "new")
        assert not await logs_in(server, "harena_user", PASSWORDS["harena_user"])

    @pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB"])
    async def test_refuses_a_role_with_power(self, server: Postgres, power: str) -> None:
        server.execute(f"CREATE ROLE harena_metric {power}")
        with pytest.raises(roles.RoleTooPowerful, match="harena_metric"):
            await bootstrap(server, PASSWORDS)
        assert not await logs_in(server, "harena_user", PASSWORDS["harena_user"])

    async def test_all_or_none(self, server: Postgres) -> None:
        with pytest.raises(ValueError, match="ASCII"):
            await bootstrap(server, {**PASSWORDS, roles.ROLES[-1]: "motdepassé"})
        assert server.execute("SELECT count(*) FROM pg_roles WHERE rolname ~ '^harena'") == [["0"]]

    async def test_a_role_without_a_password_cannot_log_in(self, server: Postgres) -> None:
        unused = {role: password for role, password in PASSWORDS.items() if "budget" not in role}
        await bootstrap(server, unused)
        assert server.execute(CAN_LOG_IN) == [["f"]]

        await bootstrap(server, PASSWORDS)
        assert await logs_in(server, "harena_budget", PASSWORDS["harena_budget"])
        await bootstrap(server, unused)
        assert server.execute(CAN_LOG_IN) == [["f"]]
        assert await logs_in(server, "harena_user", PASSWORDS["harena_user"])

    async def test_without_a_password_for_it_there_is_no_monitor(self, server: Postgres) -> None:
        await bootstrap(server, PASSWORDS)

        assert server.execute("SELECT to_regrole('harena_monitor')") == [[""]]

    async def test_the_monitor_is_held_to_the_same(self, server: Postgres) -> None:
        server.execute(f"CREATE ROLE {roles.MONITOR} BYPASSRLS")

        with pytest.raises(roles.RoleTooPowerful, match=roles.MONITOR):
            await bootstrap(server, {**PASSWORDS, roles.MONITOR: "secret"})


class TestCommandLine:
    @pytest.fixture
    def owner_url(self, server: Postgres) -> str:
        server.execute("CREATE ROLE harena LOGIN PASSWORD 'owner'")
        server.execute("CREATE DATABASE harena OWNER harena")
        return server.url("harena", "harena", "owner")

    def test_installs_and_removes(
        self,
        server: Postgres,
        owner_url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def says(*arguments: str) -> str:
            cli.main(arguments)
            return capsys.readouterr().out.strip()

        head = migrate.head()
        monkeypatch.setenv("DATABASE_URL", owner_url)
        with pytest.raises(SystemExit, match="run `harena-db bootstrap` first"):
            cli.main(["upgrade"])
        assert says("current") == f"revision: none (newest: {head})"

        for role, password in PASSWORDS.items():
            monkeypatch.setenv(f"{role}_PASSWORD".upper(), password)
        secret = tmp_path / "password"
        secret.write_text("from a file\n")
        monkeypatch.delenv("HARENA_METRIC_PASSWORD")
        monkeypatch.setenv("HARENA_METRIC_PASSWORD_FILE", str(secret))
        monkeypatch.setenv("DATABASE_URL", server.url("postgres"))
        assert says("bootstrap") == f"logins: {', '.join(roles.ROLES)}"
        monkeypatch.setenv("HARENA_MONITOR_PASSWORD", "of the monitor")
        assert says("bootstrap") == f"logins: {', '.join((*roles.ROLES, roles.MONITOR))}"
        assert asyncio.run(logs_in(server, roles.MONITOR, "of the monitor"))

        monkeypatch.setenv("DATABASE_URL", owner_url.replace("postgresql://", "postgres://"))
        assert says("upgrade") == f"revision: {head} (newest: {head})"
        assert asyncio.run(logs_in(server, "harena_metric", "from a file"))
        assert says("downgrade", "0001") == f"revision: 0001 (newest: {head})"
        assert says("upgrade", "0002") == f"revision: 0002 (newest: {head})"
        assert says("downgrade", "base") == f"revision: none (newest: {head})"

    def test_installs_for_fewer_services(
        self,
        server: Postgres,
        owner_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", server.url("postgres"))
        monkeypatch.setenv("HARENA_USER_PASSWORD", PASSWORDS["harena_user"])
        cli.main(["bootstrap"])
        assert capsys.readouterr().out == "logins: harena_user\n"

        monkeypatch.setenv("DATABASE_URL", owner_url)
        cli.main(["upgrade"])
        url = server.url("harena", "harena_user", PASSWORDS["harena_user"])
        monkeypatch.setenv("DATABASE_URL", url)
        cli.main(["ready"])

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("mysql://somewhere/else", "not of the form"),
            ("postgres://harena:wrong-secret@127.0.0.1:{port}/harena", "authentication failed"),
            ("postgres://harena:owner@127.0.0.1:1/harena", "Connect call failed"),
            ("postgres://harena:owner@127.0.0.1:{port}/none", "does not exist"),
        ],
    )
    def test_says_in_one_line_what_is_wrong(
        self,
        server: Postgres,
        owner_url: str,
        monkeypatch: pytest.MonkeyPatch,
        url: str,
        reason: str,
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url.format(port=server.port))
        with pytest.raises(SystemExit, match=reason) as ended:
            cli.main(["current"])
        assert "secret" not in str(ended.value)
        assert len(str(ended.value).splitlines()) == 1


class TestReady:
    """What a service's pod asks before it serves."""

    @pytest.fixture
    def role_url(self, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
        server.execute("CREATE ROLE harena LOGIN PASSWORD 'owner'")
        server.execute("CREATE DATABASE harena OWNER harena")
        asyncio.run(bootstrap(server, PASSWORDS))
        url = server.url("harena", "harena_search", PASSWORDS["harena_search"])
        monkeypatch.setenv("DATABASE_URL", url)
        return server.url("harena", "harena", "owner")

    def test_only_with_this_release_s_schema(self, role_url: str) -> None:
        with pytest.raises(SystemExit, match="alembic_version|not yet at"):
            cli.main(["ready"])
        asyncio.run(migrate.upgrade(role_url, "0003"))
        with pytest.raises(SystemExit):
            cli.main(["ready"])
        asyncio.run(migrate.upgrade(role_url))
        cli.main(["ready"])

    def test_with_a_later_release_s_schema_after_going_back(
        self, server: Postgres, role_url: str
    ) -> None:
        asyncio.run(migrate.upgrade(role_url))
        server.execute("UPDATE alembic_version SET version_num = 'later'", database="harena")

        cli.main(["ready"])
        asyncio.run(migrate.upgrade(role_url))

        assert asyncio.run(migrate.current(role_url)) == "later"

    def test_waits_for_a_migration_that_is_under_way(
        self, role_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli, "POLL_SECONDS", 0.05)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(cli.main, ["--wait", "30", "ready"])
            asyncio.run(migrate.upgrade(role_url))
            waiting.result(timeout=30)

    async def test_asks_no_lock_of_a_migration_that_is_under_way(
        self, role_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(migrate, "_LOCK_SECONDS", 0.1)
        await migrate.upgrade(role_url, "0003")
        async with connect(role_url) as migration:
            await migration.execute(migrate._TAKE_TURNS)

            assert await migrate.current(role_url) == "0003"
            with pytest.raises(DBAPIError) as turned_away:
                await migrate.upgrade(role_url)

        assert cli._may_pass(turned_away.value)

    def test_does_not_wait_for_what_will_never_be(
        self, role_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/else")
        with pytest.raises(SystemExit, match="not of the form"):
            cli.main(["--wait", "30", "ready"])
