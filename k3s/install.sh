#!/usr/bin/env bash
#
# Makes this machine a Harena node: k3s, the ingress controller, the platform, and a test of it all.
# Safe to run again, after a failure too: what is as asked for is left alone, and k3s restarts only
# when something that it was started with has changed. docs/node.md tells the whole story.
#
# Usage:
#   sudo ./k3s/install.sh               checks, installs or updates, tests
#   sudo ./k3s/install.sh --preflight   only checks the machine
#   sudo ./k3s/install.sh --dry-run     changes nothing, prints each command that would
#
# Environment:
#   HARENA_VALUES           Values file for the chart. Default: /etc/harena/values.yaml where there is
#                           one; otherwise the release keeps the values that it has.
#   HARENA_INGRESS          nginx or traefik. Default: what the node has; nginx on a new one.
#   HARENA_FIREWALL         on or off: close k3s' own ports to all but this node and its pods.
#                           Default: what was said last; on where nothing was, on a node from before the
#                           firewall too, of which the preflight warns.
#   HARENA_AIRGAP           Folder with everything that would be downloaded; then nothing is.
#   HARENA_IMAGES           Folder of image archives (*.tar, *.tar.zst). Default: HARENA_AIRGAP. The tag of
#                           our images is what its harena.tar says, which must not be compressed. What is
#                           in no archive comes from its registry, which the preflight asks for what our
#                           chart names.
#   HARENA_K3S_SHA256       Checksum of the k3s binary, while k3s/versions.env records none.
#   HARENA_HELM_SHA256      The same of Helm's archive.
#   HARENA_SEARCH_URL       Address of the search engine; asked by the preflight, given to nobody.
#                           Default: as the Secret says that the release has for it.
#   HARENA_URL              Where clients find the platform. Default: as its Ingress says.
#   HARENA_SMOKE_USER       Who logs in at the end and asks a question, with HARENA_SMOKE_PASSWORD.
#                           Default: a demo household, where the platform has them.
#   HARENA_SMOKE_SECONDS    How long the edge may take to answer at first. Default: 60.
#   HARENA_TIMEOUT          How long helm waits for pods. Default: 10m.
#   HARENA_NAMESPACE        Where the release goes. Default: harena.
#
# Undo with ./k3s/uninstall.sh.

set -euo pipefail

readonly HERE="${BASH_SOURCE[0]%/*}"
# shellcheck source=lib/common.sh
. "$HERE/lib/common.sh"
# shellcheck source=versions.env
. "$HERE/versions.env"
# shellcheck source=lib/preflight.sh
. "$HERE/lib/preflight.sh"
# shellcheck source=lib/node.sh
. "$HERE/lib/node.sh"
# shellcheck source=lib/platform.sh
. "$HERE/lib/platform.sh"
# shellcheck source=lib/smoke.sh
. "$HERE/lib/smoke.sh"

# The node has what it was given last, an uninstall between or not: a run without the variable must not
# change the controller, nor open what is closed.
chosen() { # file default
  if [[ -f "$1" ]]; then cat "$1"; else printf '%s' "$2"; fi
}

present_values() {
  local file="$ROOT/etc/harena/values.yaml"
  if [[ -f "$file" ]]; then printf '%s' "$file"; fi
}

K3S_SHA256="${K3S_SHA256:-${HARENA_K3S_SHA256:-}}"
HELM_SHA256="${HELM_SHA256:-${HARENA_HELM_SHA256:-}}"
readonly K3S_SHA256 HELM_SHA256
readonly K3S_RELEASE="$K3S_RELEASES/${K3S_VERSION/+/%2B}"
readonly HELM_ARCHIVE="helm-$HELM_VERSION-linux-amd64.tar.gz"
readonly INGRESS_NGINX_ARCHIVE="ingress-nginx-$INGRESS_NGINX_VERSION.tgz"
readonly TRAEFIK_SETTINGS="$REPOSITORY/k8s/traefik/helmchartconfig.yaml"

HARENA_INGRESS="${HARENA_INGRESS:-$(chosen "$CHOSEN" nginx)}"
HARENA_FIREWALL="${HARENA_FIREWALL:-$(chosen "$FIREWALL" on)}"
HARENA_VALUES="${HARENA_VALUES:-$(present_values)}"
readonly HARENA_INGRESS HARENA_FIREWALL HARENA_VALUES
readonly HARENA_AIRGAP="${HARENA_AIRGAP:-}"
readonly HARENA_IMAGES="${HARENA_IMAGES:-$HARENA_AIRGAP}"
readonly HARENA_SEARCH_URL="${HARENA_SEARCH_URL:-}"
readonly HARENA_URL="${HARENA_URL:-}"
readonly HARENA_SMOKE_USER="${HARENA_SMOKE_USER:-}"
readonly HARENA_SMOKE_PASSWORD="${HARENA_SMOKE_PASSWORD:-}"
readonly HARENA_SMOKE_SECONDS="${HARENA_SMOKE_SECONDS:-60}"
readonly HARENA_TIMEOUT="${HARENA_TIMEOUT:-10m}"
readonly HARENA_NAMESPACE="${HARENA_NAMESPACE:-harena}"

export KUBECONFIG="$ROOT/etc/rancher/k3s/k3s.yaml"

ONLY_PREFLIGHT=false
STEPS=10

parse_arguments() {
  while (($#)); do
    case "$1" in
      --preflight) ONLY_PREFLIGHT=true ;;
      --dry-run) DRY_RUN=true ;;
      --help) usage ;;
      *) fatal "Unknown argument: $1 (usage: install.sh [--preflight | --dry-run | --help])" ;;
    esac
    shift
  done
}

main() {
  parse_arguments "$@"
  trap finish EXIT
  SCRATCH="$(mktemp -d)"
  if [[ "$ONLY_PREFLIGHT" == true ]]; then
    STEPS=1
    step "Preflight" preflight
    return
  fi
  [[ "$DRY_RUN" == true ]] || lock
  step "Preflight" preflight
  step "k3s $K3S_VERSION" install_k3s
  step "Image archives" install_images
  step "Configuration, with $HARENA_INGRESS as the ingress controller" configure
  step "The firewall" close_ports
  step "The service k3s" start_k3s
  step "Helm" install_helm
  step "The ingress controller" install_ingress
  step "The platform" install_platform
  step "Smoke test" smoke_test
  report_listeners
  if ((PREFLIGHT_ERRORS > 0)); then
    fatal "A real run would have stopped at the preflight."
  elif [[ "$DRY_RUN" == true ]]; then
    printf '\nNothing was changed.\n'
  else
    printf '\nHarena is installed, in %d s. %s\n' "$SECONDS" "$TESTED"
  fi
}

# Called on the last line: a script cut short on its way here does nothing.
main "$@"
