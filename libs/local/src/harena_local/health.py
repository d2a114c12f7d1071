"""How a process is: whether it answers, and what it uses."""

import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

import psutil

PROBE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Status:
    """One row of `harena status`. `uptime` in seconds, `memory` in bytes."""

    name: str
    address: str
    state: str
    pid: int | None
    uptime: int | None
    restarts: int
    memory: int | None

    @property
    def healthy(self) -> bool:
        """Whether it is as it was asked to be."""
        return self.state in {"healthy", "off"}


def answers(port: int, path: str) -> bool:
    """Whether a GET on 127.0.0.1 is answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def memory(pid: int) -> int | None:
    """Bytes of a process and its children, what they share counted once (PSS, where it is known).

    None where it ended meanwhile.
    """
    total = 0
    try:
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            used = member.memory_full_info()
            total += getattr(used, "pss", used.rss)
    except psutil.Error:
        return None
    return total


def uptime(started_at: int) -> int:
    """Seconds since a Unix time."""
    return max(0, round(time.time() - started_at))
