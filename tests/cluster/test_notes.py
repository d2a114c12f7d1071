"""The commands that an installation prints, run as it prints them."""

import shlex
import subprocess

import pytest
from tests.cluster.cluster import EDGE, SCRIPT, Harena

# No name server here knows the host, the data is still needed, and the port may be taken.
INSTEAD = {
    "curl ": f"curl --fail --connect-to ::{EDGE.removeprefix('http://')} ",
    "delete ": "delete --dry-run=server ",
    " 3000:3000": " :3000",
}


def commands(notes: str) -> list[str]:
    lines = [line.strip() for line in notes.splitlines() if line.startswith("  ")]
    return [line for line in lines if line.startswith(("kubectl ", "curl ", "helm "))]


def run(harena: Harena, command: str) -> None:
    for text, instead in INSTEAD.items():
        command = command.replace(text, instead)
    if "port-forward" not in command:
        harena.cluster.run("bash", "-o", "pipefail", "-c", command)
        return
    with subprocess.Popen(
        [SCRIPT, "run", *shlex.split(command)], stdout=subprocess.PIPE, text=True
    ) as forwarding:
        assert forwarding.stdout
        assert forwarding.stdout.readline().startswith("Forwarding")
        forwarding.terminate()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("demo.enabled=true", "kubectl -n harena get secret harena-demo"),
        ("ingress.enabled=false", "kubectl -n harena port-forward service/harena-user"),
        ("ingress.hosts={}", "kubectl -n ingress-nginx get service"),
    ],
    ids=lambda text: text.partition("=")[0],
)
def test_every_command_works_as_printed(harena: Harena, value: str, said: str) -> None:
    found = commands(harena.notes(value))
    assert any(command.startswith(said) for command in found)
    for command in found:
        run(harena, command)
