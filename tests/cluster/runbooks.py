"""The commands of the runbooks, and what the test cluster makes of them.

A command is each of a page's `sh` blocks, and of its text each `kubectl` or `helm` that names a
namespace; others are words about one.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.cluster import EDGE, HOST, ROOT, TLS_EDGE

PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))

LOOKING = {"get", "describe", "logs", "exec", "port-forward", "rollout status", "history"}
"""What kubectl and helm are told as printed; anything else only with `--dry-run`."""

INSTEAD: Mapping[str, str] = {
    # Changes nothing, and needs what the command needs.
    "kubectl delete ": "kubectl delete --dry-run=server ",
    "kubectl rollout restart ": "kubectl rollout status --timeout=60s ",
    "helm upgrade ": "helm upgrade --dry-run=server ",
    "helm rollback ": "helm history ",
    # Where the edge is.
    "https://harena.example.com": f"--connect-to ::{EDGE.removeprefix('http://')} http://{HOST}",
    "-connect harena.example.com:443": f"-connect {TLS_EDGE.removeprefix('https://')}",
    # What has not happened: no container has ended, and k3s has warned of nothing.
    " --previous": "",
    " --field-selector reason=CertificateExpirationWarning": "",
}

NOT_HERE: Mapping[str, str] = {
    "# on the node": "asks the node, which is this machine and no k3s",
    "# on a laptop": "asks the embedded platform; tests/monitoring holds its names",
    "make test-monitoring": "is a test of its own",
    "kubectl top": "there is no metrics server",
    "certificate,certificaterequest,order,challenge": "there is no cert-manager",
    "describe challenge": "there is no cert-manager",
    "-n cert-manager": "there is no cert-manager",
    "<pod>": "the name is for the reader to fill in",
    "<name>": "the name is for the reader to fill in",
    "=…": "the files are for the reader to fill in",
}

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^.*<<'(\w+)'\n(?:.*\n)*?\1$|^.+$", re.MULTILINE)
_INLINE = re.compile(r"`((?:kubectl|helm) [^`]*-[nA]\b[^`]*)`")


def commands(page: Path) -> Iterator[str]:
    """In their order; one that is given a text has it with it."""
    for number, part in enumerate(_BLOCK.split(page.read_text())):
        if number % 2:
            yield from (line[0] for line in _LINE.finditer(part))
        else:
            yield from (" ".join(found.split()) for found in _INLINE.findall(part))


def here(command: str) -> str:
    """What the test cluster can be asked of it, or nothing."""
    if any(text in command for text in NOT_HERE):
        return ""
    for text, instead in INSTEAD.items():
        command = command.replace(text, instead)
    return command
