"""One embedded platform for all tests here, as a person starts it: by the `harena` command.

In: nothing. Out: `platform`, healthy, with the demo households, in a state folder and on ports of
its own. A test may kill, stop and start what it likes, and leaves it healthy.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from harena_local import preflight
from harena_local.layout import DATABASE, Layout
from harena_local.process import LocalError, wait_until
from harena_local.state import LocalSettings
from harena_local.supervisor import processes_of

COMMAND_SECONDS = 200
PATH = "/usr/local/bin:/usr/bin:/bin"
# Not the real day: at midnight a second `up` adds transactions, and in January a year is short.
TODAY = "2026-11-23"


@dataclass(frozen=True)
class Platform:
    """A state folder with its ports, and the command for it."""

    home: Path
    offset: int

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings(harena_home=self.home, harena_port_offset=self.offset)

    @property
    def layout(self) -> Layout:
        return Layout(self.settings)

    @property
    def edge(self) -> str:
        return self.address("edge")

    def address(self, name: str) -> str:
        """Where a part answers."""
        return self.layout.parts[name].address

    def environment(self, **more: str) -> dict[str, str]:
        offset = str(self.offset)
        names = {"HARENA_HOME": str(self.home), "HARENA_PORT_OFFSET": offset, "PATH": PATH}
        return {**names, "HOME": str(self.home), "TODAY": TODAY, **more}

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.prefix, "bin", "harena")), *arguments]

    def run(
        self, *arguments: str, status: int = 0, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs `harena …`, which must end with this status."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def status(self) -> Mapping[str, Any]:
        """`harena status --json`, by name, healthy or not."""
        done = subprocess.run(
            self.command("status", "--json"),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=COMMAND_SECONDS,
        )
        return {row["name"]: row for row in json.loads(done.stdout)}

    def healthy(self) -> bool:
        return all(part.healthy() for part in self.layout.required.values())

    def sql(self, statement: str) -> str:
        """One value, asked of the database as its superuser."""
        [[value]] = self.layout.postgres.execute(statement, DATABASE)
        return value

    def processes(self) -> list[psutil.Process]:
        """Every process of the state folder."""
        return processes_of(self.layout.state, self.layout.binaries)

    def process(self, name: str) -> psutil.Process:
        """A part's process, which is the parent of its others."""
        return psutil.Process(self.status()[name]["pid"])

    @contextmanager
    def login(self) -> Iterator[httpx2.Client]:
        """A client of the edge with the documented user's token."""
        with httpx2.Client(base_url=self.edge, timeout=10, trust_env=False) as client:
            answer = client.post(
                "/api/v1/users/auth/login",
                data={"username": "henri@example.com", "password": "Henri123456"},
            )
            answer.raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client


@contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """A process that neither answers nor ends, with all its children."""
    process.suspend()  # from here on it makes no children
    family = [process, *process.children(recursive=True)]
    try:
        for member in family:
            member.suspend()
        yield
    finally:
        for member in reversed(family):
            member.resume()


def free_offset(worker: int = 0) -> int:
    """An offset that moves every port to a free one, below those that the system gives away.

    Workers that look at the same moment would find the same: each has a range of its own.
    """
    ports = (3000, 3001, 3002, 3006, 3008, 3010, 3011, 5432, 6379, 8080, 9090, 9100, 9121, 9187)
    for offset in range(10_000 + worker % 4 * 3_250, 23_000, 97):
        try:
            preflight.check_ports({port + offset: "" for port in ports})
        except LocalError:
            continue
        return offset
    raise RuntimeError("no free ports")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Platform]:
    """The platform, started from nothing."""
    worker = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    platform = Platform(tmp_path_factory.mktemp("harena") / "state folder", free_offset(worker))
    try:
        platform.run("up")
        yield platform
    finally:
        platform.run("down")


@pytest.fixture(autouse=True)
def healthy(platform: Platform) -> Iterator[None]:
    """Each test finds it healthy, whatever became of the one before, and leaves it so."""
    if not platform.healthy():
        platform.run("up")
    yield
    assert wait_until(platform.healthy, 30, every=0.1)
