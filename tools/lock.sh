#!/usr/bin/env bash
#
# Writes requirements/{run,dev}.txt: every package with its hashes, and no address of any index.
#
# Usage: tools/lock.sh UV MEMBER...

set -euo pipefail

readonly UV="$1"
shift
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

ours=()
for member in "$@"; do ours+=(--no-emit-package "harena-$(basename "$member")"); done
compile() {
  "$UV" pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
    --no-emit-index-url --python-version 3.11 "${ours[@]}" "$@"
}
compile pyproject.toml --output-file requirements/run.txt
compile pyproject.toml --group dev --constraints requirements/run.txt --output-file requirements/dev.txt
echo uv | compile - --output-file requirements/uv.txt
