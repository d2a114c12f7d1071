# shellcheck shell=bash
# What install.sh and uninstall.sh share: where things are, how they speak, how they change the machine.

REPOSITORY="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
readonly REPOSITORY
readonly FILES="$REPOSITORY/k3s/files"

# Stands before every path of the machine that is read or written. Tests set it; servers do not.
readonly ROOT="${HARENA_ROOT:-}"
readonly BIN="$ROOT/usr/local/bin"
readonly K3S="$BIN/k3s"
readonly STATE="$ROOT/var/lib/rancher/k3s"
readonly KEPT="$ROOT/var/lib/harena"
readonly UNIT="$ROOT/etc/systemd/system/k3s.service"
readonly TRAEFIK_OFF=etc/rancher/k3s/config.yaml.d/20-ingress-nginx.yaml
# The version that k3s was last started with, and a hash of all that it was started with.
readonly STARTED="$KEPT/started-with"
# What was asked for last: the ingress controller, and whether k3s' ports are closed (on, off).
readonly CHOSEN="$KEPT/ingress"
readonly FIREWALL="$KEPT/firewall"
readonly RULES_BACK=etc/systemd/system/nftables.service.d/harena.conf
readonly NODE=harena

DRY_RUN=false
SCRATCH=""
STEP=""
STEP_NUMBER=0

info() { printf '        %s\n' "$*"; }
warn() { printf 'warning %s\n' "$*" >&2; }
fatal() {
  printf 'error   %s\n' "$*" >&2
  exit 1
}

# The head of the script that was called is its manual.
usage() {
  sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
  exit
}

# Every command that changes the machine goes through here, so that --dry-run misses none.
run() {
  if [[ "$DRY_RUN" == true ]]; then
    printf 'dry run %s\n' "$*"
  else
    "$@"
  fi
}

# Runs a function as a numbered step, and says how long it took.
step() { # title function
  local started=$SECONDS
  STEP="$1"
  STEP_NUMBER=$((STEP_NUMBER + 1))
  printf '\n[%d/%d]   %s\n' "$STEP_NUMBER" "$STEPS" "$STEP"
  "$2"
  printf '        done in %d s\n' $((SECONDS - started))
  STEP=""
}

# Ends the script's leftovers; after a failure in a step, says where it stopped.
finish() {
  local status=$?
  [[ -z "$SCRATCH" ]] || rm -rf "$SCRATCH"
  if ((status)) && [[ -n "$STEP" ]]; then
    printf 'error   The step "%s" did not finish. What was done stays: run this again to go on.\n' "$STEP" >&2
  fi
}

# One run at a time. The lock goes with the process that holds it.
lock() {
  mkdir -p "$ROOT/run"
  exec 9>"$ROOT/run/harena-node.lock"
  flock --nonblock 9 || fatal "Another install.sh or uninstall.sh is at work on this machine: wait for it."
}

# Writes a file where its content or mode differ. Whole or not at all: k3s reads some as they appear.
put() { # source destination mode
  if [[ -f "$2" ]] && cmp --silent "$1" "$2" && [[ "0$(stat --format %a "$2")" == "$3" ]]; then
    return
  fi
  run install -D -m "$3" "$1" "$2.new"
  run mv -f "$2.new" "$2"
}

kubectl() { "$K3S" kubectl "$@"; }
k3s_runs() { systemctl is-active --quiet k3s.service; }

# What the binary that is there says of itself; blank where there is none, or it does not run.
binary_version() {
  [[ -x "$K3S" ]] || return 0
  "$K3S" --version 2>/dev/null | awk '$1 == "k3s" {print $3; exit}' || true
}

# The same, or the version of the data that an uninstall has kept; blank for none.
installed_version() {
  local version
  version="$(binary_version)"
  if [[ -z "$version" && -d "$STATE/server/db" && -f "$STARTED" ]]; then
    version="$(cut -d' ' -f1 "$STARTED")"
  fi
  printf '%s' "$version"
}

# The path of a Helm 4, or nothing.
helm_path() {
  local path
  for path in "$BIN/helm" "$(type -P helm)"; do
    if [[ -x "$path" && "$("$path" version --template '{{.Version}}' 2>/dev/null)" == v4.* ]]; then
      printf '%s' "$path"
      return
    fi
  done
}

# Whether the operator lets others in.
has_own_rules() { compgen -G "$ROOT/etc/harena/firewall.d/*.nft" >/dev/null; }

# What this node's rules refuse, one a line: protocol/port. The kernel is asked, as others may have
# emptied all tables.
closed_ports() {
  local protocol ports
  # shellcheck disable=SC2086 # one word a port
  nft list table inet harena 2>/dev/null | sed -nE 's/^\s*(tcp|udp) dport (.*) reject.*/\1 \2/p' | tr -d '{},' |
    while read -r protocol ports; do printf "$protocol/%s\n" $ports; done || true
}

# Addresses and ports that are listened on, one a line: protocol, address, port, process.
listeners() {
  local protocol
  for protocol in tcp udp; do
    ss -H -l -n -p "--$protocol" | awk -v protocol="$protocol" '{
      port = $4; sub(/.*:/, "", port)
      address = $4; sub(/:[^:]*$/, "", address); sub(/%.*/, "", address)
      process = "-"
      if (match($0, /\(\("[^"]+"/)) process = substr($0, RSTART + 3, RLENGTH - 4)
      print protocol, address, port, process
    }'
  done | sort -u
}
