"""Backup and restore, against a real server: whole, or nothing has changed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from harena_local import backup
from harena_local.layout import DATABASE, OWNER
from harena_local.postgres import PSQL_SECONDS, Postgres
from harena_local.process import LocalError, wait_until


@pytest.fixture
def server(postgres: Postgres, database_server: str) -> Iterator[Postgres]:
    """A server whose database has one table of three rows; the roles are `database_server`'s."""
    postgres.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    postgres.execute(
        f"SET ROLE {OWNER}; CREATE TABLE rows AS SELECT generate_series(1, 3) AS id;"
        "GRANT SELECT ON rows TO harena_metric;",
        DATABASE,
    )
    yield postgres
    postgres.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def rows(server: Postgres) -> str:
    [[found]] = server.execute("SELECT string_agg(id::text, ',' ORDER BY id) FROM rows", DATABASE)
    return found


class Dying(Postgres):
    """A server whose psql ends after some statements of what exchanges the databases."""

    after: ClassVar[list[int]] = []

    def execute(
        self, sql: str, database: str = "postgres", *, seconds: float = PSQL_SECONDS
    ) -> list[list[str]]:
        if "RENAME" in sql:
            statements = sql.split(";")
            statements.insert(self.after.pop(), "SELECT 1 / 0")
            sql = ";".join(statements)
        return super().execute(sql, database, seconds=seconds)


class TestBackup:
    def test_comes_back_with_every_row_its_owner_and_its_grants(
        self, server: Postgres, tmp_path: Path
    ) -> None:
        file = backup.dump(server, tmp_path)
        server.execute("DELETE FROM rows WHERE id = 2; INSERT INTO rows VALUES (9)", DATABASE)
        backup.restore(server, backup.newest(tmp_path))
        assert rows(server) == "1,2,3"
        assert server.execute("SET ROLE harena_metric; SELECT count(*) FROM rows", DATABASE) == [
            ["3"]
        ]
        assert [path.name for path in tmp_path.iterdir()] == [file.name]
        assert file.stat().st_mode & 0o077 == 0

    def test_a_damaged_one_changes_nothing(self, server: Postgres, tmp_path: Path) -> None:
        file = backup.dump(server, tmp_path)
        file.write_bytes(file.read_bytes()[:-200])
        server.execute("INSERT INTO rows VALUES (4)", DATABASE)
        with pytest.raises(LocalError, match="pg_restore failed"):
            backup.restore(server, file)
        assert rows(server) == "1,2,3,4"
        assert server.execute("SELECT count(*) FROM pg_database WHERE datname ~ 'restored'") == [
            ["0"]
        ]

    @pytest.mark.parametrize("statements", range(5))
    def test_one_that_ends_amid_the_exchange_changes_nothing(
        self, server: Postgres, tmp_path: Path, statements: int
    ) -> None:
        file = backup.dump(server, tmp_path)
        server.execute("INSERT INTO rows VALUES (4)", DATABASE)
        dying = Dying(server.data, server.port, server.password, server.durable, server.who)
        dying.after.append(statements)

        with pytest.raises(LocalError, match="division by zero"):
            backup.restore(dying, file)

        assert rows(server) == "1,2,3,4"
        backup.restore(server, file)
        assert rows(server) == "1,2,3"

    def test_one_who_is_connected_is_sent_away(self, server: Postgres, tmp_path: Path) -> None:
        file = backup.dump(server, tmp_path)
        command, environment = server.client("psql", "-Xq", "-d", DATABASE)
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        ) as someone:
            connected = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{DATABASE}'"  # noqa: S608
            assert wait_until(lambda: len(server.execute(connected)) == 1, 10)
            backup.restore(server, file)
            someone.communicate()
        assert rows(server) == "1,2,3"

    def test_a_failed_one_leaves_no_file(self, postgres: Postgres, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="pg_dump failed"):
            backup.dump(postgres, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_none_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="`harena backup` makes one"):
            backup.newest(tmp_path)

    def test_a_file_that_is_not_there(self, server: Postgres, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="is no file"):
            backup.restore(server, tmp_path / "none.dump")
        assert rows(server) == "1,2,3"
