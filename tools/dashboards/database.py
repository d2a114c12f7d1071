"""Postgres and Redis."""

from tools.dashboards.panels import UP, Board, Panel, Row, figure, graph, states


def database() -> Board:
    """How the stores are, by the four questions."""
    return Board(
        "harena-database",
        "Harena: database",
        "Postgres, which holds the truth, and Redis, which holds nothing that cannot be lost.",
        [
            Row("Is it up?", _up()),
            Row("Is it slow?", _slow()),
            Row("Is it full?", _full()),
            Row("Is it wrong?", _wrong()),
        ],
        alerts='alertname=~"Postgres.*|Redis.*|Harena.*Dependency.*|HarenaDatabase.*"',
    )


def _up() -> list[Panel]:
    return [
        figure(
            "Postgres",
            "Whether the exporter can ask it.",
            "short",
            "min(pg_up)",
            names=UP,
            width=4,
        ),
        figure(
            "Redis",
            "Whether the exporter can ask it.",
            "short",
            "min(redis_up)",
            names=UP,
            width=4,
        ),
        states(
            "As the services reach them",
            "Whether each service's dependency answers it within 2 s.",
            "max by (service, dependency) (harena_dependency_up)",
            "{{dependency}} of {{service}}",
            UP,
            width=16,
        ),
    ]


def _slow() -> list[Panel]:
    hit = "sum(rate(pg_stat_database_blks_hit[$__rate_interval]))"
    read = "sum(rate(pg_stat_database_blks_read[$__rate_interval]))"
    return [
        graph(
            "Longest transaction",
            "How long the oldest open one has been so, by database. A service's ends within 30 s.",
            "s",
            (
                "max by (datname) "
                '(pg_stat_activity_max_tx_duration{backend_type!="autovacuum worker"}) > 0',
                "{{datname}}",
            ),
            width=8,
        ),
        graph(
            "Found in memory",
            "Share of blocks that Postgres found in its own buffers. What it missed may still have "
            "come from the system's cache.",
            "percentunit",
            (f"{hit} / ({hit} + {read})", "found"),
            width=8,
            top=1,
        ),
        graph(
            "Hits of Redis",
            "Share of reads that found their key.",
            "percentunit",
            (
                "sum(rate(redis_keyspace_hits_total[$__rate_interval])) / ("
                "sum(rate(redis_keyspace_hits_total[$__rate_interval])) + "
                "sum(rate(redis_keyspace_misses_total[$__rate_interval])))",
                "found",
            ),
            width=8,
            top=1,
        ),
    ]


def _full() -> list[Panel]:
    return [
        graph(
            "Connections to Postgres",
            "By state, and the most that there may be.",
            "short",
            ("sum by (state) (pg_stat_activity_count) > 0", "{{state}}"),
            ("max(pg_settings_max_connections)", "at most"),
            width=6,
        ),
        graph(
            "Pools of the services",
            "Connections in use, as a share of each service's pool.",
            "percentunit",
            ("service:database_pool_used:ratio", "{{service}}"),
            width=6,
            top=1,
        ),
        graph(
            "Size of the databases",
            "On disk, without the log.",
            "bytes",
            ('max by (datname) (pg_database_size_bytes{datname!~"template.*"})', "{{datname}}"),
            width=6,
        ),
        graph(
            "Memory of Redis",
            "In use, and the most that there may be.",
            "bytes",
            ("max(redis_memory_used_bytes)", "used"),
            ("max(redis_memory_max_bytes)", "at most"),
            width=6,
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        graph(
            "Transactions",
            "A second: committed, and rolled back.",
            "ops",
            ("sum(rate(pg_stat_database_xact_commit[$__rate_interval]))", "committed"),
            ("sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))", "rolled back"),
            width=8,
        ),
        graph(
            "Deadlocks",
            "In 15 minutes, by database.",
            "short",
            (
                'sum by (datname) (increase(pg_stat_database_deadlocks{datname!=""}[15m]))',
                "{{datname}}",
            ),
            width=8,
        ),
        graph(
            "Keys that Redis drops",
            "A second, for want of memory.",
            "ops",
            ("redis:evicted_keys:rate5m", "{{instance}}"),
            width=8,
        ),
    ]
