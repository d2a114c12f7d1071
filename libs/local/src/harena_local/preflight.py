"""What can stand in the way of a start, each said in one sentence that says what to do."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping

import psutil

from harena_local import postgres
from harena_local.process import ENVIRONMENT, LocalError
from harena_local.state import State

# A new platform takes 100 MB; Postgres stops hard where it cannot write, so well above that.
NEEDED_BYTES = 512 * 1024 * 1024
CONTROL_SECONDS = 30
# What the servers' configurations read as syntax.
_UNQUOTABLE = re.compile(r"""["'`%#;$\\\x00-\x1f]""")


def check(state: State, ports: Mapping[int, str]) -> None:
    """Raises LocalError for the first obstacle. `ports` are those to be opened now, with who by."""
    check_python()
    check_folder(state)
    check_disk(state)
    check_data(state)
    check_ports(ports)


def check_python() -> None:
    if sys.prefix == sys.base_prefix:
        raise LocalError(
            f"{sys.executable} is no virtual environment: run `make install`, then `make up`."
        )


def check_folder(state: State) -> None:
    if _UNQUOTABLE.search(str(state.home)):
        raise LocalError(
            f"The folder {state.home} has a quote, %, #, ;, $ or backslash in its name: "
            f"set HARENA_HOME to another."
        )


def check_disk(state: State, needed: int = NEEDED_BYTES) -> None:
    free = shutil.disk_usage(state.home).free
    if free < needed:
        raise LocalError(
            f"Only {free >> 20} MB are free on the disk of {state.home} and {needed >> 20} MB are "
            f"needed: make room, or set HARENA_HOME to a folder on another disk."
        )


def check_data(state: State) -> None:
    """A data folder is absent, or one that this Postgres can start."""
    folder = state.data / "postgres"
    if not folder.exists():
        return
    remedy = (
        f"move {folder} away and run `harena up` for a new one, then `harena restore` a backup of "
        f"{state.backups} if there is one."
    )
    try:
        major = (folder / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise LocalError(
            f"The data folder {folder} is broken ({error.strerror}: PG_VERSION): {remedy}"
        ) from error
    if major != postgres.MAJOR:
        raise LocalError(
            f"The data in {folder} is of Postgres {major}, not {postgres.MAJOR}: {remedy}"
        )
    try:
        control = subprocess.run(  # noqa: S603 -- a binary of ours
            [postgres.program("pg_controldata"), "-D", str(folder)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=CONTROL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(
            f"The data folder {folder} could not be read within {CONTROL_SECONDS} s."
        ) from error
    told = (control.stderr + control.stdout).strip().splitlines()
    if control.returncode != 0 or any("warning: " in line for line in told):
        raise LocalError(f"The data folder {folder} is broken ({told[0]}): {remedy}")


def check_ports(ports: Mapping[int, str]) -> None:
    for port, name in ports.items():
        if port > 65_535:
            raise LocalError(f"Port {port} ({name}) does not exist: lower HARENA_PORT_OFFSET.")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise LocalError(
                    f"Port {port} ({name}) is not free ({_listener(port) or error.strerror}): stop "
                    f"what uses it, or choose other ports: HARENA_PORT_OFFSET=10000 harena up."
                ) from error


def _listener(port: int) -> str | None:
    """Who listens there, as far as we may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    except psutil.Error:
        return None
    return None
