"""Packs images without Docker: for the test cluster, and where no image registry can be reached.

    python -m tools.images [--registry NAME] [--tag TAG] FOLDER [SET…]

In: this checkout, installed, a Debian repository and a package index. Out: an archive a set in
FOLDER, for `ctr images import`, `docker load`, or k3s's folder of images. The sets:

    harena          an image a member that has a lock in requirements
    data            Postgres and Valkey
    ingress-nginx   the controller
    traefik         the other one, for tests: k3s brings its own
    monitoring      Prometheus, Alertmanager and the exporters

Without any, ours and those of the stores: harena and data. Linux on amd64, Debian 12.

What was packed before, of the same sources, is copied. Debian's packages are those of the last
`apt-get update`.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from tools.images.names import Names
from tools.images.sets import SETS, print_packed


def main() -> None:
    names = Names.of_chart()
    parser = argparse.ArgumentParser(
        prog="python -m tools.images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--registry",
        default=names.registry,
        help="what our names begin with (image.registry; default: the chart's, %(default)s)",
    )
    parser.add_argument(
        "--tag",
        default=names.tag,
        help="what our names end with (image.tag; default: the chart's appVersion and a hash of"
        " what is in them, which k3s/install.sh reads in harena.tar)",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", metavar="SET")
    given = parser.parse_args()
    if unknown := set(given.sets) - SETS.keys():
        parser.error(f"no set is called {unknown}: there are {', '.join(SETS)}")
    sets = {name: SETS[name] for name in given.sets or ("harena", "data")}
    print_packed(given.folder, sets, replace(names, registry=given.registry, tag=given.tag))


main()
