#!/usr/bin/env bash
#
# Takes k3s and all that runs in it off this machine, and keeps the data: the volumes, the datastore
# with its passwords, and a copy of the Secrets. install.sh then goes on where this left off.
#
# Usage:
#   sudo ./k3s/uninstall.sh                  asks nothing, keeps the data
#   sudo ./k3s/uninstall.sh --dry-run        changes nothing, prints each command that would
#   sudo ./k3s/uninstall.sh --delete-data    deletes the data too, once this machine's name is typed
#   sudo ./k3s/uninstall.sh --delete-data --confirm NAME     the same unattended
#
# Upstream's k3s-uninstall.sh deletes every volume without a word; this machine has none of it.

set -euo pipefail

readonly HERE="${BASH_SOURCE[0]%/*}"
# shellcheck source=lib/common.sh
. "$HERE/lib/common.sh"

DELETE_DATA=false
CONFIRMED=""
STEPS=4

parse_arguments() {
  while (($#)); do
    case "$1" in
      --dry-run) DRY_RUN=true ;;
      --delete-data) DELETE_DATA=true ;;
      --confirm)
        CONFIRMED="${2:-}"
        [[ -n "$CONFIRMED" ]] || fatal "--confirm needs the name of this machine"
        shift
        ;;
      --help) usage ;;
      *) fatal "Unknown argument: $1 (usage: uninstall.sh [--dry-run] [--delete-data [--confirm NAME]])" ;;
    esac
    shift
  done
}

# Told twice, or not at all. The machine's own name, so that the wrong window does not do.
confirm_deletion() {
  local name
  name="$(uname -n)"
  if [[ -z "$CONFIRMED" && "$DRY_RUN" == false ]]; then
    printf 'Every transaction, user and password on this machine will be gone: %s and %s.\n' "$STATE" "$KEPT"
    printf 'Type the name of this machine to delete them: '
    read -r CONFIRMED || fatal "Nobody answered, and nothing was changed. Unattended: --delete-data --confirm NAME."
  fi
  [[ "$DRY_RUN" == true || "$CONFIRMED" == "$name" ]] ||
    fatal "This machine is called $name, not \"$CONFIRMED\": nothing was changed."
}

# The datastore is kept as well; this copy can be read without it.
back_up_secrets() {
  local copy="$KEPT/secrets.yaml"
  if [[ "$DELETE_DATA" == true ]]; then
    info "not wanted: the data goes too"
  elif ! k3s_runs; then
    warn "k3s does not run, so its Secrets cannot be read. They stay in the datastore, $STATE/server."
  else
    run install -d -m 0700 "$KEPT"
    (umask 077 && run copy_secrets "$copy")
    info "$copy"
  fi
}
copy_secrets() {
  kubectl get secrets,persistentvolumes,persistentvolumeclaims --all-namespaces --output yaml >"$1.new"
  mv -f "$1.new" "$1"
}

descendants() { # processes…
  local process
  for process in "$@"; do
    printf '%s\n' "$process"
    # shellcheck disable=SC2046 # one word a process
    descendants $(pgrep -P "$process")
  done
}

stop_everything() {
  local shims all mount link
  [[ ! -f "$UNIT" ]] || run systemctl disable --now k3s.service
  # Containers outlive k3s: end each one's shim with all that it has started.
  shims="$(pgrep -f "^$STATE/data/[^/]+/bin/containerd-shim" || true)"
  if [[ -n "$shims" ]]; then
    # shellcheck disable=SC2086 # one word a process
    all="$(descendants $shims)"
    # shellcheck disable=SC2086
    run kill -KILL $all || true
  fi
  while read -r mount; do
    run umount --lazy "$mount"
  done < <(awk -v root="$ROOT" 'index($2, root "/run/k3s/") == 1 || index($2, root "/var/lib/kubelet/") == 1 ||
    index($2, root "/run/netns/cni-") == 1 {print $2}' "$ROOT/proc/self/mounts" | sort -r)
  for link in $(ip -brief link show master cni0 2>/dev/null | cut -d'@' -f1) cni0 flannel.1 kube-ipvs0; do
    ! ip link show "$link" >/dev/null 2>&1 || run ip link delete "$link"
  done
  clean_rules iptables
  clean_rules ip6tables
  # Last: until here something may have listened.
  [[ ! -f "$ROOT/etc/systemd/system/harena-firewall.service" ]] || run systemctl disable --now harena-firewall.service
}

clean_rules() { # iptables|ip6tables
  command -v "$1-save" >/dev/null || return 0
  local kept
  kept="$("$1-save" | grep --invert-match --ignore-case --extended-regexp 'KUBE-|CNI-|flannel')" || true
  run "$1-restore" <<<"$kept"
}

# Never into a mount below: containers' own are gone by now, and another is not ours.
remove() { # paths…
  local path
  for path in "$@"; do
    if mountpoint --quiet "$path"; then
      info "$path is a mount, and stays"
    elif [[ -e "$path" || -L "$path" ]]; then
      run rm -rf --one-file-system "$path"
    fi
  done
}

remove_programs() {
  local file name
  for name in kubectl crictl ctr; do
    [[ "$(readlink "$BIN/$name" 2>/dev/null)" != k3s ]] || remove "$BIN/$name"
  done
  while IFS= read -r file; do
    remove "$ROOT/$file"
  done < <(find "$FILES" -type f -printf '%P\n' | LC_ALL=C sort)
  remove "$K3S" "$ROOT/etc/rancher/k3s/k3s.yaml" "$STATE/agent" "$STATE/data" \
    "$ROOT"/{run/k3s,run/flannel,var/lib/kubelet,var/lib/cni}
  run systemctl daemon-reload
  [[ ! -x "$BIN/helm" ]] || info "$BIN/helm stays: others may use it"
}

remove_data() {
  if [[ "$DELETE_DATA" == true ]]; then
    # The volumes may be on a disk of their own.
    remove "$STATE"/storage/* "$STATE"/* "$KEPT" "$ROOT/etc/rancher"
    [[ ! -d "$STATE" ]] || run rmdir --ignore-fail-on-non-empty "$STATE"
    return
  fi
  # The node's password is data: without it the kept datastore would refuse this node.
  info "kept: $STATE/storage (the volumes), $STATE/server (the datastore), $ROOT/etc/rancher, $KEPT"
  info "install.sh takes them up again; --delete-data deletes them"
}

main() {
  parse_arguments "$@"
  trap finish EXIT
  [[ "$(id -u)" == 0 ]] || fatal "This is not root: run it with sudo."
  if [[ ! -e "$K3S" && ! -e "$UNIT" && ! -d "$STATE" ]]; then
    printf 'Nothing of a Harena node is on this machine.\n'
    return
  fi
  [[ "$DELETE_DATA" == false ]] || confirm_deletion
  [[ "$DRY_RUN" == true ]] || lock
  step "A copy of the Secrets" back_up_secrets
  step "Containers, mounts, links and rules" stop_everything
  step "Programs and settings" remove_programs
  step "Data" remove_data
}

# Called on the last line: a script cut short on its way here does nothing.
main "$@"
