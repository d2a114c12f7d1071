"""The commands of the runbooks, run as they are printed on a platform that is well."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.cluster.cluster import SCRIPT, Harena, eventually
from tests.cluster.runbooks import PAGES, commands, here

# Each that asks is answered something; a reader that stops early is no error.
STRICT = """set -o pipefail
kubectl() { command kubectl "$@" | command grep .; }
curl() { command curl --fail "$@" | command grep .; }
head() { command head "$@"; cat >/dev/null; }
"""
# What is looked for in a log, or in the state of a pod, is there when something is wrong.
QUIET = 'grep() { command grep "$@" || [[ $? == 1 ]]; }\n'
SEARCHING = ("kubectl logs ", "kubectl describe ")
# psql and valkey-cli say so and end with 0.
REFUSED = re.compile(r"^(?:ERROR|AUTH failed|NOAUTH|WRONGPASS)", re.MULTILINE)

WITH_COMMANDS = [page for page in PAGES if any(map(here, commands(page)))]


@pytest.fixture(scope="module", autouse=True)
def asked(installed: Harena) -> None:
    """Every service, and so the edge, has a request in its log."""
    services = ("user", "search", "metric", "budget", "conversation")
    pages = ("/docs", *(f"/{service}_service/openapi.json" for service in services))
    with installed.client() as client:
        assert eventually(lambda: all(client.get(page).is_success for page in pages))


@contextmanager
def forwarding(command: str) -> Iterator[None]:
    """`kubectl port-forward` in the background, once it listens."""
    with subprocess.Popen(
        [SCRIPT, "run", *shlex.split(command)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("Forwarding")
        try:
            yield
        finally:
            process.terminate()


def run(harena: Harena, command: str) -> None:
    searching = command.startswith(SEARCHING)
    strict = STRICT + (QUIET if searching else "")
    done = harena.cluster.attempt("bash", "-c", strict + command)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{command}\n{said}"
    if "kubectl exec " in command:
        assert not REFUSED.search(said), f"{command}\n{said}"
    if searching:
        asked, _, sought = command.partition(" | ")
        log = harena.cluster.run("bash", "-c", asked)
        for field in re.findall(r'"\w+":[ "]', sought):
            assert field in log, f"{command}\nno {field} in\n{log[-500:]}"


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_every_command_works_as_printed(harena: Harena, page: Path) -> None:
    with ExitStack() as background:
        for command in filter(None, map(here, commands(page))):
            if command.endswith(" &"):
                background.enter_context(forwarding(command.removesuffix(" &")))
            else:
                run(harena, command)
