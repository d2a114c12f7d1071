"""The platform's database: made with its owner and its roles, brought up to the newest schema."""

from collections.abc import Mapping
from secrets import token_bytes

from harena_db import migrate, roles
from harena_db.owner import open_owner
from harena_demo.store import EMBEDDED
from harena_local.postgres import Postgres, literal

_CREATE_OWNER = """
SELECT 'CREATE ROLE {owner} LOGIN' WHERE to_regrole('{owner}') IS NULL \\gexec
ALTER ROLE {owner} PASSWORD {verifier};
"""
_CREATE_DATABASE = """
SELECT 'CREATE DATABASE {name} OWNER {owner}'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
COMMENT ON DATABASE {name} IS {mark};
"""


def create(postgres: Postgres, name: str, owner: str, password: str) -> None:
    """Makes the owner and the empty database where they are missing.

    The database is marked as made here: demo data goes into no other.
    """
    verifier = roles.scram_verifier(password, token_bytes(16))
    postgres.execute(_CREATE_OWNER.format(owner=owner, verifier=literal(verifier)))
    postgres.execute(_CREATE_DATABASE.format(name=name, owner=owner, mark=literal(EMBEDDED)))


async def bring_up(postgres: Postgres, owner_url: str, passwords: Mapping[str, str]) -> None:
    """Makes the services' roles with their passwords, and migrates."""
    async with open_owner(postgres.url("postgres")) as engine, engine.begin() as connection:
        await roles.bootstrap(connection, passwords)
    await migrate.upgrade(owner_url)
