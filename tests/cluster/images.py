"""Packs what the tests on the cluster run, besides what an installation runs.

    python -m tests.cluster.images FOLDER

Out: an archive a set in FOLDER. The images of the platform itself, the ingress controller, and
`tests`: the echo services of the edge's contract suite, a conversation service whose answers take
their time (`conversation-slow`), a service that differs from the platform's in one variable
(`metric-changed`), and a release whose migration fails (`db-broken`, and `metric-broken`, which
waits for its schema).
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.images import oci, packer
from tools.images.packer import HARENA_USER, OURS, Packer
from tools.images.workspace import ENVIRONMENT, ROOT

from harena_db import migrate

REGISTRY, TAG = "cluster.test", "1"
ECHO, SLOW = "tests/edge/echo.py", "tests/cluster/slow_answers.py"

_BROKEN = '''"""Fails after it has changed something."""

from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade() -> None:
    op.execute("CREATE TABLE half_done (id integer)")
    op.execute("SELECT 1 / 0")
'''


def of_tests(packer: Packer) -> Sequence[oci.Image]:
    platform = {image.name: image for image in packer.harena()}

    echo = _running(packer, ECHO, "portal", "echo")
    slow = _running(packer, SLOW, "conversation", "conversation-slow")

    metric, database = platform[packer.name("metric")], platform[packer.name("db")]
    changed = replace(
        metric,
        name=packer.name("metric-changed"),
        environment={**metric.environment, "CHANGED": "yes"},
    )

    tree = packer.scratch / "tests/broken"
    versions = tree / "app/lib/python3.11/site-packages/harena_db/migrations/versions"
    versions.mkdir(parents=True)
    (versions / "9999_broken.py").write_text(_BROKEN.format(head=migrate.head()))
    broken = packer.layer(tree)
    return [
        echo,
        slow,
        changed,
        *(
            replace(
                image,
                name=image.name.replace(f":{packer.tag}", f"-broken:{packer.tag}"),
                layers=(*image.layers, broken),
            )
            for image in (metric, database)
        ),
    ]


def _running(packer: Packer, script: str, member: str, name: str) -> oci.Image:
    """The image of a member, with another main program."""
    folder = packer.scratch / "tests" / name
    folder.mkdir(parents=True)
    file = Path(script).name
    (folder / file).write_bytes((ROOT / script).read_bytes())
    return oci.Image(
        packer.name(name),
        (*packer.members[member], packer.layer(folder)),
        entrypoint=("python", f"/{file}"),
        environment=ENVIRONMENT,
        user=f"{HARENA_USER}:{HARENA_USER}",
    )


def main(folder: Path) -> None:
    sets = {
        **packer.SETS,
        "tests": (of_tests, (*OURS, ECHO, SLOW, "tests/cluster/images.py")),
    }
    for archive in packer.pack(folder, sets, REGISTRY, TAG):
        sys.stdout.write(f"{archive}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
