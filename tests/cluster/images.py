"""Packs what the tests on the cluster run, besides what an installation runs.

    python -m tests.cluster.images FOLDER

Out: an archive a set in FOLDER. The images of the platform itself, the ingress controller, and
`tests`: the echo services of the edge's contract suite; a conversation service whose answers take
their time (`conversation-slow`); every service once more, differing in one variable
(`metric-changed`, …); the migrations of a next release (`db-next`), and of one that fails
(`db-broken`, and `metric-broken`, which waits for its schema).
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
ECHO, SLOW_ANSWERS = "tests/edge/echo.py", "tests/integration/conversation/slow_answers.py"
SERVICES = ("user", "search", "metric", "budget", "conversation", "portal")
SLOW = "conversation-slow"
CHANGED = {name: f"{SLOW if name == 'conversation' else name}-changed" for name in SERVICES}

_NEXT = '''"""What a next release may do to tables that this one uses."""

from alembic import op

revision, down_revision = "9998", "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE transactions ADD next_note text")
    op.execute("ALTER TABLE accounts ADD next_rank integer NOT NULL DEFAULT 1")
    op.execute("CREATE INDEX next_rank ON accounts (next_rank)")
    op.execute("CREATE TABLE next_things (id integer PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE next_things")
    op.execute("ALTER TABLE accounts DROP next_rank")
    op.execute("ALTER TABLE transactions DROP next_note")
'''

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
    slow = _running(packer, SLOW_ANSWERS, "conversation", SLOW)

    changed = [
        replace(
            image,
            name=packer.name(CHANGED[name]),
            environment={**image.environment, "CHANGED": "yes"},
        )
        for name in SERVICES
        for image in [slow if name == "conversation" else platform[packer.name(name)]]
    ]
    following = _migrated(packer, "next", _NEXT)
    broken = _migrated(packer, "broken", _BROKEN)
    return [
        echo,
        slow,
        *changed,
        *(
            replace(
                platform[packer.name(name)],
                name=packer.name(f"{name}-{suffix}"),
                layers=(*platform[packer.name(name)].layers, layer),
            )
            for name, suffix, layer in (
                ("db", "next", following),
                ("db", "broken", broken),
                ("metric", "broken", broken),
            )
        ),
    ]


def _migrated(packer: Packer, name: str, migration: str) -> oci.Layer:
    """A layer with one migration more."""
    tree = packer.scratch / "tests" / name
    versions = tree / "app/lib/python3.11/site-packages/harena_db/migrations/versions"
    versions.mkdir(parents=True)
    (versions / f"9999_{name}.py").write_text(migration.format(head=migrate.head()))
    return packer.layer(tree)


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
        "tests": (of_tests, (*OURS, ECHO, SLOW_ANSWERS, "tests/cluster/images.py")),
    }
    for archive in packer.pack(folder, sets, REGISTRY, TAG):
        sys.stdout.write(f"{archive}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
