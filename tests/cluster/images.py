"""Packs what the tests on the cluster run, besides what an installation runs.

    python -m tests.cluster.images FOLDER

Out: an archive a set in FOLDER. The images of the platform itself, the ingress controller, and
`tests`: the echo services of the edge's contract suite; a conversation service whose answers take
their time (`conversation-slow`); every service once more, differing in one variable
(`metric-changed`, …); the migrations of a next release (`db-next`), and of one that fails
(`db-broken`, and `metric-broken`, which waits for its schema).
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.images import oci
from tools.images.names import Names
from tools.images.packer import BASE, Packer
from tools.images.sets import OURS, SETS, Set, print_packed
from tools.images.workspace import ROOT

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
    platform = dict(zip(packer.members, packer.harena(), strict=True))

    def named(image: oci.Image, name: str, *layers: oci.Layer, **changes: Any) -> oci.Image:
        return replace(
            image, name=packer.names.ours(name), layers=(*image.layers, *layers), **changes
        )

    def running(member: str, name: str, script: str) -> oci.Image:
        """The image of a member, with another main program."""
        folder = packer.scratch / "tests" / name
        folder.mkdir(parents=True)
        shutil.copy(ROOT / script, folder)
        main = ("python", f"/{Path(script).name}")
        return named(platform[member], name, packer.layer(folder), entrypoint=main)

    slow = running("conversation", SLOW, SLOW_ANSWERS)
    changed = {**platform, "conversation": slow}
    broken = _migration(packer, "broken", _BROKEN)
    return [
        running("portal", "echo", ECHO),
        slow,
        *(
            named(image, CHANGED[name], environment={**image.environment, "CHANGED": "yes"})
            for name, image in changed.items()
            if name in SERVICES
        ),
        named(platform["db"], "db-next", _migration(packer, "next", _NEXT)),
        named(platform["db"], "db-broken", broken),
        named(platform["metric"], "metric-broken", broken),
    ]


def _migration(packer: Packer, name: str, migration: str) -> oci.Layer:
    """A layer with one migration more."""
    tree = packer.scratch / "tests" / name
    versions = tree / "app/lib/python3.11/site-packages/harena_db/migrations/versions"
    versions.mkdir(parents=True)
    (versions / f"9999_{name}.py").write_text(migration.format(head=migrate.head()))
    return packer.layer(tree)


def main(folder: Path) -> None:
    paths = (*OURS, ECHO, SLOW_ANSWERS, "tests/cluster/images.py")
    names = replace(Names.of_chart(), registry=REGISTRY, tag=TAG)
    print_packed(folder, {**SETS, "tests": Set(of_tests, paths, BASE)}, names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
