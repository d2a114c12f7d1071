"""Backup and restore, against a real server: whole, or nothing has changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harena_local import backup
from harena_local.layout import DATABASE, OWNER
from harena_local.postgres import Postgres
from harena_local.process import LocalError


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
