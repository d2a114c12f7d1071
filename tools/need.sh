#!/usr/bin/env bash
#
# Installs the Debian package of a program where the program is missing; only root can.
#
# Usage: tools/need.sh PROGRAM, which is its package's name too

set -euo pipefail

readonly PROGRAM="$1"

fatal() {
  printf 'harena: %s\n' "$*" >&2
  exit 1
}

! command -v "$PROGRAM" >/dev/null || exit 0
command -v apt-get >/dev/null || fatal "$PROGRAM is missing: install it, and run this again"
((EUID == 0)) || fatal "$PROGRAM is missing, and only root can install it: sudo apt-get install $PROGRAM, and run this again"
printf 'harena: installing %s\n' "$PROGRAM"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends "$PROGRAM" >/dev/null
