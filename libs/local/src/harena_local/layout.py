"""What the platform consists of: the table of everything that runs, each part with its address.

To add a service is to add its line to `SERVICES`.
"""

import platform
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harena_local import exporters, health, nginx, postgres, prometheus, valkey
from harena_local.exporters import Exporter
from harena_local.nginx import Nginx
from harena_local.postgres import Postgres
from harena_local.process import Identity
from harena_local.prometheus import Prometheus
from harena_local.state import LocalSettings, write_private
from harena_local.supervisor import Program
from harena_local.valkey import Valkey

# The documented ports; HARENA_PORT_OFFSET is added to each.
POSTGRES_PORT = 5432
VALKEY_PORT = 6379
EDGE_PORT = 8080
PROMETHEUS_PORT = 9090
POSTGRES_EXPORTER_PORT = 9187
REDIS_EXPORTER_PORT = 9121
NODE_EXPORTER_PORT = 9100

# Owner of the database and of everything in it; not subject to row-level security.
OWNER = "harena"
DATABASE = "harena"

# What is running when the platform stops gets this long; a stream is cut.
DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Service:
    """A service of ours, run by the command `harena-<name>`."""

    name: str
    port: int
    # Where probes and metrics are, for one whose documented port the edge shows whole.
    internal_port: int | None = None
    has_database: bool = True
    signs_tokens: bool = False

    @property
    def role(self) -> str:
        """Its login to Postgres."""
        return f"harena_{self.name}"


SERVICES = (
    Service("user", 3000, signs_tokens=True),
    Service("search", 3001),
    Service("metric", 3002),
    Service("budget", 3006),
    Service("conversation", 3008),
    Service("portal", 3010, internal_port=3011, has_database=False),
)
ROLES = tuple(service.role for service in SERVICES if service.has_database)
# Reads Postgres' own figures, and nobody's rows. Said again, as the roles are: harena_db brings
# SQLAlchemy, which `harena status` would wait for.
MONITOR = "harena_monitor"


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised program, its ports, and how to ask whether it is well."""

    program: Program
    ports: tuple[int, ...]
    address: str
    healthy: Callable[[], bool]

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def optional(self) -> bool:
        """Whether the platform is whole without it."""
        return not self.program.autostart


class Layout:
    """The parts of one state folder. Reads and writes nothing but secrets until `configure`."""

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self.state = settings.state

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(
            self.state.data / "postgres",
            self.state.port(POSTGRES_PORT),
            self.state.secret("postgres"),
        )

    @cached_property
    def valkey(self) -> Valkey:
        port = self.state.port(VALKEY_PORT)
        return Valkey(self.state.run / "valkey", port, self.state.secret("valkey"))

    @cached_property
    def nginx(self) -> Nginx:
        return Nginx(self.state.run / "nginx", self.state.port(EDGE_PORT))

    @cached_property
    def prometheus(self) -> Prometheus:
        return Prometheus(
            prometheus.find("prometheus", self.programs),
            self.state.run / "prometheus",
            self.state.home / "prometheus",
            self.state.port(PROMETHEUS_PORT),
        )

    @property
    def programs(self) -> Path:
        """Where programs lie that no wheel carries."""
        return self.state.home / "bin"

    @cached_property
    def exporters(self) -> Sequence[Exporter]:
        """What tells Prometheus of that which does not tell by itself, installed or not."""

        def place(job: str, port: int) -> tuple[Path, int]:
            return prometheus.find(f"{job}_exporter", self.programs), self.state.port(port)

        return (
            exporters.of_postgres(
                *place("postgres", POSTGRES_EXPORTER_PORT),
                server=self.postgres.port,
                role=MONITOR,
                password=self.state.secrets / MONITOR,
            ),
            exporters.of_redis(
                *place("redis", REDIS_EXPORTER_PORT),
                server=self.valkey.port,
                passwords=self._redis_passwords,
            ),
            exporters.of_node(*place("node", NODE_EXPORTER_PORT), node=platform.node()),
        )

    @property
    def public_url(self) -> str:
        return f"http://localhost:{self.nginx.port}"

    @property
    def owner_url(self) -> str:
        """The database as its owner sees it: every row of everybody."""
        return self.postgres.url(DATABASE, OWNER, self.state.secret(OWNER))

    @property
    def role_passwords(self) -> dict[str, str]:
        return {role: self.state.secret(role) for role in (*ROLES, MONITOR)}

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """Everything that runs, by name."""
        parts = [
            self._store("postgres", self.postgres, postgres.STOP_SIGNAL, seconds=30),
            self._store("valkey", self.valkey, valkey.STOP_SIGNAL, seconds=5),
            *(self._service(service) for service in SERVICES),
            self._edge(),
            *(self._exporter(exporter) for exporter in self.exporters),
            self._prometheus(),
        ]
        return {part.name: part for part in parts}

    @property
    def required(self) -> Mapping[str, Part]:
        """What the platform is not whole without."""
        return {name: part for name, part in self.parts.items() if not part.optional}

    @property
    def binaries(self) -> set[Path]:
        """The programs of everything that runs, with all links followed."""
        commands = (
            *(self.postgres.argv, self.valkey.argv, self.nginx.argv, self.prometheus.argv),
            *(exporter.argv for exporter in self.exporters),
        )
        return {Path(program).resolve() for program in (sys.executable, *(c[0] for c in commands))}

    def configure(self) -> None:
        """Writes every file that a part reads: configurations, keys, URLs with their passwords."""
        # These take a third of a second to import, for which no other command should wait.
        from harena_edge import model
        from harena_edge.nginx import render

        self.state.make_keys()
        self.valkey.configure()
        upstreams = {
            service.name: f"127.0.0.1:{self.state.port(service.port)}" for service in SERVICES
        }
        self.nginx.configure(
            render(
                model.load(),
                listen=f"127.0.0.1:{self.nginx.port}",
                upstreams=upstreams,
                access_log="/dev/stdout",
            )
        )
        write_private(self._redis_url, self.valkey.url)
        for role in ROLES:
            url = self.postgres.url(DATABASE, role, self.state.secret(role))
            write_private(self._database_url(role), url)

    def configure_monitoring(self, used: Iterable[Exporter]) -> bool:
        """Writes what Prometheus and exporters read; whether Prometheus is told another thing."""
        write_private(
            self._redis_passwords, exporters.redis_passwords(self.valkey.port, self.valkey.password)
        )
        return self.prometheus.configure(
            prometheus.configuration(
                {service.name: self._internal_port(service) for service in SERVICES},
                used,
                edge=self.nginx.port,
                own=self.prometheus.port,
                rules=self.settings.rules,
            )
        )

    @property
    def _redis_url(self) -> Path:
        return self.state.secrets / "redis-url"

    @property
    def _redis_passwords(self) -> Path:
        return self.state.secrets / "redis-passwords.json"

    def _database_url(self, role: str) -> Path:
        return self.state.secrets / f"database-url-{role}"

    def _store(
        self, name: str, server: Postgres | Valkey, stop: signal.Signals, seconds: int
    ) -> Part:
        program = Program(
            name=name,
            kind="store",
            argv=server.argv,
            who=server.who,
            stop_signal=stop,
            death_signal=stop,
            stop_seconds=seconds,
        )
        return Part(program, (server.port,), f"127.0.0.1:{server.port}", server.ready)

    def _service(self, service: Service) -> Part:
        port = self.state.port(service.port)
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PUBLIC_URL": self.public_url,
            "TRUSTED_PROXIES": "127.0.0.1",
            "REDIS_URL_FILE": str(self._redis_url),
            "KEY_SET_FILE": str(self.state.key_set),
            "LOG_LEVEL": self.settings.log_level,
            "TIMEZONE": str(self.settings.timezone),
            "SHUTDOWN_SECONDS": str(DRAIN_SECONDS),
            **{f"{each.name.upper()}_SERVICE_URL": self._url(each) for each in SERVICES},
        }
        if service.internal_port is not None:
            environment["INTERNAL_PORT"] = str(self.state.port(service.internal_port))
        if service.has_database:
            environment["DATABASE_URL_FILE"] = str(self._database_url(service.role))
        if service.signs_tokens:
            environment["SIGNING_KEY_FILE"] = str(self.state.signing_key)
        if self.settings.today is not None:
            environment["TODAY"] = self.settings.today.isoformat()
        program = Program(
            name=service.name,
            kind="service",
            argv=[str(Path(sys.prefix, "bin", f"harena-{service.name}"))],
            who=Identity("plain"),
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGTERM,
            stop_seconds=DRAIN_SECONDS + 3,
            environment=environment,
        )
        internal = self._internal_port(service)
        ports = tuple(dict.fromkeys((port, internal)))
        return Part(program, ports, self._url(service), lambda: health.answers(internal, "/readyz"))

    def _internal_port(self, service: Service) -> int:
        return self.state.port(service.internal_port or service.port)

    def _url(self, service: Service) -> str:
        return f"http://127.0.0.1:{self.state.port(service.port)}"

    def _edge(self) -> Part:
        server = self.nginx
        program = Program(
            name="edge",
            kind="edge",
            argv=server.argv,
            who=server.who,
            stop_signal=nginx.STOP_SIGNAL,
            # A web socket outlives a graceful stop for as long as it likes.
            death_signal=signal.SIGTERM,
            stop_seconds=DRAIN_SECONDS,
        )
        healthy = lambda: health.answers(server.port, "/health")  # noqa: E731
        return Part(program, (server.port,), self.public_url, healthy)

    def _exporter(self, exporter: Exporter) -> Part:
        program = Program(
            name=exporter.name,
            kind="monitoring",
            argv=exporter.argv,
            who=Identity("plain"),
            stop_signal=exporters.STOP_SIGNAL,
            death_signal=exporters.STOP_SIGNAL,
            stop_seconds=5,
            environment=exporter.environment,
            autostart=False,
        )
        address = f"http://127.0.0.1:{exporter.port}"
        return Part(program, (exporter.port,), address, exporter.ready)

    def _prometheus(self) -> Part:
        server = self.prometheus
        program = Program(
            name="prometheus",
            kind="monitoring",
            argv=server.argv,
            who=server.who,
            stop_signal=prometheus.STOP_SIGNAL,
            death_signal=prometheus.STOP_SIGNAL,
            stop_seconds=10,
            autostart=False,
        )
        return Part(program, (server.port,), server.url, server.ready)
