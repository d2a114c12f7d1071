#!/usr/bin/env bash
#
# Starts the test cluster, packs and loads the images, runs the tests from outside, takes it down.
#
# Usage: [KEEP=1] tests/cluster/run.sh PYTHON [ARGUMENT OF PYTEST…]
#   KEEP=1 leaves the cluster running: tools/cluster/cluster.sh purge ends it.

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

export PYTHON="$1"
readonly CLUSTER=tools/cluster/cluster.sh IMAGES=.harena/images
shift

((EUID == 0)) || exec sudo --preserve-env=PATH,HOME,KEEP,HARENA_CACHE "$0" "$PYTHON" "$@"
[[ -n "${KEEP:-}" ]] || trap '$CLUSTER purge' EXIT

step() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }
step "programs and images"
tests/cluster/prepare.sh "$PYTHON" "$IMAGES"
step "the cluster"
"$CLUSTER" up
"$CLUSTER" load "$IMAGES"/*.tar
step "tests"
"$CLUSTER" outside "$PYTHON" -m pytest -m cluster tests/cluster --durations=10 "$@"
step "done"
