#!/usr/bin/env bash
#
# Makes VENV hold exactly what LOCK names, and every member of the workspace as an editable.
#
# Usage: tools/install.sh UV VENV LOCK MEMBER...

set -euo pipefail

readonly UV="$1" VENV="$2" LOCK="$3"
shift 3

export VIRTUAL_ENV="$VENV" UV_PYTHON_DOWNLOADS=never
# A developer's stamp over a lighter one only adds; the lighter one never removes the tools.
[[ -x "$VENV/bin/python" ]] || "$UV" venv --quiet --python "${PYTHON:-python3}" "$VENV"
"$UV" pip install --quiet --require-hashes -r "$LOCK"
editables=()
for member in "$@"; do editables+=(-e "./$member"); done
"$UV" pip install --quiet --no-deps --offline "${editables[@]}"
