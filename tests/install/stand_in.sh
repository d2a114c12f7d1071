#!/usr/bin/env bash
# One stand-in for every command that install.sh and uninstall.sh ask of a server and a test cannot
# have, under the name by which it is called. Each call is a line of $WORLD/calls. A call that matches
# the pattern in $WORLD/fail fails; one that matches $WORLD/block waits for the pipe $WORLD/gate.
# k3s and helm are this script too, as the test's release serves them; charts are rendered by the real one.
set -euo pipefail

name="${0##*/}"
case "$name" in
  kubectl | crictl | ctr) set -- "$name" "$@" && name=k3s ;;
esac
printf '%s\n' "$name $*" >>"$WORLD/calls"
if [[ -f "$WORLD/fail" && "$name $*" =~ $(<"$WORLD/fail") ]]; then
  echo "stand-in: $name was told to fail" >&2
  exit 1
fi
if [[ -f "$WORLD/block" && "$name $*" =~ $(<"$WORLD/block") ]]; then read -r _ <"$WORLD/gate"; fi
# What the test says that a command prints, with an option's name where it prints several things; by
# default what a good server would.
said() { cat "$WORLD/say/$name${2:-}" 2>/dev/null || printf '%s' "$1"; }
state="$HARENA_ROOT/var/lib/rancher/k3s"
runs() { [[ -e "$WORLD/active/k3s" ]]; }

k3s_kubectl() {
  runs || exit 1
  case "$*" in
    *"get secrets --selector"*"status in"*) [[ ! -f "$WORLD/pending/$(release "$*")" ]] || echo secret/pending ;;
    *"get secrets --selector"*) [[ ! -f "$WORLD/releases/$(release "$*")" ]] || echo secret/release ;;
    *"get secrets,"*) echo "kind: List" ;;
    *"delete secret/pending"*) rm -f "$WORLD"/pending/* ;;
    *"get nodes"*) said "node/harena"$'\n' -nodes ;;
    *"get node"*) printf 127.0.0.1 ;;
    *"get secret engine"*) said "" -engine | base64 ;;
    *"get secret harena-demo"*) if [[ -f "$WORLD/demo" ]]; then base64 <"$WORLD/demo"; fi ;;
    *"get ingress"*rules*) said "" -host ;;
    *"get ingress"*tls*) said "" -tls ;;
  esac
}
release() { sed -E 's/.*name=([a-z-]+).*/\1/' <<<"$1"; }

case "$name" in
  id) said 0 ;;
  uname) if [[ "$1" == -m ]]; then said x86_64 -m; elif [[ "$1" == -r ]]; then said 6.8.0-31-generic -r; else echo web-1; fi ;;
  nproc) said 2 ;;
  df) printf 'Avail\n%s\n' "$(said 40000)" ;;
  ss) said "" "${*: -1}" ;;
  timedatectl) said yes ;;
  getenforce) said Permissive ;;
  firewall-cmd) said "" ;;
  rpm) said "" | grep -q . ;;
  modprobe | sysctl | umount) ;;
  ip) said "" ;;
  nft) [[ "$*" == "list table inet harena" && -e "$WORLD/active/harena-firewall" ]] && cat "$HARENA_ROOT/etc/harena/firewall.nft" ;;
  mountpoint) [[ "$2" == "$(said /)" ]] ;;
  iptables-save | ip6tables-save) printf '%s\n' '*filter' ':KUBE-SERVICES - [0:0]' '-A INPUT -p tcp --dport 22 -j ACCEPT' '-A INPUT -j KUBE-FIREWALL' COMMIT ;;
  iptables-restore | ip6tables-restore) cat >"$WORLD/$name" ;;
  pgrep) if [[ "$*" == "-x helm" ]]; then said "" | grep .; else exec /usr/bin/pgrep "$@"; fi ;;
  mv | install | curl) exec "/usr/bin/$name" "$@" ;;
  systemctl)
    unit="${*: -1}"
    unit="${unit%.service}"
    case "$1" in
      is-active) [[ -e "$WORLD/active/$unit" ]] ;;
      is-enabled) [[ -e "$WORLD/enabled/$unit" ]] ;;
      enable) touch "$WORLD/enabled/$unit" ;;
      restart | reload-or-restart)
        touch "$WORLD/active/$unit"
        [[ "$unit" == k3s ]] || exit 0
        mkdir -p "$state/server/db" "$state/storage" "$state/agent/"{containerd,etc/kubelet.conf.d}
        [[ -f "$state/server/token" ]] || echo token >"$state/server/token"
        "$HARENA_ROOT/usr/local/bin/k3s" --version >"$state/server/db/state.db"
        date +%N >"$state/agent/etc/kubelet.conf.d/00-k3s-defaults.conf"
        ;;
      stop) rm -f "$WORLD/active/$unit" ;;
      disable) rm -f "$WORLD"/{active,enabled}/"$unit" ;;
    esac
    ;;
  k3s)
    case "$1" in
      --version) printf 'k3s version %s (0000000)\ngo version go1.26\n' "$VERSION" ;;
      ctr) said "" -images ;;
      kubectl) shift && k3s_kubectl "$@" ;;
    esac
    ;;
  helm)
    case "$1" in
      version) printf '%s' "$VERSION" ;;
      template) exec "$REAL_HELM" "$@" ;;
      get) said "{}" -values ;;
      upgrade)
        [[ ! -f "$WORLD/pending/$3" ]] || { echo "another operation is in progress" >&2 && exit 1; }
        touch "$WORLD/releases/$3"
        ;;
      uninstall) rm "$WORLD/releases/$2" ;;
    esac
    ;;
  skopeo) # copy docker://NAME docker-archive:FILE:NAME, or oci-archive:FILE:NAME docker://NAME
    [[ "$2" != oci-archive:* ]] || exit 0
    [[ "${2#docker://}" != *:*@* ]] || { echo "references with both a tag and digest are not supported" >&2 && exit 1; }
    archive="${3#docker-archive:}"
    printf '[{"Config":"0.json","RepoTags":["%s"],"Layers":[]}]' "${archive#*:}" >manifest.json
    tar --create --remove-files --file "${archive%%:*}" manifest.json
    ;;
  *) echo "stand-in: nobody told me what $name does" >&2 && exit 127 ;;
esac
