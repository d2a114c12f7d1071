"""The rules are rules, and each alert does what its tests say: promtool itself judges."""

import subprocess

import pytest
from tests.monitoring.definitions import ROOT, RULES, TESTS

pytestmark = pytest.mark.monitoring

PROMTOOL = ROOT / ".harena" / "bin" / "promtool"


def _promtool(*arguments: object) -> tuple[int, str]:
    command = [str(PROMTOOL), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_rules_are_good() -> None:
    code, said = _promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)

    assert code == 0, said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_alerts_do_what_their_tests_say(path: object) -> None:
    code, said = _promtool("test", "rules", path)

    assert code == 0, said
