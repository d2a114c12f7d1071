"""What happens to Postgres and Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.cluster.cluster import log_in
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.traffic import traffic

from harena_demo.generator import DEMO_LOGINS

SLEEP_SECONDS = 1800
# Longer than a service lets a statement take, so that its own answer is the one that comes.
PATIENCE_SECONDS = 45.0


@asynccontextmanager
async def _session(hands: Hands, name: str, *statements: str) -> AsyncIterator[None]:
    """Statements in one session of their owner; its last one is ended with it."""
    named = f"SET application_name = 'drill-{name}'"
    command = hands.harena.psql(named, *statements)
    async with hands.inside("postgres", command):
        try:
            yield
        finally:
            await hands.execute(
                "postgres",
                *hands.harena.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608 -- ours
                    f" WHERE application_name = 'drill-{name}'"
                ),
            )


@cause(
    alert("RedisDown"),
    alert("HarenaOptionalDependencyDown", service="user", dependency="redis"),
    alert("HarenaServiceDegraded", service="user"),
    within=480,
    touches="redis",
)
async def redis_gone(hands: Hands) -> AsyncIterator[None]:
    """Redis is scaled to nothing."""
    async with hands.scaled_to_nothing("statefulset/harena-redis"):
        yield


@cause(alert("RedisMemoryNearLimit"), within=1080, touches="redis")
async def redis_nearly_full(hands: Hands) -> AsyncIterator[None]:
    """Keys fill 94 % of Redis' memory."""
    async with hands.script("metric", "redis_full.py", "0.94", "1"):
        yield


@cause(alert("RedisEvicting"), within=840, touches="redis")
async def redis_overfull(hands: Hands) -> AsyncIterator[None]:
    """Redis is full, and ten more keys are written every second."""
    async with hands.script("metric", "redis_full.py", "2", "10"):
        yield


@cause(alert("PostgresLongTransaction", datname="harena"), within=480, touches="a transaction")
async def forgotten_transaction(hands: Hands) -> AsyncIterator[None]:
    """A transaction begins, and then nothing more comes."""
    async with _session(hands, "forgotten", "BEGIN", f"SELECT pg_sleep({SLEEP_SECONDS})"):
        yield


@cause(alert("PostgresDeadlocks", datname="harena"), within=180, touches="advisory locks")
async def deadlock(hands: Hands) -> AsyncIterator[None]:
    """Two transactions take the same two locks in different orders."""
    async with AsyncExitStack() as stack:
        for first, second in ((1, 2), (2, 1)):
            await stack.enter_async_context(
                _session(
                    hands,
                    f"deadlock-{first}",
                    "BEGIN",
                    f"SELECT pg_advisory_xact_lock({first})",
                    "SELECT pg_sleep(30)",
                    f"SELECT pg_advisory_xact_lock({second})",
                )
            )
        yield


@cause(alert("PostgresConnectionsNearLimit"), within=540, touches="connections")
async def many_connections(hands: Hands) -> AsyncIterator[None]:
    """A client opens connections until 86 of 100 are in use, and lets them be."""
    async with hands.script("metric", "connections.py", "0.86"):
        yield


@asynccontextmanager
async def _locked(
    hands: Hands, table: str, path: str, sources: Sequence[str], rate: float
) -> AsyncIterator[None]:
    """A session locks a table, while a user's requests that need it keep coming."""
    with hands.harena.client(sources[0]) as client:
        log_in(client, DEMO_LOGINS[0].email, hands.harena.secret("demo", "password"))
        headers = {"Authorization": client.headers["Authorization"]}
    lock = f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
    async with (
        _session(hands, table, "BEGIN", lock, f"SELECT pg_sleep({SLEEP_SECONDS})"),
        traffic(path, sources, rate=rate, headers=headers, patience=PATIENCE_SECONDS) as answers,
    ):
        try:
            yield
        finally:
            hands.say(f"  answers of {path}: {dict(answers.outcomes)}")


@cause(
    alert("HarenaServiceFailing", service="user"),
    alert("EdgeFailing", route="harena-user"),
    alert("HarenaRequestsSlow", service="user", route="/api/v1/transactions"),
    within=960,
    touches="transactions",
)
async def locked_transactions(hands: Hands) -> AsyncIterator[None]:
    """A session locks the table of transactions, which somebody asks the user service for every
    five seconds."""
    async with _locked(hands, "transactions", "/api/v1/transactions", ["10.46.30.1"], 0.2):
        yield


@cause(alert("HarenaDatabasePoolExhausted", service="metric"), within=720, touches="versions")
async def locked_versions(hands: Hands) -> AsyncIterator[None]:
    """A session locks the table of data versions, which the metric service reads for each of three
    requests a second."""
    sources = [f"10.46.30.{number}" for number in range(10, 20)]
    async with _locked(hands, "data_versions", "/api/v1/metrics/expenses/mom", sources, 3):
        yield


@cause(
    alert("PostgresDown"),
    alert("HarenaServiceUnhealthy", service="user"),
    alert("HarenaDependencyDown", service="user", dependency="database"),
    within=300,
    touches="everything",
)
async def postgres_gone(hands: Hands) -> AsyncIterator[None]:
    """Postgres is scaled to nothing."""
    async with hands.scaled_to_nothing("statefulset/harena-postgres"):
        yield
