"""Takes the schema up and down. A whole run is one transaction: it happens, or it does not.

A release goes back without its schema: an older release meets a database whose revision it does not
know, and serves from it. So a migration only adds, and what it replaces is taken out one release
later, by a migration that says so: `contracts = "0007"` names the one whose release stopped using
it.
"""

from collections.abc import Callable, Iterator

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from harena_db.owner import open_owner
from harena_db.roles import ROLES

# Two runs at once take turns, and the second finds nothing left to do. The key is arbitrary.
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(7215301140)")
# Longer than any migration may hold its locks; a run that waits more than this fails instead.
_LOCK_SECONDS = 120

# As a migration did once; but rights on the database itself are in no backup of it.
_CLOSE_DATABASE = text(f"""
    DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO {", ".join(ROLES)}', current_database());
    END $$
""")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "harena_db:migrations")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, revision: str) -> None:
    if revision != "head" or not is_enough(_revision(connection)):
        command.upgrade(_config(connection), revision)
    if is_enough(_revision(connection)):
        # So that a service can wait for its schema. Alembic's own table: no migration speaks of it.
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {', '.join(ROLES)}"))
        connection.execute(_CLOSE_DATABASE)


def _downgrade(connection: Connection, revision: str) -> None:
    command.downgrade(_config(connection), revision)
    if _revision(connection) is None:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


async def _run(url: str, work: Callable[[Connection], None]) -> None:
    async with open_owner(url) as engine, engine.begin() as connection:
        await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
        await connection.execute(_TAKE_TURNS)
        await connection.run_sync(work)


def scripts() -> Iterator[Script]:
    """The migrations of this release, newest first."""
    return ScriptDirectory.from_config(_config()).walk_revisions()


def head() -> str | None:
    """The newest revision in this release."""
    return next((script.revision for script in scripts()), None)


def is_enough(revision: str | None) -> bool:
    """Whether this release can serve from a database at `revision`: its own newest, or a later."""
    if revision is None:
        return False
    newest, *older = (script.revision for script in scripts())
    return revision == newest or revision not in older


async def current(url: str) -> str | None:
    """The revision that the database is at, whoever migrates it; None for an empty one."""
    async with open_owner(url) as engine, engine.connect() as connection:
        return await connection.run_sync(_revision)


async def upgrade(url: str, revision: str = "head") -> None:
    """Takes the database at `url` (its owner's) up to a revision; `head` leaves a later one alone.

    The service roles must exist (`harena_db.roles.bootstrap`): the migrations grant to them.
    """
    await _run(url, lambda connection: _upgrade(connection, revision))


async def downgrade(url: str, revision: str = "base") -> None:
    """Takes the database down to a revision; `base` leaves nothing of ours, data included."""
    await _run(url, lambda connection: _downgrade(connection, revision))
