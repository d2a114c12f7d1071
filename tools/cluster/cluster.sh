#!/usr/bin/env bash
#
# A Kubernetes of one node for tests: upstream's own programs with Debian's containerd and runc, on
# a machine that needs neither systemd nor an image registry. Run again, it does what is missing.
#
# Usage: tools/cluster/cluster.sh COMMAND
#   up              install, build, start, wait until the node and its add-ons are ready
#   load FILE…      import image archives (see tools/images)
#   down            stop everything; the state stays, and the next `up` finds its data
#   purge           stop everything and remove the state; what was built stays
#   run COMMAND…    run with the cluster's kubectl, helm and configuration
#   outside COMMAND… the same from another network namespace: a client on no machine of the cluster

set -euo pipefail

HERE="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd -- "$HERE/../.." && pwd)"
readonly HERE ROOT
readonly STATE=/var/lib/harena-cluster RUN=/run/harena-cluster
readonly PKI=$STATE/pki LOG=$STATE/log BIN=$STATE/bin CRI=$RUN/containerd.sock
readonly TOOLS=$ROOT/.harena/bin

# Addresses on bridges of this machine's own, so that nothing depends on its network and nothing
# leaves it. The empty bridge also takes what goes to a Service that nobody serves.
readonly NODE=node NODE_BRIDGE=hc-node NODE_IP=10.44.0.1
readonly POD_BRIDGE=hc-pods POD_CIDR=10.42.0.0/24
readonly SERVICE_CIDR=10.43.0.0/16 API_IP=10.43.0.1 DNS_IP=10.43.0.10
# A client has as many addresses as it likes, and so as many rate-limit buckets.
readonly CLIENT_LINK=hc-client CLIENT_GATEWAY=10.45.0.1 CLIENT_IP=10.45.0.2 CLIENT_CIDR=10.46.0.0/16

readonly PACKAGES="containerd runc containernetworking-plugins iptables nftables conntrack ipset
  ethtool busybox-static openssl iproute2"

export KUBECONFIG=$STATE/admin.kubeconfig PATH=$BIN:$TOOLS:$PATH

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }
fatal() {
  printf 'cluster: %s\n' "$*" >&2
  exit 1
}

# ------------------------------------------------------------------------------------ programs

install_packages() {
  local package missing=()
  for package in $PACKAGES; do
    dpkg-query -Wf '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  {
    timeout 300 apt-get update -q
    timeout 600 apt-get install -y -q --no-install-recommends "${missing[@]}"
  } >"$LOG/apt.log" 2>&1 || fatal "apt-get failed: $(tail -n 3 "$LOG/apt.log")"
}

install_programs() {
  [[ -x "$TOOLS/uv" ]] || "$ROOT/tools/bootstrap.sh" "$ROOT/.harena"
  [[ -x "$TOOLS/kubectl" && -x "$TOOLS/helm" ]] || "$ROOT/tools/helm.sh" "$TOOLS/uv" "$TOOLS"
  local built program
  built="$("$HERE/build.sh" kubernetes)"
  for program in kube coredns pause local-path-provisioner; do ln -sfn "$built/$program" "$BIN/$program"; done
  for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    ln -sfn "$built/kube" "$BIN/$program"
  done
}

# ------------------------------------------------------------------------------------ certificates

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }
authority() { # name
  key "$1"
  openssl req -x509 -new -key "$PKI/$1.key" -subj "/CN=$1" -days 30 -out "$PKI/$1.crt" \
    -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}
certificate() { # authority name subject [alternative names]
  [[ -f "$PKI/$2.crt" ]] && return
  key "$2"
  openssl req -new -key "$PKI/$2.key" -subj "$3" |
    openssl x509 -req -CA "$PKI/$1.crt" -CAkey "$PKI/$1.key" -CAcreateserial -days 30 -sha256 \
      -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n%s' "${4:+subjectAltName=$4}") \
      -out "$PKI/$2.crt" 2>/dev/null
}
kubeconfig() { # name
  put "$STATE/$1.kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
contexts: [{name: test, context: {cluster: test, user: $1}}]
current-context: test
EOF
}
make_certificates() (
  umask 077
  [[ -f "$PKI/ca.crt" ]] || authority ca
  [[ -f "$PKI/front-proxy-ca.crt" ]] || authority front-proxy-ca
  if [[ ! -f "$PKI/service-account.pub" ]]; then
    openssl genrsa -out "$PKI/service-account.key" 2048
    openssl rsa -in "$PKI/service-account.key" -pubout -out "$PKI/service-account.pub" 2>/dev/null
  fi
  local in_cluster=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
  certificate ca apiserver /CN=kube-apiserver "IP:$NODE_IP,IP:$API_IP,IP:127.0.0.1,DNS:localhost,$in_cluster"
  certificate ca apiserver-kubelet /O=system:masters/CN=apiserver-kubelet
  certificate ca admin /O=system:masters/CN=admin
  certificate ca controller-manager /CN=system:kube-controller-manager "DNS:localhost,IP:127.0.0.1"
  certificate ca scheduler /CN=system:kube-scheduler "DNS:localhost,IP:127.0.0.1"
  certificate ca kube-proxy /CN=system:kube-proxy
  certificate ca kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$NODE_IP"
  certificate front-proxy-ca front-proxy-client /CN=front-proxy-client
  local name
  for name in admin controller-manager scheduler kube-proxy kubelet; do kubeconfig "$name"; done
)

# ------------------------------------------------------------------------------------ network

rule() { iptables -w -C "$@" 2>/dev/null || iptables -w -I "$@"; }

make_network() {
  sysctl -qw net.ipv4.ip_forward=1
  # Pods of one bridge reach each other's Services, and policies, only through the IP layer.
  [[ -d /proc/sys/net/bridge ]] || modprobe br_netfilter
  sysctl -qw net.bridge.bridge-nf-call-iptables=1
  [[ -d /sys/class/net/$NODE_BRIDGE ]] || ip link add "$NODE_BRIDGE" type bridge
  ip addr replace "$NODE_IP/24" dev "$NODE_BRIDGE"
  ip link set "$NODE_BRIDGE" up
  ip route replace "$SERVICE_CIDR" dev "$NODE_BRIDGE"
  rule FORWARD -s "$POD_CIDR" ! -o hc-+ -j REJECT # pods never leave the machine
  # Docker sets FORWARD to DROP; what comes from a client or a pod is ours to decide.
  rule FORWARD -i hc-+ -o hc-+ -j ACCEPT
  echo "nameserver 127.0.0.1" >"$STATE/resolv.conf" # the cluster's DNS asks nobody outside
  put "$STATE/cni/10-cluster.conflist" <<EOF
{"cniVersion": "1.0.0", "name": "harena-cluster", "plugins": [
  {"type": "bridge", "bridge": "$POD_BRIDGE", "isDefaultGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$STATE/cni-ipam", "ranges": [[{"subnet": "$POD_CIDR"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
}

# A namespace without a name: `ip netns add` binds /run/netns over itself, after which no pod that
# runs can be deleted.
make_client() {
  alive client && return
  spawn client unshare --net sleep infinity
  local pid
  pid="$(cat "$RUN/client.pid")"
  wait_for 10 "the client's network" is_apart "$pid"
  ip link add "$CLIENT_LINK" type veth peer name eth0 netns "$pid"
  ip addr replace "$CLIENT_GATEWAY/24" dev "$CLIENT_LINK"
  ip link set "$CLIENT_LINK" up
  ip route replace "$CLIENT_CIDR" via "$CLIENT_IP"
  local inside="nsenter -t $pid -n"
  $inside ip link set lo up
  $inside ip addr add "$CLIENT_IP/24" dev eth0
  $inside ip link set eth0 up
  $inside ip route add default via "$CLIENT_GATEWAY" src "$CLIENT_IP"
  $inside ip route add local "$CLIENT_CIDR" dev lo # every address of it can be bound
}
is_apart() { [[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]]; }

# ------------------------------------------------------------------------------------ processes

# kill -0 also succeeds on a zombie, which stays for long where init reaps late.
running() { [[ -r "/proc/$1/status" ]] && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }
alive() { [[ -s "$RUN/$1.pid" ]] && running "$(cat "$RUN/$1.pid")"; }
# kube-proxy ends when its file is written, even with the same text.
put() {
  local text
  text="$(cat)"
  [[ -f "$1" && "$(cat "$1")" == "$text" ]] || printf '%s\n' "$text" >"$1"
}
spawn() { # name command…
  local name="$1"
  shift
  alive "$name" && return
  setsid nohup "$@" >>"$LOG/$name.log" 2>&1 </dev/null 8>&- &
  echo $! >"$RUN/$name.pid"
}
stop() { # name
  alive "$1" || return 0
  local pid
  pid="$(cat "$RUN/$1.pid")"
  kill "$pid" 2>/dev/null || true
  local _
  for _ in {1..50}; do
    running "$pid" || break
    sleep 0.2
  done
  ! running "$pid" || kill -KILL "$pid"
  rm -f "$RUN/$1.pid"
}
wait_for() { # seconds what command…
  local deadline=$((SECONDS + $1)) what="$2"
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fatal "no $what in time; the logs are in $LOG"
    sleep 0.2
  done
}
ctr() { timeout 300 ctr --address "$CRI" --namespace k8s.io "$@"; }

start_containerd() {
  put "$STATE/containerd.toml" <<EOF
version = 2
root = "$STATE/containerd"
state = "$RUN/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$CRI"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "cluster.test/pause:1"
  # A process without CAP_SYS_RESOURCE cannot go below its own oom_score_adj, and the kubelet asks
  # for -998; this makes it containerd's own.
  restrict_oom_score_adj = true
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
EOF
  spawn containerd containerd -c "$STATE/containerd.toml"
  wait_for 60 containerd ctr version
}

# Imports what was not imported before, by content: an image whose tag moved is imported again.
load() { # archive…
  local archive digest
  for archive in "$@"; do
    digest="$(sha256sum "$archive" | cut -d' ' -f1)"
    [[ -f "$STATE/loaded/$digest" ]] && continue
    ctr images import --snapshotter overlayfs "$archive" >>"$LOG/import.log" 2>&1 ||
      fatal "cannot import $archive: $(tail -n 2 "$LOG/import.log")"
    touch "$STATE/loaded/$digest"
    say "loaded $(basename "$archive")"
  done
}

load_addons() {
  (cd "$ROOT" && "${PYTHON:-python3}" -m tools.images.addons "$BIN" "$STATE/addons.tar")
  load "$STATE/addons.tar"
}

start_control_plane() {
  spawn etcd "$BIN/etcd" -data-dir "$STATE/etcd"
  spawn kube-apiserver "$BIN/kube-apiserver" \
    --etcd-servers=http://127.0.0.1:2379 --bind-address="$NODE_IP" --secure-port=6443 --advertise-address="$NODE_IP" \
    --service-cluster-ip-range="$SERVICE_CIDR" --allow-privileged=true --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --client-ca-file="$PKI/ca.crt" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-client-certificate="$PKI/apiserver-kubelet.crt" \
    --kubelet-client-key="$PKI/apiserver-kubelet.key" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/service-account.pub" --service-account-signing-key-file="$PKI/service-account.key" \
    --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key" \
    --enable-aggregator-routing=true --event-ttl=1h --profiling=false
  wait_for 180 "API server" kubectl get --raw /readyz --request-timeout=5s
  spawn kube-controller-manager "$BIN/kube-controller-manager" \
    --kubeconfig="$STATE/controller-manager.kubeconfig" --authentication-kubeconfig="$STATE/controller-manager.kubeconfig" \
    --authorization-kubeconfig="$STATE/controller-manager.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false \
    --use-service-account-credentials=true --root-ca-file="$PKI/ca.crt" \
    --service-account-private-key-file="$PKI/service-account.key" --allocate-node-cidrs=false \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" --profiling=false
  spawn kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$STATE/scheduler.kubeconfig" \
    --authentication-kubeconfig="$STATE/scheduler.kubeconfig" --authorization-kubeconfig="$STATE/scheduler.kubeconfig" \
    --bind-address=127.0.0.1 --leader-elect=false --profiling=false
}

start_node() {
  put "$STATE/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
containerRuntimeEndpoint: unix://$CRI
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
clusterDomain: cluster.local
clusterDNS: [$DNS_IP]
resolvConf: $STATE/resolv.conf
imageGCHighThresholdPercent: 100  # what was loaded by hand could not be had again
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
maxPods: 100
serializeImagePulls: false
nodeStatusUpdateFrequency: 5s
volumePluginDir: $STATE/volume-plugins
EOF
  # --containerd, as k3s says it, too: without it cadvisor knows no container's name.
  spawn kubelet "$BIN/kubelet" --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.kubeconfig" \
    --containerd="$CRI" \
    --root-dir="$STATE/kubelet" --cert-dir="$PKI" --hostname-override="$NODE" --node-ip="$NODE_IP"
  put "$STATE/kube-proxy.yaml" <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: $NODE
clusterCIDR: $POD_CIDR
clientConnection: {kubeconfig: $STATE/kube-proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nodePortAddresses: ["$NODE_IP/32"]
EOF
  spawn kube-proxy "$BIN/kube-proxy" --config="$STATE/kube-proxy.yaml"
  spawn network-policy "${PYTHON:-python3}" -B "$HERE/network_policy.py" "https://$NODE_IP:6443" "$PKI/ca.crt" "$PKI/admin.crt" "$PKI/admin.key"
}

apply_addons() {
  sed -e "s#@DNS_IP@#$DNS_IP#" -e "s#@VOLUMES@#$STATE/volumes#" "$HERE/addons.yaml" |
    kubectl apply --server-side --force-conflicts -f - >"$LOG/addons.log"
  wait_for 60 "registration of the node" kubectl get node "$NODE"
  kubectl wait --for=condition=Ready "node/$NODE" --timeout=120s >/dev/null
  local addon
  for addon in coredns local-path-provisioner; do
    kubectl -n kube-system rollout status "deployment/$addon" --timeout=120s >/dev/null
  done
}

# ------------------------------------------------------------------------------------ commands

up() {
  ((EUID == 0)) || fatal "it makes networks and containers: run it as root"
  mkdir -p "$STATE"/{bin,log,pki,cni,loaded,volumes} "$RUN"
  exec 8>"$RUN/lock"
  flock -w 1800 8 || fatal "another one is starting it"
  install_packages
  install_programs
  make_certificates
  make_network
  make_client
  start_containerd
  load_addons
  start_control_plane
  start_node
  apply_addons
  say "the cluster is ready: $0 run kubectl get nodes"
}

down() {
  set +e # what is not there cannot be removed, and the rest still can
  stop kubelet
  stop kube-proxy
  stop network-policy
  if [[ -S "$CRI" ]] && ctr version >/dev/null 2>&1; then
    local id
    for id in $(ctr tasks ls -q); do ctr tasks rm -f "$id" >/dev/null 2>&1 || true; done
    for id in $(ctr containers ls -q); do ctr containers rm "$id" >/dev/null 2>&1 || true; done
  fi
  local name
  for name in kube-scheduler kube-controller-manager kube-apiserver etcd containerd client; do stop "$name"; done
  clean_network
  local mount
  awk -v a="$STATE/" -v b="$RUN/" 'index($5, a) == 1 || index($5, b) == 1 {print $5}' /proc/self/mountinfo |
    sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  local tree
  for tree in /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/*/k8s.io /sys/fs/cgroup/kubepods /sys/fs/cgroup/k8s.io; do
    [[ ! -d "$tree" ]] || find "$tree" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

clean_network() {
  local namespace
  if [[ -d "$STATE/cni-ipam" ]]; then
    # The names of our pods' namespaces are those in which our address on the bridge was given.
    for namespace in $(ip netns list 2>/dev/null | awk '/^cni-/ {print $1}'); do
      ! ip -n "$namespace" -4 addr show 2>/dev/null | grep -q " ${POD_CIDR%.*}\." || ip netns del "$namespace"
    done
    rm -rf "$STATE/cni-ipam"
  fi
  if command -v iptables >/dev/null; then
    local chain
    # Rules of host ports that stay where a pod went without its network being taken down.
    iptables -w -t nat -L CNI-HOSTPORT-DNAT --line-numbers -n 2>/dev/null |
      awk '/dnat name: "harena-cluster"/ {print $1, $2}' | sort -rn | while read -r number chain; do
      iptables -w -t nat -D CNI-HOSTPORT-DNAT "$number"
      iptables -w -t nat -F "$chain"
      iptables -w -t nat -X "$chain"
    done
    [[ ! -x "$BIN/kube-proxy" ]] || timeout 60 "$BIN/kube-proxy" --cleanup >/dev/null 2>&1 || true
    # What kube-proxy leaves is the kubelet's.
    local command table
    for command in iptables ip6tables; do
      for chain in INPUT OUTPUT; do $command -w -D "$chain" -j KUBE-FIREWALL 2>/dev/null || true; done
      for table in filter nat mangle; do
        for chain in KUBE-FIREWALL KUBE-KUBELET-CANARY KUBE-IPTABLES-HINT; do
          $command -w -t $table -F $chain 2>/dev/null && $command -w -t $table -X $chain 2>/dev/null || true
        done
      done
    done
    iptables -w -D FORWARD -s "$POD_CIDR" ! -o hc-+ -j REJECT 2>/dev/null || true
    iptables -w -D FORWARD -i hc-+ -o hc-+ -j ACCEPT 2>/dev/null || true
    nft delete table ip harena_policies 2>/dev/null || true
  fi
  local link
  for link in "$POD_BRIDGE" "$NODE_BRIDGE" "$CLIENT_LINK"; do ip link del "$link" 2>/dev/null || true; done
}

command="${1:-}"
[[ $# -eq 0 ]] || shift
case "$command" in
  up | down) "$command" ;;
  load) load "$@" ;;
  purge)
    down
    rm -rf "$STATE" "$RUN"
    ;;
  run) exec "$@" ;;
  outside) exec nsenter -t "$(cat "$RUN/client.pid")" -n "$@" ;;
  *) sed -n '3,14s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
