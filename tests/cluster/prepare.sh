#!/usr/bin/env bash
#
# Builds the cluster's programs and packs its images: what takes minutes where nothing was made before,
# and needs no cluster. As root it renews apt's lists first, while nobody else asks apt.
#
# Usage: tests/cluster/prepare.sh PYTHON FOLDER

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

"$1" -m tools.images.debian
for programs in kubernetes ingress-nginx prometheus; do tools/cluster/build.sh "$programs" >/dev/null; done
exec "$1" -m tests.cluster.images "$2"
