"""Takes memory until a share of the limit is used, and holds that until its input ends.

    python hog.py hold|kill SHARE

`hold` keeps the memory itself. `kill` gives it to children, each smaller than the service beside
them, and after a minute takes more than there is: then the kernel ends the service. Works in a
container, whose limit is its cgroup's, and on a node with cgroup v1, whose limit is the machine.
What is counted is what cadvisor counts: what is used, without files that were not read lately.
"""

import os
import select
import signal
import sys
import time
from pathlib import Path

MIB = 1 << 20
LEFT_TO_THE_MACHINE = 1536 * MIB
HOLD_SECONDS = 60
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def _fields(file: Path) -> dict[str, int]:
    lines = (line.replace(":", "").split() for line in file.read_text().splitlines())
    return {fields[0]: int(fields[1]) for fields in lines}


def machine(name: str) -> int:
    return _fields(Path("/proc/meminfo"))[name] * 1024


def used() -> tuple[int, int]:
    """Bytes used, and the limit."""
    if _V1.is_dir():
        usage, limit = _V1 / "memory.usage_in_bytes", _V1 / "memory.limit_in_bytes"
        idle = _fields(_V1 / "memory.stat")["total_inactive_file"]
    else:
        usage, limit = _V2 / "memory.current", _V2 / "memory.max"
        idle = _fields(_V2 / "memory.stat")["inactive_file"]
    return int(usage.read_text()) - idle, min(int(limit.read_text()), machine("MemTotal"))


def _touched(size: int) -> bytes:
    return b"\1" * size


def over(seconds: float) -> bool:
    """Waits so long; whether the input has ended meanwhile."""
    return bool(select.select([sys.stdin], [], [], seconds)[0]) and not sys.stdin.read(1)


def hold(share: float) -> None:
    blocks: list[bytes] = []
    while not over(0.2):
        working, limit = used()
        # A container's limit in small steps, a machine's in large ones.
        step = max(MIB, limit // 200)
        if working < share * limit - step:
            if limit < machine("MemTotal") or machine("MemAvailable") > LEFT_TO_THE_MACHINE:
                blocks.append(_touched(step))
        elif working > share * limit + step and blocks:
            blocks.pop()


def _child(size: int) -> int:
    pid = os.fork()
    if pid == 0:
        kept = _touched(size)
        signal.pause()
        os._exit(len(kept) * 0)
    return pid


def kill(share: float) -> None:
    children: list[int] = []
    until = time.monotonic() + HOLD_SECONDS
    try:
        while not over(0.5):
            working, limit = used()
            missing = int(share * limit) - working if time.monotonic() < until else 16 * MIB
            if missing > MIB:
                children.append(_child(min(missing, 16 * MIB)))
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    {"hold": hold, "kill": kill}[sys.argv[1]](float(sys.argv[2]))
