"""That `make bench` still works: everything it does, on little data and in little time."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from tests.bench.subjects import ROOT


@pytest.mark.timeout(180)
async def test_everything_is_measured(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--quick", "--json", str(figures)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()

    results = json.loads(figures.read_text())
    subjects = {result["subject"] for result in results}
    assert subjects == {"service", "computed", "bare", "sql", "predecessor"}
    assert len(results) == 3 * 2 * len(subjects)
    assert all(result["requests_per_second"] > 0 for result in results)
    assert all(0 < result["p50_ms"] <= result["p95_ms"] <= result["p99_ms"] for result in results)
    assert "year over year" in output.decode()
