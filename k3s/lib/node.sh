# shellcheck shell=bash
# k3s and Helm on this machine. Each function looks at what is there, and does what is missing.

# At a start, k3s renews what has less than this left of its 365 days.
readonly RENEWED_WITHIN_DAYS=120

# Verified where a checksum is known; otherwise by what the binary says of itself.
k3s_is_current() {
  [[ -x "$K3S" ]] || return 1
  if [[ -n "$K3S_SHA256" ]]; then
    sha256sum --check --status <<<"$K3S_SHA256  $K3S"
  else
    [[ "$(binary_version)" == "$K3S_VERSION" ]]
  fi
}

# That k3s must start again is written down before what it reads is changed: this run may end between.
STALE=false
stale() {
  STALE=true
  [[ ! -f "$STARTED" ]] || run sed -i 's/ .*/ changed-since/' "$STARTED"
}
put_for_k3s() { # source destination mode
  cmp --silent "$1" "$2" || stale
  put "$@"
}

# Brings a file of a release into SCRATCH, from the air-gap folder or the network, and verifies it.
fetch() { # name url checksum
  local file="$SCRATCH/$1"
  if [[ -n "$HARENA_AIRGAP" ]]; then
    cp "$HARENA_AIRGAP/$1" "$file"
  else
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 10 --max-time 1800 --output "$file" "$2"
  fi || return
  sha256sum --check --status <<<"$3  $file" || {
    warn "$1 has the checksum $(sha256sum "$file" | cut -d' ' -f1), not $3: it was thrown away, nothing of it was installed."
    return 1
  }
}

install_k3s() {
  if k3s_is_current; then
    info "it is there"
  else
    run fetch k3s "$K3S_RELEASE/k3s" "$K3S_SHA256"
    put_for_k3s "$SCRATCH/k3s" "$K3S" 0755
  fi
  local name
  for name in kubectl crictl ctr; do
    if [[ "$(readlink "$BIN/$name" 2>/dev/null)" != k3s ]]; then
      if [[ -e "$BIN/$name" ]]; then
        info "$BIN/$name is somebody else's, and is left alone"
      else
        run ln -sfn k3s "$BIN/$name"
      fi
    fi
  done
}

# k3s imports what lies there, at its start and while it runs.
install_images() {
  local file
  if [[ -z "$HARENA_IMAGES" ]]; then
    info "none given: images come from their registries"
    return
  fi
  for file in "$HARENA_IMAGES"/*.tar "$HARENA_IMAGES"/*.tar.zst; do
    [[ -f "$file" ]] || continue
    info "${file##*/}"
    put "$file" "$STATE/agent/images/${file##*/}" 0644
  done
}

choose() { # file choice
  [[ -f "$1" && "$(<"$1")" == "$2" ]] || run write_down "$@"
}
write_down() { # file line
  install -d -m 0700 "$KEPT"
  printf '%s\n' "$2" >"$1.new"
  mv -f "$1.new" "$1"
}

# Of the files, those that a choice leaves out.
is_wanted() { # file
  case "$1" in
    "$TRAEFIK_OFF") [[ "$HARENA_INGRESS" == nginx ]] ;;
    "$RULES_BACK") [[ "$HARENA_FIREWALL" == on ]] ;;
  esac
}

configure() {
  local file
  choose "$CHOSEN" "$HARENA_INGRESS"
  choose "$FIREWALL" "$HARENA_FIREWALL"
  while IFS= read -r file; do
    is_wanted "$file" || continue
    case "$file" in
      etc/rancher/* | var/*) put_for_k3s "$FILES/$file" "$ROOT/$file" 0600 ;;
      */k3s.service) put_for_k3s "$FILES/$file" "$ROOT/$file" 0644 ;;
      *) put "$FILES/$file" "$ROOT/$file" 0644 ;; # the kernel's, and the firewall's
    esac
  done < <(find "$FILES" -type f -printf '%P\n' | LC_ALL=C sort)
  if [[ "$HARENA_INGRESS" == traefik && -f "$ROOT/$TRAEFIK_OFF" ]]; then
    stale
    run rm -f "$ROOT/$TRAEFIK_OFF"
  fi
  run modprobe --all overlay br_netfilter
  run sysctl --quiet --load "$ROOT/etc/sysctl.d/90-kubelet.conf"
}

# Before k3s opens its ports. The rules are loaded at each run, as others may have emptied all tables, and
# the operator's may have changed.
close_ports() {
  local unit=harena-firewall.service
  if [[ "$HARENA_FIREWALL" == off ]]; then
    [[ ! -f "$ROOT/$RULES_BACK" ]] || run rm -f "$ROOT/$RULES_BACK"
    ! systemctl is-enabled --quiet "$unit" 2>/dev/null || run systemctl disable --now "$unit"
    info "not wanted (HARENA_FIREWALL=off)"
  else
    run systemctl daemon-reload
    run systemctl enable --quiet "$unit"
    run systemctl reload-or-restart "$unit" ||
      fatal "The rules were refused: journalctl --unit ${unit%.service} --lines 20 says why."
  fi
}

# All that k3s reads when it starts, what others have added included.
fingerprint() (
  cd "${ROOT:-/}" || exit
  for file in usr/local/bin/k3s etc/systemd/system/k3s.service etc/default/k3s \
    etc/rancher/k3s/{config.yaml,config.yaml.d/*.yaml,psa.yaml,registries.yaml} \
    var/lib/rancher/k3s/agent/etc/kubelet.conf.d/*.conf; do
    # k3s writes that one itself.
    [[ ! -f "$file" || "$file" == */00-k3s-defaults.conf ]] || sha256sum "$file"
  done | sha256sum | cut -d' ' -f1
)

record_start() { write_down "$STARTED" "$K3S_VERSION $(fingerprint)"; }

# The datastore as the older version has left it; it is whole only while k3s does not run.
back_up_datastore() {
  local version=unknown archive
  [[ ! -f "$STARTED" ]] || version="$(cut -d' ' -f1 "$STARTED")"
  archive="$KEPT/k3s-$version.tar"
  # Once: what a second attempt would find has been in the newer version's hands.
  [[ "$version" != "$K3S_VERSION" && -f "$STATE/server/token" && ! -f "$archive" ]] || return 0
  info "keeping the datastore of $version in $archive"
  run systemctl stop k3s.service
  (umask 077 && run tar --create --file "$archive.new" --directory "$STATE/server" db token)
  run mv "$archive.new" "$archive"
}

# Of the API server, and of who asks it: the others are as old.
renewal_is_due() {
  local name file
  for name in serving-kube-apiserver client-admin; do
    file="$STATE/server/tls/$name.crt"
    [[ -f "$file" ]] || continue
    openssl x509 -in "$file" -noout -checkend $((RENEWED_WITHIN_DAYS * 24 * 3600)) >/dev/null || return 0
  done
  return 1
}

start_k3s() {
  if [[ "$STALE" == false && -f "$STARTED" && "$(cut -d' ' -f2 "$STARTED")" == "$(fingerprint)" ]] &&
    k3s_runs && ! renewal_is_due; then
    info "it runs with what is configured, and is not restarted"
  else
    run systemctl daemon-reload
    run systemctl enable --quiet k3s.service
    back_up_datastore
    run systemctl restart k3s.service || fatal "k3s did not start: journalctl --unit k3s --lines 50 says why."
    run record_start
  fi
  run kubectl wait --for=create "node/$NODE" --timeout=120s
  run kubectl wait --for=condition=Ready "node/$NODE" --timeout=180s
}

# The preflight has brought it, where the machine has none.
install_helm() {
  if [[ "$HELM" == "$SCRATCH"/* ]]; then
    put "$HELM" "$BIN/helm" 0755
  else
    info "$HELM is there"
  fi
}
