"""The services' logins. They belong to the server, not to a database, and exist before the schema.

What each may do is granted by the migrations; here is only that it may log in, and that it has no
power of its own. The monitor's login is beside them: it reads Postgres' own figures, and no
migration grants it anything, so that it cannot even connect to the database with users' rows.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

ROLES = ("harena_user", "harena_search", "harena_metric", "harena_budget", "harena_conversation")

MONITOR = "harena_monitor"

# Locks are per database: whoever bootstraps one server does so through the same database of it
# (`postgres` by custom). The key is arbitrary.
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(7215301141)")

# An attribute that would walk around row-level security, or grant itself more.
_POWERFUL = text("""
    SELECT rolname FROM pg_roles
    WHERE rolname = ANY (:roles)
      AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
    ORDER BY rolname
""")

_SCRAM_ITERATIONS = 4096  # Postgres' own default


class RoleTooPowerful(Exception):
    """A service's role exists with rights that would make every grant and policy moot."""


def scram_verifier(password: str, salt: bytes) -> str:
    """What Postgres stores of a password (RFC 5803), so that the server never sees it in a query.

    Raises ValueError where it is not ASCII: other text would need SASLprep.
    """
    if not password.isascii():
        raise ValueError("a role's password must be ASCII")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    fields = (b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_SCRAM_ITERATIONS, *fields)


async def bootstrap(connection: AsyncConnection, passwords: Mapping[str, str]) -> None:
    """Makes every service role that is missing, and gives each its password.

    `passwords` has an entry for each of `ROLES` that is used, and one for `MONITOR` where something
    monitors. A service's role without one is there, because migrations grant to it, and cannot log
    in: not any more, if it could.
    The connection needs CREATEROLE, and for the monitor the right to grant `pg_monitor`; it is in a
    transaction of the caller's. Safe to run again, and by several at once through one database.
    Raises RoleTooPowerful; ValueError for a password that is not ASCII.
    """
    wanted = (*ROLES, MONITOR) if MONITOR in passwords else ROLES
    await connection.execute(_TAKE_TURNS)
    known = set(await connection.scalars(text("SELECT rolname FROM pg_roles")))
    for role in wanted:
        verb = "ALTER" if role in known else "CREATE"
        login = "NOLOGIN PASSWORD NULL"
        if role in passwords:
            login = f"LOGIN PASSWORD '{scram_verifier(passwords[role], secrets.token_bytes(16))}'"
        # Neither a name nor a password can be a parameter here; both are of our own making.
        await connection.exec_driver_sql(f"{verb} ROLE {role} {login}")
    if MONITOR in wanted:
        await connection.exec_driver_sql(f"GRANT pg_monitor TO {MONITOR}")
    powerful = (await connection.scalars(_POWERFUL, {"roles": list(wanted)})).all()
    if powerful:
        raise RoleTooPowerful(f"not a service's role: {', '.join(powerful)} has too many rights")
