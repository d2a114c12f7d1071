#!/usr/bin/env bash
#
# Builds the cluster's programs and packs its images: what takes minutes where nothing was made before,
# and needs no cluster.
#
# Usage: tests/cluster/prepare.sh PYTHON FOLDER

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

for programs in kubernetes ingress-nginx prometheus; do tools/cluster/build.sh "$programs" >/dev/null; done
exec "$1" -m tests.cluster.images "$2"
