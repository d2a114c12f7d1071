"""Fills Redis up to a share of its memory, until its input ends; then takes it away again.

    python redis_full.py SHARE KEYS_A_SECOND

Where the share is more than all, keys go on to be written at that pace, and others are dropped.
"""

import itertools
import select
import sys
from pathlib import Path

from redis import Redis

URL = Path("/run/secrets/harena/redis-url")
PREFIX = "drill:"
SIZE = 16 * 1024
MOST_KEYS = 100_000


def main(share: float, pace: float) -> None:
    client = Redis.from_url(URL.read_text().strip(), socket_timeout=5)
    numbers = itertools.cycle(range(MOST_KEYS))
    while not select.select([sys.stdin], [], [], 1 / pace)[0]:
        memory = client.info("memory")
        most = memory["maxmemory"]
        missing = int(min(share, 1) * most - memory["used_memory"]) // SIZE
        for number in itertools.islice(numbers, max(missing, int(share > 1))):
            client.set(f"{PREFIX}{number}", bytes(SIZE))
    for key in client.scan_iter(f"{PREFIX}*", count=1000):
        client.delete(key)


main(float(sys.argv[1]), float(sys.argv[2]))
