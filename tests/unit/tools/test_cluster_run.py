"""tests/cluster/run.sh up to where it is root. A copy, away from all that it would start."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STAND_INS = {"id": "echo 1000", "sudo": 'printf "%s\\n" "$@"'}


def test_root_runs_the_same_script_with_the_callers_mirrors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "tests/cluster/run.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests/cluster/run.sh", script)
    (tmp_path / "bin").mkdir()
    for name, does in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    mirrors = {"GOPROXY", "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "https_proxy"}
    for name in mirrors:
        monkeypatch.setenv(name, "https://mirror.test")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)

    told = subprocess.run(
        ["./run.sh", "python", "-k", "two words"],
        cwd=script.parent,
        check=True,
        capture_output=True,
        text=True,
        timeout=10,
    ).stdout.splitlines()

    option, names = told[0].split("=")
    assert option == "--preserve-env"
    assert {"PATH", "HOME", "KEEP", "HARENA_CACHE", *mirrors} <= set(names.split(","))
    assert told[1:] == [str(script), "python", "-k", "two words"]
