"""`harena-db`: the schema from the command line, for installers and people.

Reads `DATABASE_URL`: the owner's for the schema, an administrator's for `bootstrap`, which also
reads a password for each service (`HARENA_USER_PASSWORD`, …, or the same with `_FILE`).
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from harena_core.db import CONNECT_SECONDS, asyncpg_url
from harena_core.settings import DatabaseSettings
from harena_db import migrate, roles


class RolePasswords(DatabaseSettings):
    """One for each of `harena_db.roles.ROLES`, by name."""

    harena_user_password: SecretStr
    harena_search_password: SecretStr
    harena_metric_password: SecretStr
    harena_budget_password: SecretStr
    harena_conversation_password: SecretStr

    def by_role(self) -> dict[str, str]:
        return {role: getattr(self, f"{role}_password").get_secret_value() for role in roles.ROLES}


async def _bootstrap() -> None:
    settings = RolePasswords()
    engine = create_async_engine(
        asyncpg_url(settings.database_url.get_secret_value()),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": CONNECT_SECONDS},
    )
    async with engine.begin() as connection:
        await roles.bootstrap(connection, settings.by_role())


async def _run(arguments: argparse.Namespace) -> str:
    if arguments.command == "bootstrap":
        await _bootstrap()
        return f"roles: {', '.join(roles.ROLES)}"
    url = DatabaseSettings().database_url.get_secret_value()
    if arguments.command == "upgrade":
        await migrate.upgrade(url, arguments.revision)
    elif arguments.command == "downgrade":
        await migrate.downgrade(url, arguments.revision)
    return f"revision: {await migrate.current(url) or 'none'} (newest: {migrate.head()})"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="harena-db", description="The schema of Harena.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bootstrap", help="make the services' roles; needs an administrator's URL")
    up = commands.add_parser("upgrade", help="take the schema up")
    up.add_argument("revision", nargs="?", default="head", help="default: the newest")
    down = commands.add_parser("downgrade", help="take the schema down, with the data in it")
    down.add_argument("revision", help="`base` leaves nothing")
    commands.add_parser("current", help="say which revision the database is at")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parser().parse_args(argv)
    try:
        sys.stdout.write(asyncio.run(_run(arguments)) + "\n")
    # What an installer can put right: an address, a password, an order of steps.
    except DBAPIError as error:
        # Without the statement, which may hold a password's verifier.
        sys.exit(f"harena-db {arguments.command}: {error.orig}")
    except (CommandError, roles.RoleTooPowerful, OSError, ValueError) as error:
        sys.exit(f"harena-db {arguments.command}: {error}")
