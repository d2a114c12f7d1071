"""Backups of the platform's database, by Postgres' own tools, and the way back."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from harena_local.layout import DATABASE, OWNER
from harena_local.postgres import Postgres
from harena_local.process import LocalError, run

DUMP_SECONDS = 3600
_RESTORED = "harena_restored"
_REPLACED = "harena_replaced"

# One transaction: whatever ends it, there is one database of the name, and it is whole. Renaming
# needs nobody to be connected.
_SWAP = f"""
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{DATABASE}';
BEGIN;
ALTER DATABASE {DATABASE} RENAME TO {_REPLACED};
ALTER DATABASE {_RESTORED} RENAME TO {DATABASE};
COMMIT;
"""  # noqa: S608 -- put together of constants


def dump(postgres: Postgres, folder: Path) -> Path:
    """Writes a backup and returns its file: complete, or none is left.

    Raises LocalError with pg_dump's words.
    """
    target = folder / f"harena-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    unfinished = target.with_suffix(".part")
    try:
        _run(postgres, "pg_dump", "-Fc", "-d", DATABASE, "-f", str(unfinished))
        _run(postgres, "pg_restore", "--list", "-f", "/dev/null", str(unfinished))
        unfinished.chmod(0o600)
        return unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def newest(folder: Path) -> Path:
    """The newest backup. Raises LocalError where there is none."""
    found = sorted(folder.glob("harena-*.dump"))
    if not found:
        raise LocalError(f"There is no backup in {folder}: `harena backup` makes one.")
    return found[-1]


def restore(postgres: Postgres, backup: Path) -> None:
    """Puts the content of a backup in place of the database's.

    It is restored beside the database, which is replaced only by a complete copy. Raises LocalError
    with pg_restore's words, and then nothing has changed.
    """
    if not backup.is_file():
        raise LocalError(f"{backup} is no file: `ls {backup.parent}` shows what there is.")
    _drop_leftovers(postgres)
    postgres.execute(f"CREATE DATABASE {_RESTORED} OWNER {OWNER}")
    try:
        _run(
            postgres,
            *("pg_restore", "--exit-on-error", "-j", "2", "-d", _RESTORED, str(backup)),
        )
        postgres.execute(_SWAP)
    finally:
        with suppress(LocalError):  # the next restore tries again
            _drop_leftovers(postgres)


def _drop_leftovers(postgres: Postgres) -> None:
    for name in (_RESTORED, _REPLACED):
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _run(postgres: Postgres, name: str, *arguments: str) -> None:
    command, environment = postgres.client(name, *arguments)
    run(command, f"{name} failed", seconds=DUMP_SECONDS, env=environment)
