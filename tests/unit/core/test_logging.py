"""What a service writes on its standard output, as a process of its own does."""

import json
import subprocess
import sys

PROGRAM = """
import asyncio, logging, structlog
from harena_core.logging import configure

configure("core", "INFO")

def fails():
    try:
        raise KeyError("hush")
    except KeyError as error:
        raise ValueError("hush") from error

async def fails_in_a_group():
    async def task():
        fails()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(task())

def endless():
    endless()

try:
    fails()
except ValueError:
    structlog.get_logger().exception("ours")
    logging.getLogger("somebody").exception("theirs")
try:
    asyncio.run(fails_in_a_group())
except* ValueError:
    structlog.get_logger().exception("grouped")
try:
    endless()
except RecursionError:
    structlog.get_logger().exception("endless")
"""


def test_an_exception_is_its_kind_and_place_without_its_words() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)

    assert "hush" not in ended.stdout.decode() + ended.stderr.decode()
    lines = [json.loads(line) for line in ended.stdout.decode().splitlines()]
    told = {line["event"]: line["exception"].splitlines() for line in lines}
    for event in ("ours", "theirs", "grouped"):
        kinds = [line for line in told[event] if not line.startswith("  ")]
        assert kinds[:2] == ["builtins.KeyError", "builtins.ValueError"]
        assert "  <string>:11 in fails" in told[event]
    assert "builtins.ExceptionGroup" in told["grouped"]
    assert len(told["endless"]) < 100
