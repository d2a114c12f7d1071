#!/usr/bin/env bash
#
# Installs Debian's Chromium where it is missing, and runs the tests of the pages in it.
#
# Usage: tests/browser/run.sh PYTHON [ARGUMENT OF PYTEST…]

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

readonly PYTHON="$1"
shift

fatal() {
  printf 'harena: %s\n' "$*" >&2
  exit 1
}

install_chromium() {
  command -v apt-get >/dev/null || fatal "Chromium is missing: install it, so that \`chromium\` is found, and run this again"
  ((EUID == 0)) || fatal "Chromium is missing, and only root can install it: sudo apt-get install chromium, and run this again"
  printf 'harena: installing Chromium\n'
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq --no-install-recommends chromium >/dev/null
}

command -v chromium >/dev/null || install_chromium
"$PYTHON" -m pytest -m browser tests/browser --durations=5 "$@"
