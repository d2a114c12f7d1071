"""Write the Grafana dashboards: python -m tools.dashboards [--check]"""

import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from tools.dashboards.answers import answers
from tools.dashboards.database import database
from tools.dashboards.edge import edge
from tools.dashboards.node import node
from tools.dashboards.overview import overview
from tools.dashboards.panels import Board, build
from tools.dashboards.service import SERVICES, service

FOLDER = Path(__file__).parents[2] / "monitoring" / "grafana" / "dashboards"


def boards() -> Iterator[Board]:
    """All of them."""
    yield overview()
    yield from map(service, SERVICES)
    yield edge()
    yield database()
    yield node()
    yield answers()


def generated() -> dict[Path, str]:
    """Every file, with what it should hold."""
    encode = JSONEncoder(sort_keys=True, indent=1).encode
    return {
        FOLDER / f"{board.uid.removeprefix('harena-')}.json": encode(build(board)) + "\n"
        for board in boards()
    }


def main() -> None:
    files = generated()
    old = set(FOLDER.glob("*.json")) - set(files)
    if "--check" in sys.argv:
        wrong = {p.name for p, text in files.items() if not p.exists() or p.read_text() != text}
        wrong |= {path.name for path in old}
        if wrong:
            sys.exit(f"not current: {', '.join(sorted(wrong))}; run `make dashboards`")
        return
    for path in old:
        path.unlink()
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
