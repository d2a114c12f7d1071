"""`harena-demo`: the demo households on a platform that was installed, as `harena up` loads them.

Reads `DATABASE_URL`, the owner's, and `DEMO_PASSWORD` (or either with `_FILE`): everybody's
password, because the documented ones would open a platform that others can reach. A database that
somebody already uses is refused.
"""

import asyncio
import sys

from pydantic import Field, SecretStr
from sqlalchemy.exc import DBAPIError

from harena_core.settings import DatabaseSettings
from harena_db.owner import open_owner
from harena_demo.loader import top_up
from harena_demo.store import DemoRefused, claim


class DemoSettings(DatabaseSettings):
    """Whose database, and what everybody's password will be."""

    demo_password: SecretStr = Field(
        min_length=8, description="With it every demo household logs in."
    )


async def load(settings: DemoSettings) -> dict[str, int]:
    """The rows that were added, by e-mail address. Raises DemoRefused."""
    url = settings.database_url.get_secret_value()
    async with open_owner(url) as engine, engine.begin() as connection:
        await claim(connection)
    password = settings.demo_password.get_secret_value()
    return await top_up(url, clock=settings.clock, password=password)


def main() -> None:
    try:
        added = asyncio.run(load(DemoSettings()))
    except DBAPIError as error:
        # Without the statement, which may hold a password's hash.
        sys.exit(f"harena-demo: {error.orig}")
    except (DemoRefused, OSError, ValueError) as error:
        sys.exit(f"harena-demo: {error}")
    for email, rows in added.items():
        sys.stdout.write(f"{email}: {rows} rows added\n")
