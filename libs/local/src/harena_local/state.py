"""Where everything of one embedded platform is: folders, ports, secrets."""

import fcntl
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from harena_core import keys
from harena_local.process import LocalError

# sockaddr_un holds 108 bytes; supervisord binds to the name with its process id appended.
_SOCKET_PATH_BYTES = 96
_CHECKOUT = Path(__file__).parents[4]


def _checkout() -> Path:
    """The checkout that this package is an editable install of, else the working folder."""
    return _CHECKOUT if (_CHECKOUT / "libs").is_dir() else Path.cwd()


class LocalSettings(BaseSettings):
    """What the `harena` command reads from its environment."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    harena_home: Path = Field(
        default_factory=lambda: _checkout() / ".harena", description="The state folder."
    )
    harena_port_offset: int = Field(
        default=0, ge=0, le=50_000, description="Added to every port, for a second checkout."
    )
    harena_rules: Path = Field(
        default_factory=lambda: _checkout() / "monitoring" / "rules",
        description="The folder of Prometheus' rules, *.yaml.",
    )
    # What it gives to the services, where they are described.
    today: date | None = None
    timezone: ZoneInfo = Field(default_factory=lambda: ZoneInfo("Europe/Paris"))
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def rules(self) -> Path:
        return self.harena_rules.expanduser().absolute()

    @property
    def state(self) -> "State":
        return State(self.harena_home.expanduser().absolute(), self.harena_port_offset)


@dataclass(frozen=True, slots=True)
class State:
    """The state folder and the ports of one platform."""

    home: Path
    port_offset: int

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def backups(self) -> Path:
        return self.home / "backups"

    @property
    def signing_key(self) -> Path:
        return self.secrets / "signing-key.pem"

    @property
    def key_set(self) -> Path:
        return self.secrets / "key-set.json"

    @property
    def socket(self) -> Path:
        """The supervisor's socket: among the rest, or in the temporary folder for a long path."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= _SOCKET_PATH_BYTES:
            return inside
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"harena-{os.geteuid()}-{name}" / "supervisor.sock"

    def port(self, documented: int) -> int:
        return documented + self.port_offset

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def starts(self, name: str) -> Path:
        """One line for each time the program was started since `up`."""
        return self.run / f"{name}.starts"

    def make_folders(self) -> None:
        """Only for us. Raises LocalError where the folder is somebody else's or cannot be made."""
        try:
            for folder in (self.home, self.data, self.run, self.logs, self.secrets, self.backups):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.data, self.run, self.secrets, self.backups):
                # Others may pass through to what is theirs (see Identity), and list nothing.
                folder.chmod(0o711 if folder != self.secrets else 0o700)
            self.socket.parent.mkdir(exist_ok=True, mode=0o700)
        except PermissionError as error:
            raise LocalError(
                f"{error.filename} belongs to another user: start as that user, or set HARENA_HOME "
                f"to a folder of your own."
            ) from error
        if self.socket.parent.stat().st_uid != os.geteuid():
            raise LocalError(f"{self.socket.parent} belongs to another user: remove it.")

    def secret(self, name: str) -> str:
        """A password of this platform, made at its first use."""
        path = self.secrets / name
        if not path.exists():
            self.make_folders()
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def make_keys(self) -> None:
        """The key that signs tokens, and the public keys that services read."""
        if not self.signing_key.exists():
            write_private(self.signing_key, keys.make_signing_key())
        public = keys.key_set([keys.public_jwk(self.signing_key.read_text())])
        write_private(self.key_set, public)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time changes the platform. Raises LocalError where another does."""
        self.make_folders()
        with (self.run / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise LocalError(
                    f"Another harena command is at work here (process {file.read().strip()}): "
                    f"wait for its end."
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def write_private(path: Path, text: str) -> None:
    """Writes a file that nobody else may read; whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).rename(path)
