"""`make drill`: fires the alerts by real causes on the test cluster, and says how soon.

    python -m tests.cluster.drill [--list] [--only NAME]…

In: a cluster that runs with its images, as `KEEP=1 make test-cluster` leaves it, and this process
in its client's network. Out: a table, and status 1 where an alert did not come.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

from tests.cluster.cluster import Cluster, Harena, eventually
from tests.cluster.drill import node
from tests.cluster.drill.cause import Alert, Cause, alert
from tests.cluster.drill.hands import Hands
from tests.cluster.drill.plan import BESIDE, EVERY, PARTS
from tests.cluster.drill.watch import Watch

# What still fires then has a range of half an hour.
ENDING_SECONDS = 60.0
THREADS = 32
QUIET_SECONDS = 120.0


@dataclass
class Row:
    """What became of one alert of one cause; seconds, or None where it did not come to it."""

    cause: Cause
    alert: Alert
    fired: float | None = None
    ended: float | None = None
    already: bool = False
    """It fired before the cause was there, so nothing was shown."""


class Drill:
    def __init__(self, harena: Harena) -> None:
        self._began = time.monotonic()
        self.watch = Watch(harena, self.say)
        self.hands = Hands(harena, self.say)
        self.rows: list[Row] = []
        self._touched: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ending: set[asyncio.Task[None]] = set()

    def say(self, text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - self._began:4.0f} s] {text}\n")
        sys.stdout.flush()

    async def run(self, cause: Cause) -> None:
        """Makes it, waits for its alerts, undoes it; what ends is noted later."""
        async with self._touched[cause.touches]:
            rows = [Row(cause, expected) for expected in cause.alerts]
            self.rows += rows
            self.say(f"{cause.name}: {cause.text}")
            try:
                await self._fire(cause, rows)
            except Exception as error:  # noqa: BLE001 -- the other causes go on
                self.say(f"{cause.name} went wrong: {type(error).__name__}: {str(error)[-400:]}")
            undone = time.monotonic()
            missing = [str(row.alert) for row in rows if row.fired is None]
            self.say(f"{cause.name}: undone{', without ' if missing else ''}{', '.join(missing)}")
            for row in rows:
                if row.fired is not None:
                    self._ending.add(asyncio.create_task(self._end(row, undone)))

    async def _fire(self, cause: Cause, rows: Sequence[Row]) -> None:
        already = [row for row in rows if row.alert.is_among(self.watch.firing)]
        for row in already:
            row.already = True
            self.say(f"{cause.name}: {row.alert} fires already, from something before")
        begun = time.monotonic()

        async def wait(row: Row) -> None:
            if await self.watch.until(row.alert, cause.within, firing=True):
                row.fired = time.monotonic() - begun

        waiting = [asyncio.create_task(wait(row)) for row in rows if row not in already]
        try:
            async with cause.make(self.hands):
                await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def _end(self, row: Row, undone: float) -> None:
        if await self.watch.until(row.alert, 3600, firing=False):
            row.ended = time.monotonic() - undone

    async def run_all(self, chosen: Sequence[Cause]) -> None:
        # Each waits for a program; the default of some six would let causes wait for each other.
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS))
        running = asyncio.current_task()
        assert running
        for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends it wants all undone, too
            loop.add_signal_handler(number, running.cancel)
        following = asyncio.create_task(self.watch.follow())
        watchdog = alert("Watchdog")
        assert await self.watch.until(watchdog, QUIET_SECONDS, firing=True), "no Watchdog"
        try:
            async with asyncio.TaskGroup() as beside:
                for part in PARTS:
                    async with asyncio.TaskGroup() as group:
                        for cause in part:
                            if cause in chosen:
                                group.create_task(self.run(cause))
                        if part is PARTS[0]:
                            await asyncio.sleep(0)  # those of Redis come after its own
                            for cause in BESIDE:
                                if cause in chosen:
                                    beside.create_task(self.run(cause))
                    if not await asyncio.to_thread(eventually, self.hands.harena.serves):
                        self.say("the platform is not well again")
            if self._ending:
                self.say("all is undone; what still fires may end")
                await asyncio.wait(self._ending, timeout=ENDING_SECONDS)
        finally:
            for task in (following, *self._ending):
                task.cancel()
            self.say("the end")


def table(rows: Sequence[Row]) -> str:
    lines = ["| cause | alert | fired after | ended after |", "| --- | --- | ---: | ---: |"]
    for row in rows:
        late = "before" if row.already else "**never**"
        fired = late if row.fired is None else f"{row.fired:.0f} s"
        ended = "–" if row.ended is None else f"{row.ended:.0f} s"
        lines.append(f"| {row.cause.name} | `{row.alert}` | {fired} | {ended} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.drill", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("--only", action="append", metavar="NAME", default=[])
    options = parser.parse_args()
    if options.list:
        for cause in EVERY:
            sys.stdout.write(f"{cause.name}: {cause.text}\n")
        return 0
    if unknown := set(options.only) - {cause.name for cause in EVERY}:
        parser.error(f"no such cause: {', '.join(unknown)}; --list says what there is")
    chosen = [cause for cause in EVERY if not options.only or cause.name in options.only]

    cluster = Cluster()
    cluster.install_ingress_nginx()
    harena = Harena(cluster)
    cluster.attempt("kubectl", "create", "namespace", harena.namespace)
    # Without a memory of what was before: restarts count for half an hour.
    harena.kubectl(
        *("delete", "statefulset,persistentvolumeclaim", "harena-prometheus"),
        *("--ignore-not-found", "--timeout=100s"),
        seconds=120,
    )
    harena.install()
    assert eventually(harena.serves), harena.trouble()
    with node.small_disk() if node.disk_full in chosen else nullcontext():
        assert eventually(harena.serves), harena.trouble()
        drill = Drill(harena)
        asyncio.run(drill.run_all(chosen))
    sys.stdout.write(f"\n{table(drill.rows)}\n")
    return 1 if any(row.fired is None for row in drill.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
