#!/usr/bin/env bash
#
# Puts uv at STATE/bin/uv, from the package index that pip already knows. Needs python3 (3.11 or
# newer) with venv or pip, and nothing else.
#
# Usage: PYTHON=python3 tools/bootstrap.sh STATE

set -euo pipefail

readonly STATE="$1"
readonly PYTHON="${PYTHON:-python3}"
ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT

fatal() {
  printf 'harena: %s\n' "$*" >&2
  exit 1
}

command -v "$PYTHON" >/dev/null || fatal "$PYTHON is not installed: install Python 3.11 or newer and run this again"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fatal "$("$PYTHON" --version) is too old: install Python 3.11 or newer, or say which one to use with make PYTHON=python3.12"

version="$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' "$ROOT/requirements/uv.txt")"
mkdir -p "$STATE/bin"
found="$(command -v uv || true)"
if [[ -n "$found" && "$("$found" --version | cut -d' ' -f2)" == "$version" ]]; then
  ln -sf "$found" "$STATE/bin/uv"
  exit 0
fi

printf 'harena: installing uv %s\n' "$version"
install=(install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/requirements/uv.txt")
if "$PYTHON" -m venv --clear "$STATE/bootstrap" >"$STATE/bootstrap.log" 2>&1; then
  "$STATE/bootstrap/bin/python" -m pip "${install[@]}"
  ln -sf ../bootstrap/bin/uv "$STATE/bin/uv"
elif "$PYTHON" -m pip --version >/dev/null 2>&1; then
  "$PYTHON" -m pip "${install[@]}" --target "$STATE/bootstrap"
  ln -sf ../bootstrap/bin/uv "$STATE/bin/uv"
else
  fatal "$PYTHON has neither venv nor pip: install one of them (Debian, Ubuntu: apt install python3-venv) and run this again"
fi
