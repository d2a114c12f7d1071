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

if [[ "$(id -u)" != 0 ]]; then
  # Root asks the caller's mirrors and proxies, and uses the caller's cache.
  kept=(PATH HOME KEEP HARENA_CACHE XDG_CACHE_HOME "${!GO@}" "${!UV_@}" "${!PIP_@}" "${!SSL_CERT_@}"
    HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy)
  exec sudo --preserve-env="$(IFS=, && echo "${kept[*]}")" "$PWD/tests/cluster/run.sh" "$PYTHON" "$@"
fi
[[ -n "${KEEP:-}" ]] || trap '$CLUSTER purge' EXIT

# The cluster is on this machine.
export no_proxy="${no_proxy:-${NO_PROXY:-}},localhost,127.0.0.1,10.44.0.1"
export NO_PROXY="$no_proxy"

step() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }
step "programs and images"
tests/cluster/prepare.sh "$PYTHON" "$IMAGES"
step "the cluster"
# What a run that was killed has left would be taken over, as it is.
[[ -n "${KEEP:-}" ]] || "$CLUSTER" purge
"$CLUSTER" up
"$CLUSTER" load "$IMAGES"/*.tar
step "tests"
"$CLUSTER" outside "$PYTHON" -m pytest -m cluster tests/cluster --durations=10 "$@"
step "done"
