"""How long `make up` takes: in a fresh clone with everything to fetch, and once more."""

import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

UP_SECONDS = 300
# Beside a platform that may run on the documented ports.
PORT_OFFSET = "20000"


def measure(root: Path) -> dict[str, float]:
    """Seconds of the first and of the second `make up` of a clone; the clone is thrown away."""
    with TemporaryDirectory(prefix="harena-bench-") as folder:
        clone = Path(folder) / "harena"
        _run(["git", "clone", "--quiet", str(root), str(clone)], Path(folder))
        seconds = {}
        for name in ("cold", "warm"):
            begin = time.perf_counter()
            _run(["make", "up"], clone)
            seconds[name] = time.perf_counter() - begin
            _run(["make", "down"], clone)
        return seconds


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        ["env", f"HARENA_PORT_OFFSET={PORT_OFFSET}", *command],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=UP_SECONDS,
    )
