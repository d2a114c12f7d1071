"""`harena-db`: the schema from the command line, for installers and people.

Reads `DATABASE_URL`: the owner's for the schema, an administrator's for `bootstrap`, which also
reads a password for each service (`HARENA_USER_PASSWORD`, …, or the same with `_FILE`; without one
the service has no login), and `HARENA_MONITOR_PASSWORD` where there is to be a login that monitors.
`ready` asks as any service may.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Annotated

from alembic.util import CommandError
from pydantic import Field, SecretStr
from sqlalchemy.exc import DBAPIError

from harena_core.settings import DatabaseSettings
from harena_db import migrate, roles
from harena_db.owner import open_owner

POLL_SECONDS = 0.5

# SQLSTATEs of a server, a database or a login that somebody else is still making; the last, of a
# migration that holds its locks for long.
_NOT_YET = {"57P03", "3D000", "28P01", "28000", "42P01", "42501", "55P03"}


class NotReady(Exception):
    """The schema is older than this release."""


RolePassword = Annotated[
    SecretStr | None, Field(description="That of the service's role, which `bootstrap` makes.")
]


class RolePasswords(DatabaseSettings):
    """By name: one for each of `harena_db.roles.ROLES` that is used, and one for the monitor."""

    harena_user_password: RolePassword = None
    harena_search_password: RolePassword = None
    harena_metric_password: RolePassword = None
    harena_budget_password: RolePassword = None
    harena_conversation_password: RolePassword = None
    harena_monitor_password: SecretStr | None = Field(
        default=None, description="That of the role that monitors, where there is to be one."
    )

    def by_role(self) -> dict[str, str]:
        given = {role: getattr(self, f"{role}_password") for role in (*roles.ROLES, roles.MONITOR)}
        return {role: secret.get_secret_value() for role, secret in given.items() if secret}


async def _bootstrap() -> list[str]:
    """The roles that can log in then."""
    settings = RolePasswords()
    passwords = settings.by_role()
    url = settings.database_url.get_secret_value()
    async with open_owner(url) as engine, engine.begin() as connection:
        await roles.bootstrap(connection, passwords)
    return list(passwords)


async def _run(arguments: argparse.Namespace) -> str:
    if arguments.command == "bootstrap":
        return f"logins: {', '.join(await _bootstrap()) or 'none'}"
    if arguments.command == "ready":
        return await _ready()
    url = DatabaseSettings().database_url.get_secret_value()
    if arguments.command == "upgrade":
        await migrate.upgrade(url, arguments.revision)
    elif arguments.command == "downgrade":
        await migrate.downgrade(url, arguments.revision)
    return f"revision: {await migrate.current(url) or 'none'} (newest: {migrate.head()})"


async def _ready() -> str:
    revision = await migrate.current(DatabaseSettings().database_url.get_secret_value())
    if not migrate.is_enough(revision):
        raise NotReady(f"the schema is at {revision or 'none'}, not yet at {migrate.head()}")
    return f"revision: {revision} (newest: {migrate.head()})"


def _may_pass(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None) in _NOT_YET
    return isinstance(error, NotReady | OSError)


async def _patiently(arguments: argparse.Namespace) -> str:
    """Tries again for `--wait` seconds what may pass by itself."""
    deadline = time.monotonic() + arguments.wait
    while True:
        try:
            return await _run(arguments)
        except (DBAPIError, NotReady, OSError) as error:
            if time.monotonic() >= deadline or not _may_pass(error):
                raise
        await asyncio.sleep(POLL_SECONDS)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="harena-db", description="The schema of Harena.")
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="SECONDS",
        help="how long to wait for a server, a login or a schema that is still being made",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bootstrap", help="make the services' roles; needs an administrator's URL")
    up = commands.add_parser("upgrade", help="take the schema up")
    up.add_argument("revision", nargs="?", default="head", help="default: the newest")
    down = commands.add_parser("downgrade", help="take the schema down, with the data in it")
    down.add_argument("revision", help="`base` leaves nothing")
    commands.add_parser("current", help="say which revision the database is at")
    commands.add_parser("ready", help="succeed where this release can serve from the database")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parser().parse_args(argv)
    try:
        sys.stdout.write(asyncio.run(_patiently(arguments)) + "\n")
    # What an installer can put right: an address, a password, an order of steps.
    except DBAPIError as error:
        # Without the statement, which may hold a password's verifier.
        sys.exit(f"harena-db {arguments.command}: {error.orig}")
    except (CommandError, NotReady, roles.RoleTooPowerful, OSError, ValueError) as error:
        sys.exit(f"harena-db {arguments.command}: {error}")
