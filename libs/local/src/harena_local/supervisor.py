"""supervisord: its configuration and its XML-RPC over a socket that only we may use.

It restarts whatever ends, for ever: at once after a run of a few seconds, and after as many seconds
as it failed in a row otherwise. It does not wait for one program before it starts the next.
"""

import os
import pwd
import shlex
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Literal
from xmlrpc.client import Fault, ServerProxy, Transport

import psutil

from harena_local.process import Identity, LocalError, run, shimmed, wait_until
from harena_local.state import State, write_private

RPC_SECONDS = 10.0
START_SECONDS = 30.0

Kind = Literal["store", "service", "edge", "monitoring"]
# In the order of starting; stopping is the other way round, one kind after the other.
_KINDS: tuple[Kind, ...] = ("store", "service", "edge", "monitoring")


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process."""

    name: str
    kind: Kind
    argv: Sequence[str]
    who: Identity
    stop_signal: signal.Signals
    # When the supervisor itself is killed; nobody will then send a second, harder signal.
    death_signal: signal.Signals
    stop_seconds: int
    environment: Mapping[str, str] = field(default_factory=dict)
    # Whether it starts with the others, or where it is asked for.
    autostart: bool = True


@dataclass(frozen=True, slots=True)
class Process:
    """How supervisord sees a program. `state` is one of its words: RUNNING, BACKOFF, STOPPED, …"""

    name: str
    state: str
    pid: int
    started_at: int
    """Unix time of the last start; 0 before the first."""


def configuration(state: State, programs: Sequence[Program]) -> str:
    """The text of supervisord.conf."""
    sections: list[tuple[str, dict[str, object]]] = [
        ("unix_http_server", {"file": state.socket, "chmod": "0700"}),
        (
            "supervisord",
            {
                "directory": state.run,
                "logfile": state.log("supervisor"),
                "logfile_maxbytes": "1MB",
                "logfile_backups": 1,
                "pidfile": state.run / "supervisor.pid",
                "identifier": "harena",
                "umask": "077",
                "strip_ansi": "true",
                # Without a user it warns a root, at each start, that it stays root.
                **({"user": pwd.getpwuid(0).pw_name} if os.geteuid() == 0 else {}),
            },
        ),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    for priority, kind in enumerate(_KINDS, start=1):
        names = [program.name for program in programs if program.kind == kind]
        group = {"programs": ",".join(names), "priority": priority}
        sections.append((f"group:{kind}", group))
    for program in programs:
        command = shimmed(
            program.argv,
            program.who,
            death_signal=program.death_signal,
            starts=state.starts(program.name),
        )
        values = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
        sections.append(
            (
                f"program:{program.name}",
                {
                    "command": shlex.join(command),
                    "directory": state.run,
                    "environment": values,
                    "autostart": str(program.autostart).lower(),
                    "autorestart": "true",
                    "startsecs": 3,
                    "startretries": 1_000_000_000,
                    "stopsignal": program.stop_signal.name.removeprefix("SIG"),
                    "stopwaitsecs": program.stop_seconds,
                    "killasgroup": "true",
                    "redirect_stderr": "true",
                    "stdout_logfile": state.log(program.name),
                    "stdout_logfile_maxbytes": "5MB",
                    "stdout_logfile_backups": 2,
                },
            )
        )
    return "\n".join(
        f"[{section}]\n"
        + "".join(f"{name} = {str(value).replace('%', '%%')}\n" for name, value in values.items())
        for section, values in sections
    )


class _Connection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _Connection(self._path)
        self._connection = (host, connection)  # which the proxy closes at its end
        return connection


class Supervisor:
    """The supervisord of one state folder, running or not."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._file = state.run / "supervisord.conf"

    def _ask(self, method: str, *arguments: object) -> Any:
        with ServerProxy("http://localhost", transport=_Transport(self._state.socket)) as server:
            return getattr(server, f"supervisor.{method}")(*arguments)

    @property
    def running(self) -> bool:
        """Whether it answers, and is not on its way out."""
        try:
            state: dict[str, Any] = self._ask("getState")
        except (OSError, HTTPException):
            return False
        return bool(state["statename"] == "RUNNING")

    @property
    def pid(self) -> int:
        """Its process id. Raises OSError where it is not running."""
        return int(self._ask("getPID"))

    def runs_with(self, text: str) -> bool:
        """Whether it runs, and with this configuration."""
        return self._file.exists() and self._file.read_text() == text and self.running

    def start(self, text: str) -> None:
        """Starts it with this configuration. Raises LocalError with its words where it does not."""
        write_private(self._file, text)
        failure = "The supervisor did not start"
        run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._file)],
            failure,
            seconds=START_SECONDS,
            cwd=self._state.run,
            umask=0o077,
        )
        if not wait_until(lambda: self.running, START_SECONDS):
            raise LocalError(f"{failure}: it does not answer after {START_SECONDS:g} s.")

    def processes(self) -> dict[str, Process]:
        """Every program by name; none where it is not running."""
        try:
            found: list[dict[str, Any]] = self._ask("getAllProcessInfo")
        except (OSError, HTTPException):
            return {}
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"], info["start"])
            for info in found
        }

    def start_program(self, program: Program) -> None:
        """Asks for a start, unless it is started already."""
        try:
            self._ask("startProcess", f"{program.kind}:{program.name}", False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise LocalError(f"{program.name}: {fault.faultString}") from fault

    def stop_program(self, program: Program) -> None:
        """Returns once it has stopped; from then on its starts are counted anew."""
        try:
            self._ask("stopProcess", f"{program.kind}:{program.name}", False)
        except Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise LocalError(f"{program.name}: {fault.faultString}") from fault
        stopped = {"STOPPED", "EXITED", "FATAL"}
        if not wait_until(
            lambda: self.processes()[program.name].state in stopped, program.stop_seconds + 5
        ):
            raise LocalError(f"{program.name} did not stop: run `harena down`.")
        self._state.starts(program.name).unlink(missing_ok=True)

    def shut_down(self) -> None:
        """Asks it to stop all programs, stores last, and to end."""
        try:
            self._ask("shutdown")
        except Fault as fault:
            if "SHUTDOWN_STATE" not in fault.faultString:
                raise


def processes_of(state: State, programs: set[Path]) -> list[psutil.Process]:
    """Every process of this state folder, whoever its parent is.

    They are known by their program and by their working folder, which is inside the state folder;
    the command that asks, and what it was started from, are not among them.
    """
    ourselves = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            folder = Path(process.cwd())
            if (
                process.pid not in ourselves
                and (folder.is_relative_to(state.run) or folder.is_relative_to(state.data))
                and Path(process.exe()) in programs
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone meanwhile, or somebody else's
    return found
