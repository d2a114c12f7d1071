"""The exporters of the figures of Postgres, Valkey and the machine, where they are installed.

Those of the stores are told what their counterparts on a cluster are told: the same login, the same
patience with a store that does not answer.
"""

import json
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harena_local import health

STOP_SIGNAL = signal.SIGTERM
# Before Prometheus gives up after 10 s: without an answer the store would not be down, but unknown.
STORE_SECONDS = 3
# Of all that it can measure, what rules and dashboards name.
_NODE_COLLECTORS = ("cpu", "filesystem", "meminfo", "pressure")


@dataclass(frozen=True, slots=True)
class Exporter:
    """One exporter: the job that asks it, its binary, its port, and what it is told."""

    job: str
    binary: Path
    port: int
    # Answered without asking the store.
    alive: str = "/"
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    # Of the target, which its series carry.
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.job}-exporter"

    @property
    def installed(self) -> bool:
        return shutil.which(self.binary) is not None

    @property
    def argv(self) -> list[str]:
        return [str(self.binary), f"--web.listen-address=127.0.0.1:{self.port}", *self.options]

    def ready(self) -> bool:
        """Whether it answers, whatever its store does."""
        return health.answers(self.port, self.alive)


def of_postgres(binary: Path, port: int, *, server: int, role: str, password: Path) -> Exporter:
    """It logs in to the port `server` as `role`, with the password that the file holds."""
    return Exporter(
        "postgres",
        binary,
        port,
        environment={
            "DATA_SOURCE_USER": role,
            "DATA_SOURCE_PASS_FILE": str(password),
            # Not the platform's database: the figures of all are there, and nobody's rows.
            "DATA_SOURCE_URI": f"127.0.0.1:{server}/postgres"
            f"?sslmode=disable&connect_timeout={STORE_SECONDS}",
        },
    )


def of_redis(binary: Path, port: int, *, server: int, passwords: Path) -> Exporter:
    """It logs in to the port `server`; the file holds `redis_passwords` of it."""
    return Exporter(
        "redis",
        binary,
        port,
        alive="/health",
        environment={
            "REDIS_ADDR": _redis_address(server),
            "REDIS_EXPORTER_CONNECTION_TIMEOUT": f"{STORE_SECONDS}s",
            "REDIS_PASSWORD_FILE": str(passwords),
        },
    )


def redis_passwords(server: int, password: str) -> str:
    """The text of the file in which its exporter looks the password of a server up."""
    return json.dumps({_redis_address(server): password})


def _redis_address(server: int) -> str:
    return f"redis://127.0.0.1:{server}"


def of_node(binary: Path, port: int, *, node: str) -> Exporter:
    """It reads /proc; its series carry the node's name, as those of a kubelet do."""
    return Exporter(
        "node",
        binary,
        port,
        options=(
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in _NODE_COLLECTORS),
        ),
        labels={"node": node},
    )
