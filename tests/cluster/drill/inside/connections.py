"""Holds so many connections to Postgres that a share of all is used, until its input ends.

python connections.py SHARE
"""

import asyncio
import sys
from pathlib import Path

import asyncpg

from harena_core.db import plain_url

URL = Path("/run/secrets/harena/database-url")
EVERY_SECONDS = 5.0
# What an exporter of Postgres counts.
USED = "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL"


async def main(url: str, share: float) -> None:
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    asking = await asyncpg.connect(url)
    most = int(await asking.fetchval("SHOW max_connections"))
    held: list[asyncpg.Connection[asyncpg.Record]] = []
    while not ended.done():
        missing = int(share * most) - await asking.fetchval(USED)
        held += [await asyncpg.connect(url) for _ in range(missing)]
        for _ in range(min(-missing, len(held))):
            await held.pop().close()
        await asyncio.wait([ended], timeout=EVERY_SECONDS)


asyncio.run(main(plain_url(URL.read_text().strip()), float(sys.argv[1])))
