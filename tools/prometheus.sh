#!/usr/bin/env bash
#
# Puts prometheus, promtool, alertmanager, amtool and the exporters of node, Postgres and Redis into
# DESTINATION, and Prometheus' pages into DESTINATION/../share/prometheus/web. They are Debian's, whose signatures apt checks; each needs libc alone, so they are
# unpacked and not installed, and no root is needed.
#
# Usage: tools/prometheus.sh DESTINATION

set -euo pipefail

mkdir -p "$1"
DESTINATION="$(cd -- "$1" && pwd)"
readonly DESTINATION
readonly PACKAGES=(
  prometheus prometheus-alertmanager
  prometheus-node-exporter prometheus-postgres-exporter prometheus-redis-exporter
)

fatal() {
  printf 'harena: %s\n' "$*" >&2
  exit 1
}

for command in apt-get dpkg-deb; do
  command -v "$command" >/dev/null ||
    fatal "Prometheus comes from Debian's packages, and $command is not here: run this on Debian 12 or a like system, or put prometheus and promtool into $1 yourself"
done

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

printf 'harena: installing prometheus, promtool, alertmanager and exporters\n'
# As root, apt would download as the user _apt, who may not write here.
download() { (cd "$scratch" && apt-get -qq -o APT::Sandbox::User=root download "${PACKAGES[@]}"); }
# A new machine knows no package yet, and only root may tell it.
download 2>/dev/null || { ((EUID == 0)) && apt-get -qq update && download; } ||
  fatal "apt-get could not download ${PACKAGES[*]}: run apt-get update as root, and this again"
for package in "$scratch"/*.deb; do dpkg-deb --extract "$package" "$scratch/root"; done
for path in "$scratch"/root/usr/bin/*; do
  name="$(basename -- "$path")"
  case "$name" in
    prometheus-alertmanager) name=alertmanager ;;
    prometheus-*-exporter) name="${name#prometheus-}" name="${name//-/_}" ;;
  esac
  install -m 0755 "$path" "$DESTINATION/$name"
done
# Debian's binary reads its pages from files.
mkdir -p "$DESTINATION/../share/prometheus"
rm -rf "$DESTINATION/../share/prometheus/web"
cp -r "$scratch/root/usr/share/prometheus/web" "$DESTINATION/../share/prometheus/web"
"$DESTINATION/promtool" --version | head -n 1
