#!/usr/bin/env bash
#
# What an image holds: VENV with one member of the workspace, the libraries of ours that it declares,
# and exactly the packages of its lock. Whoever makes an image calls this, so all make the same one.
#
# Usage: tools/install_image.sh UV VENV MEMBER [PYTHON]

set -euo pipefail

readonly UV="$1" VENV="$2" MEMBER="$3" PYTHON="${4:-python3}"
ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT
name="$(basename "$MEMBER")"
readonly name

export VIRTUAL_ENV="$VENV" UV_PYTHON_DOWNLOADS=never
wheels="$(mktemp -d)"
trap 'rm -rf "$wheels"' EXIT

"$UV" venv --quiet --clear --python "$PYTHON" "$VENV"
"$UV" pip install --quiet --require-hashes -r "$ROOT/requirements/image-$name.txt"
for source in "$ROOT"/libs/* "$ROOT/$MEMBER"; do
  "$UV" build --quiet --offline --wheel --out-dir "$wheels" "$source"
done
# From our wheels alone, so a dependency that the lock forgot fails here, not at run time.
"$UV" pip install --quiet --no-index --find-links "$wheels" "harena-$name"
# One name for every image's entry point.
ln -s "harena-$name" "$VENV/bin/harena-main"
