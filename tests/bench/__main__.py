"""`make bench`: the metric service beside its baselines, in one run.

    python -m tests.bench [--quick] [--rounds N] [--seconds S] [--json FILE] [--up]

Each round asks every subject in turn, so that whatever else the machine does meets them all.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import Progress
from tests.bench import startup
from tests.bench.baselines import BIND, open_pool
from tests.bench.report import (
    Check,
    Result,
    against_baselines,
    print_checks,
    print_memory,
    print_table,
)
from tests.bench.subjects import ROOT, Case, Subject, baseline, service, sql_alone, timed
from tests.bench.world import FULL, QUICK, TODAY, Person, World, open_world

CONCURRENCIES = (1, 8, 32)
WIDTH = 160

_PLAIN_SUM = """
    SELECT sum(amount) FROM transactions
    WHERE user_id = $1 AND occurred_on >= $2 AND occurred_on < $3 AND kind = 'expense'
"""


async def compare(
    progress: Progress,
    cases: Sequence[Case],
    concurrencies: Sequence[int],
    subjects: Sequence[Subject],
    *,
    rounds: int,
    seconds: float,
) -> list[Result]:
    """Every subject in every case, in turns."""
    results = [
        Result(case.name, case.person.rows, concurrency, subject)
        for case in cases
        for concurrency in concurrencies
        for subject in subjects
    ]
    task = progress.add_task("measuring", total=len(results) * rounds)
    place = 0
    for case in cases:
        for concurrency in concurrencies:
            here = results[place : place + len(subjects)]
            place += len(subjects)
            for number in range(rounds):
                for result in here:
                    if number == 0:
                        await result.subject.measure(case, concurrency, seconds / 4)
                    sample = await result.subject.measure(case, concurrency, seconds)
                    result.samples.append(sample)
                    progress.advance(task)
    return results


async def plain_sum(world: World, person: Person, seconds: float) -> float:
    """Median milliseconds of one plain sum over all days of both years, asyncpg alone."""
    async with open_pool(world.large.url("harena_metric")) as pool:

        async def once() -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(BIND, str(person.user_id))
                await connection.fetchval(
                    _PLAIN_SUM, person.user_id, date(TODAY.year - 1, 1, 1), TODAY
                )

        sample = await timed(once, 1, seconds)
    return statistics.median(sample.latencies) * 1000


async def bench(arguments: argparse.Namespace, console: Console, progress: Progress) -> list[Check]:
    folder = ROOT / ".harena" / ("bench-quick" if arguments.quick else "bench")
    loading = {name: progress.add_task(f"loading {name}", visible=False, total=1) for name in
               ("large", "small")}  # fmt: skip

    def loaded(name: str, done: int, total: int) -> None:
        progress.update(loading[name], visible=True, completed=done, total=total)

    rounds, seconds = (1, 0.1) if arguments.quick else (arguments.rounds, arguments.seconds)
    concurrencies = (1, 2) if arguments.quick else CONCURRENCIES
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(open_world(folder, QUICK if arguments.quick else FULL, loaded))
        large, small = world.large, world.small
        answering = await enter(service(world, large, folder, keeps_answers=True))
        computing = await enter(service(world, large, folder, keeps_answers=False))
        bare = await enter(baseline(world, large, folder, "bare", "a bare FastAPI route"))
        old = await enter(baseline(world, large, folder, "predecessor", "the predecessor's method"))
        subjects = [answering, computing, bare, await enter(sql_alone(large)), old]
        cases = [
            Case("expenses/mom", world.largest),
            Case("expenses/yoy", world.largest),
            Case("expenses/mom", world.typical),
        ]
        results = await compare(
            progress, cases, concurrencies, subjects, rounds=rounds, seconds=seconds
        )

        alone = await enter(service(world, small, folder, keeps_answers=False))
        years = Case("expenses/yoy", world.largest)
        years_alone = Case("expenses/yoy", world.largest_alone)
        in_turn: list[list[float]] = [[], []]
        for _ in range(rounds):
            for place, (subject, case) in enumerate(((computing, years), (alone, years_alone))):
                in_turn[place] += (await subject.measure(case, 1, seconds)).latencies
        in_large, in_small = (statistics.median(each) * 1000 for each in in_turn)
        plain = await plain_sum(world, world.largest, seconds)

        print_table(console, results)
        print_memory(console, subjects)
    if arguments.json:
        written = [result.as_json() for result in results]
        await asyncio.to_thread(arguments.json.write_text, json.dumps(written, indent=2) + "\n")
    return [
        *against_baselines(results),
        Check(
            "the same user alone in the table, year over year",
            f"{in_large:.2f} ms and {in_small:.2f} ms alone",
            "flat: ≤ 1.25×",
            in_large <= in_small * 1.25,
        ),
        Check(
            f"year over year of {world.largest.rows:,} rows, computed",
            f"{in_large:.2f} ms",
            f"below the plain sum of two years: {plain:.2f} ms",
            in_large < plain,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds, on little data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--up", action="store_true", help="measure `make up` of a fresh clone too")
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)  # a file or a pipe has none of its own
    with Progress(console=console) as progress:
        checks = uvloop.run(bench(arguments, console, progress))
    if arguments.up:
        with console.status("make up, in a fresh clone"):
            for name, seconds in startup.measure(ROOT).items():
                wanted = {"cold": 120, "warm": 10}[name]
                what = f"make up, {name}"
                checks.append(Check(what, f"{seconds:.1f} s", f"≤ {wanted} s", seconds <= wanted))
    print_checks(console, checks)


if __name__ == "__main__":
    main()
