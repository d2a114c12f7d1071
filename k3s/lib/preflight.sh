# shellcheck shell=bash
# What must be true of the machine before anything is done to it. Every finding is reported, each with
# what to do about it; errors stop an installation, warnings do not. Nothing here changes anything.

# A machine of 4 GiB shows 3.7 to 3.9. Pods request about 1.3 GiB; the kubelet keeps 1.2 (kubelet.conf.d).
readonly MEMORY_NEEDED=3000 MEMORY_WANTED=3600
# Images and k3s take some 5 GiB, the database is given 8, and pods are evicted at 10 %.
readonly DISK_NEEDED=8192 DISK_WANTED=20480 DISK_NEEDED_BY_UPDATE=2048
# Tokens and certificates tell the time in seconds.
readonly CLOCK_SKEW=60
# The edge; the API server, its supervisor's own; kubelet and kube-proxy; containerd's streams.
readonly PORTS="80 443 6443 6444 10248 10249 10250 10256 10257 10258 10259 10010"
readonly COMMANDS="awk base64 cmp curl cut df find flock install modprobe openssl pgrep sed sha256sum sort ss stat sysctl systemctl tar"
readonly MANIFESTS="application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
readonly OUR_IMAGES="push ours to a registry of your own and name them (image.registry, image.tag in \
${HARENA_VALUES:-/etc/harena/values.yaml}), or pack them and give the folder (HARENA_IMAGES): docs/node.md"

PREFLIGHT_ERRORS=0
PREFLIGHT_WARNINGS=0
CLOCK_IS_WRONG=false
# The archive of our images, if there is one, and the tag that it gives them: it follows what is in them.
OUR_ARCHIVE=""
IMAGE_TAG=""
readonly LEFT_ARCHIVE="$STATE/agent/images/harena.tar"

found_ok() { printf '  %-9s %-18s %s\n' ok "$1" "$2"; }
found() { # error|warning subject finding remedy
  if [[ "$1" == error ]]; then
    PREFLIGHT_ERRORS=$((PREFLIGHT_ERRORS + 1))
  else
    PREFLIGHT_WARNINGS=$((PREFLIGHT_WARNINGS + 1))
  fi
  printf '  %-9s %-18s %s\n  %-9s %-18s -> %s\n' "$1" "$2" "$3" "" "" "$4"
}

check_settings() {
  case "$HARENA_INGRESS" in
    nginx) ;;
    traefik)
      [[ -f "$TRAEFIK_SETTINGS" ]] || found error HARENA_INGRESS \
        "k8s/traefik/helmchartconfig.yaml is not in this checkout: Traefik would not read the platform's Ingress objects" \
        "check out a version that has it, or set HARENA_INGRESS=nginx"
      ;;
    *) found error HARENA_INGRESS "\"$HARENA_INGRESS\" is no ingress controller" "nginx or traefik" ;;
  esac
  case "$HARENA_FIREWALL" in
    on) command -v nft >/dev/null || found error nft "it is not installed, and closes k3s' ports" \
      "install nftables, or set HARENA_FIREWALL=off where something else closes 6443, 10250 and 8472/udp" ;;
    off) ;;
    *) found error HARENA_FIREWALL "\"$HARENA_FIREWALL\" says nothing" "on or off" ;;
  esac
  [[ -z "$HARENA_VALUES" || -f "$HARENA_VALUES" ]] ||
    found error HARENA_VALUES "there is no file $HARENA_VALUES" "name a values file of the chart (charts/harena/values.yaml)"
  [[ -z "$HARENA_IMAGES" || -d "$HARENA_IMAGES" ]] ||
    found error HARENA_IMAGES "there is no folder $HARENA_IMAGES" "name the folder with the image archives"
}

check_system() {
  local missing="" command modules="" module kernel firewall=""
  [[ "$HARENA_FIREWALL" == off ]] || firewall=nf_tables
  [[ "$(id -u)" == 0 ]] || found error root "this is not root" "run it with sudo"
  if [[ "$(uname -m)" == x86_64 ]]; then
    found_ok architecture x86_64
  else
    found error architecture "$(uname -m): the checksums and the images are for x86_64 only" "use such a machine (AWS: t3, m7i; not t4g)"
  fi
  [[ -d "$ROOT/run/systemd/system" ]] ||
    found error systemd "it does not run this machine" "use a distribution that has it (Ubuntu 24.04, Debian 12, Amazon Linux 2023)"
  for command in $COMMANDS; do
    command -v "$command" >/dev/null || missing+=" $command"
  done
  [[ -z "$missing" ]] || found error commands "missing:$missing" \
    "install them (Debian, Ubuntu: apt-get install curl iproute2 procps kmod util-linux openssl tar gawk)"
  kernel="$(uname -r)"
  if [[ "$(printf '%s\n5.10\n' "$kernel" | sort --version-sort | head -n 1)" == 5.10 ]]; then
    found_ok kernel "$kernel"
  else
    found warning kernel "$kernel is older than 5.10, the oldest that this is meant for" "update the system"
  fi
  for module in overlay br_netfilter nf_conntrack vxlan $firewall; do
    modprobe --dry-run --quiet "$module" || modules+=" $module"
  done
  [[ -z "$modules" ]] || found error "kernel modules" "missing:$modules" \
    "install them (RHEL 10: dnf install kernel-modules-extra; Ubuntu: linux-modules-extra-$kernel)"
  if [[ "$(cat "$ROOT/sys/fs/cgroup/cgroup.controllers" 2>/dev/null)" == *memory*pids* ]]; then
    found_ok cgroups v2
  else
    found error cgroups "no cgroup v2 with memory and pids" \
      "boot with systemd.unified_cgroup_hierarchy=1 cgroup_enable=memory (grub: GRUB_CMDLINE_LINUX)"
  fi
}

check_resources() {
  local memory disk folder="$ROOT/var/lib/rancher" needed=$DISK_NEEDED processors
  processors="$(nproc)"
  ((processors >= 2)) || found warning processors "$processors; k3s asks for 2" "use a larger machine"
  memory="$(awk '$1 == "MemTotal:" {print int($2 / 1024)}' "$ROOT/proc/meminfo")"
  if ((memory < MEMORY_NEEDED)); then
    found error memory "$memory MiB; the pods stay Pending below $MEMORY_NEEDED" "use a machine of 4 GiB (AWS: t3.medium)"
  elif ((memory < MEMORY_WANTED)); then
    found warning memory "$memory MiB; an update needs room for a second pod, which $MEMORY_WANTED gives" "use a machine of 4 GiB"
  else
    found_ok memory "$memory MiB"
  fi
  while [[ -n "$folder" && ! -d "$folder" ]]; do folder="${folder%/*}"; done
  disk="$(df --output=avail -B 1M "${folder:-/}" | tail -n 1 | tr -d ' ')"
  # Images are there already.
  [[ ! -d "$STATE/agent/containerd" ]] || needed=$DISK_NEEDED_BY_UPDATE
  if ((disk < needed)); then
    found error disk "$disk MiB free for $STATE, of $needed" "free space there, or mount a larger volume at it"
  elif ((disk < DISK_WANTED)); then
    found warning disk "$disk MiB free for $STATE; $DISK_WANTED leaves the database room to grow" "mount a larger volume at it"
  else
    found_ok disk "$disk MiB free for $STATE"
  fi
  if (($(wc -l <"$ROOT/proc/swaps") > 1)); then
    found warning swap "it is on: pods do not use it, and a server short of memory slows down instead of ending a pod" \
      "swapoff --all, and take it out of /etc/fstab; or keep it knowingly, small"
  fi
}

check_ports() {
  local protocol address port process held
  held="$(listeners)"
  while read -r protocol address port process; do
    # k3s itself, when this machine is a node already.
    [[ "$process" != k3s* && "$process" != containerd* && "$address" != - ]] || continue
    if [[ "$protocol" == tcp && " $PORTS " == *" $port "* ]]; then
      found error "port $port" "$process listens on $address:$port" "stop it for good: systemctl disable --now $process, or docker compose down"
    # A node's own network stays when its k3s stops, and is the kernel's: no process holds it.
    elif [[ "$protocol $port" == "udp 8472" && ! -f "$UNIT" ]]; then
      found error "port 8472/udp" "$process listens on it, and the pods' network needs it" "stop it for good, or remove that network"
    fi
  done <<<"${held:-- - - -}"
}

check_conflicts() {
  local unit
  for unit in kubelet microk8s.daemon-kubelite rke2-server k3s-agent; do
    ! systemctl is-active --quiet "$unit" || found error "$unit" "another Kubernetes runs here" "systemctl disable --now $unit"
  done
  # It rewrites the routes of pods.
  for unit in nm-cloud-setup.service nm-cloud-setup.timer; do
    ! systemctl is-enabled --quiet "$unit" 2>/dev/null ||
      found error "$unit" "it takes the pods' routes away" "systemctl disable --now $unit, then reboot"
  done
  if systemctl is-active --quiet firewalld; then
    local trusted
    trusted="$(firewall-cmd --zone=trusted --list-sources 2>/dev/null)" || true
    [[ "$trusted" == *10.42.0.0/16*10.43.0.0/16* || "$trusted" == *10.43.0.0/16*10.42.0.0/16* ]] ||
      found error firewalld "it drops what pods send" \
        "systemctl disable --now firewalld, or firewall-cmd --permanent --zone=trusted --add-source=10.42.0.0/16 --add-source=10.43.0.0/16 && firewall-cmd --reload"
  fi
  ! systemctl is-active --quiet ufw || found warning ufw "it may drop what pods send" \
    "ufw disable, or ufw allow from 10.42.0.0/16 and from 10.43.0.0/16"
  ! systemctl is-active --quiet docker || found warning docker \
    "its containers take memory that is planned for pods, and it drops forwarded packets that are not its own" \
    "move what it holds, then systemctl disable --now docker docker.socket"
  if [[ "$(getenforce 2>/dev/null || true)" == Enforcing ]] && ! rpm --quiet -q k3s-selinux 2>/dev/null; then
    found error SELinux "it enforces, and k3s' policy is not installed" "install k3s-selinux, or setenforce 0 and SELINUX=permissive in /etc/selinux/config"
  fi
}

# They close in the middle of a run: whoever comes from elsewhere must be let in before.
check_firewall() {
  local remedy="name them in /etc/harena/firewall.d/nodes.nft first (docs/node.md), or set HARENA_FIREWALL=off"
  [[ "$HARENA_FIREWALL" == on && "$(chosen "$FIREWALL" off)" == off ]] && k3s_runs && ! has_own_rules || return 0
  if (($(kubectl get nodes --output name | wc -l) > 1)); then
    found error firewall "the cluster has other nodes, and k3s' ports would be closed to them" "$remedy"
  else
    found warning firewall "k3s' ports are open, and will be closed: kubectl from other machines is refused then" "$remedy"
  fi
}

check_version() {
  local present here there
  if [[ -f "$UNIT" ]] && ! grep --quiet Harena "$UNIT"; then
    found error k3s "another installer put it here: its volumes belong to a node of another name, its datastore is not encrypted" \
      "back up what it holds, take it off (its k3s-uninstall.sh deletes every volume), then run this again"
  fi
  present="$(installed_version)"
  [[ -n "$present" && "$present" != "$K3S_VERSION" ]] || return 0
  here="$(cut -d. -f2 <<<"$present")"
  there="$(cut -d. -f2 <<<"$K3S_VERSION")"
  if [[ "$(printf '%s\n' "$present" "$K3S_VERSION" | sort --version-sort | tail -n 1)" == "$present" ]]; then
    found error k3s "$present is here, newer than $K3S_VERSION; its data cannot go back" \
      "use a checkout with $present or newer in k3s/versions.env"
  elif ((there - here > 1)); then
    found error k3s "from $present to $K3S_VERSION skips a minor version, which Kubernetes does not support" \
      "install the last v1.$((here + 1)) first: its version and checksum in k3s/versions.env, run this, then set them back"
  else
    found_ok k3s "$present, to be updated to $K3S_VERSION"
  fi
}

check_clock() {
  [[ "$(timedatectl show --property NTPSynchronized --value 2>/dev/null || true)" == yes ]] ||
    found warning clock "nothing keeps it right" "timedatectl set-ntp true (or install chrony)"
}

# Finds what a release lists as the checksum of a file, in LISTED. The answer's date tells how wrong
# our clock is.
ask_release() { # name url-of-list
  local answer date skew
  if ! answer="$(curl --fail --silent --location --connect-timeout 10 --max-time 30 --dump-header - "$2" | tr -d '\r')"; then
    found error network "$2 does not answer" "allow HTTPS to it, or bring everything along with HARENA_AIRGAP (docs/node.md)"
    return
  fi
  LISTED="$(awk -v name="$1" '$2 == name || $2 == "*" name {print $1; exit}' <<<"$answer")"
  date="$(sed -n 's/^[Dd]ate: //p' <<<"$answer" | tail -n 1)"
  skew=$(($(date +%s) - $(date --date "${date:-now}" +%s)))
  if ((${skew#-} > CLOCK_SKEW)) && [[ "$CLOCK_IS_WRONG" == false ]]; then
    CLOCK_IS_WRONG=true # of two releases, the first to say so
    found error clock "it is $skew s from that of ${2%%/releases/*}" \
      "timedatectl set-ntp true; tokens and certificates fail by a wrong clock"
  fi
}

check_download() { # name recorded-checksum list variable
  local LISTED="" source="the release"
  if [[ -z "$HARENA_AIRGAP" ]]; then
    ask_release "$1" "$3"
  elif [[ -f "$HARENA_AIRGAP/$1" ]]; then
    source="$HARENA_AIRGAP"
    LISTED="$(sha256sum "$HARENA_AIRGAP/$1" | cut -d' ' -f1)"
  fi
  if [[ -z "$2" ]]; then
    found error "$1" "no checksum is recorded for it; ${LISTED:-none} is what $source says" \
      "compare that with $3 from another network, then record it in k3s/versions.env ($4), or set HARENA_$4"
  elif [[ -n "$LISTED" && "$2" != "$LISTED" ]]; then
    found error "$1" "$source has the checksum $LISTED, and $2 is recorded" \
      "do not install it: find out which of the two is wrong (k3s/versions.env, $3)"
  elif [[ -n "$LISTED" ]]; then
    found_ok "$1" "from $source, with the recorded checksum"
  fi
}

# The names of the images in an archive, one a line, as OCI's layout and Docker's say them.
names_in() { # archive
  tar --extract --to-stdout --file "$1" index.json manifest.json 2>/dev/null | tr -d '\n' |
    grep -oE '"(io\.containerd\.image|org\.opencontainers\.image\.ref)\.name": *"[^"]+"|"RepoTags": *\[[^]]*' |
    sed 's/^"[^"]*"//' | grep -oE '"[^"]+"' | tr -d '"' | sort -u || true
}

# The archive that was given, or that an earlier run was given: without its tag, the release would ask
# for images that are nowhere.
check_release() {
  local tags release or_not=""
  OUR_ARCHIVE="$HARENA_IMAGES/harena.tar"
  if [[ -z "$HARENA_IMAGES" || ! -f "$OUR_ARCHIVE" ]]; then
    OUR_ARCHIVE="$LEFT_ARCHIVE"
    or_not="; or remove it, where our images come from a registry"
  fi
  [[ -f "$OUR_ARCHIVE" ]] || return 0
  tags="$(names_in "$OUR_ARCHIVE" | sed 's/.*://' | sort -u)"
  release="$(sed -n 's/^appVersion: "\(.*\)"$/\1/p' "$REPOSITORY/charts/harena/Chart.yaml")"
  if [[ -z "$tags" || "$tags" == *$'\n'* ]]; then
    found error harena.tar "$OUR_ARCHIVE does not hold images of one tag, but: ${tags//$'\n'/ }" "pack it as docs/node.md says$or_not"
  elif [[ "$tags" =~ ^(.+)-[0-9a-f]{12}$ && "${BASH_REMATCH[1]}" != "$release" ]]; then
    found error harena.tar "$OUR_ARCHIVE holds our images of ${BASH_REMATCH[1]}, and this checkout is $release" \
      "pack them from this checkout, or check out the version that they were packed from$or_not"
  else
    IMAGE_TAG="$tags"
    found_ok harena.tar "$tags, in ${OUR_ARCHIVE%/*}"
  fi
}

check_airgap() {
  local name wanted=(SHA256SUMS)
  if [[ ! -d "$HARENA_AIRGAP" ]]; then
    found error HARENA_AIRGAP "there is no folder $HARENA_AIRGAP" "docs/node.md says how to fill one"
    return
  fi
  k3s_is_current || wanted+=(k3s)
  [[ -n "$(helm_path)" ]] || wanted+=("$HELM_ARCHIVE")
  [[ "$HARENA_INGRESS" != nginx ]] || wanted+=("$INGRESS_NGINX_ARCHIVE")
  for name in "${wanted[@]}"; do
    [[ -f "$HARENA_AIRGAP/$name" ]] || found error HARENA_AIRGAP "$name is not in it" "docs/node.md says what belongs there"
  done
  [[ -f "$HARENA_IMAGES/k3s-airgap-images-amd64.tar.zst" || -f "$HARENA_IMAGES/k3s-airgap-images-amd64.tar" ]] || found error HARENA_IMAGES "k3s-airgap-images-amd64.tar.zst is not in $HARENA_IMAGES" \
    "take it from the release of k3s: its own pods have no other source"
  [[ ! -f "$HARENA_AIRGAP/SHA256SUMS" ]] || (cd "$HARENA_AIRGAP" && sha256sum --check --status SHA256SUMS) ||
    found error HARENA_AIRGAP "not everything is as SHA256SUMS says" "copy it again; (cd $HARENA_AIRGAP && sha256sum --check SHA256SUMS) names the file"
}

# Helm tells what the chart will install; where the machine has none, the one that it will get does.
check_helm() {
  local errors=$PREFLIGHT_ERRORS list="$HELM_RELEASES/$HELM_ARCHIVE.sha256sum"
  HELM="$(helm_path)"
  [[ -z "$HELM" ]] || return 0
  HELM="$SCRATCH/linux-amd64/helm"
  [[ -z "$HARENA_AIRGAP" || -f "$HARENA_AIRGAP/$HELM_ARCHIVE" ]] || return 0 # said elsewhere
  check_download "$HELM_ARCHIVE" "$HELM_SHA256" "$list" HELM_SHA256
  ((PREFLIGHT_ERRORS == errors)) || return 0
  if fetch "$HELM_ARCHIVE" "${list%.sha256sum}" "$HELM_SHA256"; then
    tar --extract --gzip --file "$SCRATCH/$HELM_ARCHIVE" --directory "$SCRATCH" linux-amd64/helm
  else
    found error "$HELM_ARCHIVE" "it did not come as recorded" "see the line above; ${list%.sha256sum} is where it comes from"
  fi
}

render_platform() { # argument of helm…
  local CHART
  platform_chart
  render harena "${CHART[@]}" "$@"
}
render() { # release, chart and arguments…; into SCRATCH
  "$HELM" template "$@" >"$SCRATCH/$1.yaml" 2>"$SCRATCH/refused"
}
refusal() { sed -n '/^Error/,$p' "$SCRATCH/refused" | tr '\n' ' '; }
images_of() { sed -nE 's/^[ -]*image: *"?([^"]+)"?$/\1/p' "$SCRATCH/$1.yaml" | sort -u; }

# What will be installed names its images; a pod whose image is nowhere would wait until helm gives up.
check_chart() {
  local values=()
  if [[ ! -x "$HELM" ]]; then
    found warning images "without Helm nobody looked for them; ours are published nowhere" "$OUR_IMAGES"
    return
  fi
  if [[ -f "$HARENA_VALUES" ]]; then
    values=(--values "$HARENA_VALUES")
  elif [[ -n "$(release harena "$HARENA_NAMESPACE")" ]]; then
    "$HELM" get values harena --namespace "$HARENA_NAMESPACE" --output yaml >"$SCRATCH/values.yaml"
    values=(--values "$SCRATCH/values.yaml")
  elif [[ -d "$STATE/server/db" ]] && ! k3s_runs; then
    found warning images "the release's values cannot be read while k3s does not run: nobody looked for its images" \
      "say them with HARENA_VALUES"
    return
  fi
  if ! render_platform "${values[@]}"; then
    found error HARENA_VALUES "the chart refuses it: $(refusal)" "correct it"
    return
  fi
  # Nobody gave it today, and the values may have gone over to a registry.
  if [[ -n "$IMAGE_TAG" && "$OUR_ARCHIVE" == "$LEFT_ARCHIVE" ]] &&
    ! grep --quiet -xF -f <(names_in "$OUR_ARCHIVE") <<<"$(images_of harena)"; then
    found warning harena.tar "an earlier run left $OUR_ARCHIVE, and the values ask for none of its images" "remove it"
    IMAGE_TAG=""
    render_platform "${values[@]}"
  fi
  check_images
}

# Names of the images that are here, one a line.
images_here() {
  local file
  ! k3s_runs || "$K3S" ctr images list --quiet
  for file in ${HARENA_IMAGES:+"$HARENA_IMAGES"/*.tar} "$STATE"/agent/images/*.tar; do
    [[ ! -f "$file" ]] || names_in "$file"
  done
}

# The proxy that k3s is given, for curl: the file is systemd's, and is not run. What is for containerd
# alone comes last, as it counts more.
proxy() {
  [[ ! -f "$ROOT/etc/default/k3s" ]] || LC_ALL=C sort --reverse "$ROOT/etc/default/k3s" |
    sed -nE "s/^(CONTAINERD_)?(HTTPS|NO)_PROXY=[\"']?([^\"']*).*/\2 \3/Ip"
}

check_images() {
  local images here image short missing="" refused="" silent="" mute="" severity=error silence status name value
  images="$(images_of harena)"
  here="$(images_here)"
  if [[ -n "$HARENA_AIRGAP" && "$HARENA_INGRESS" == nginx && -f "$HARENA_AIRGAP/$INGRESS_NGINX_ARCHIVE" ]]; then
    local CHART
    ingress_chart
    if render ingress-nginx "${CHART[@]}"; then
      images+=" $(images_of ingress-nginx)"
    else
      found error HARENA_AIRGAP "helm cannot use $INGRESS_NGINX_ARCHIVE: $(refusal)" "pull it again"
    fi
  fi
  # Then k3s may be let in where we are not, or ask elsewhere.
  if [[ -f "$ROOT/etc/rancher/k3s/registries.yaml" ]] || grep --quiet imagePullSecrets: "$SCRATCH/harena.yaml"; then
    severity=warning
  fi
  while read -r name value; do
    local -x "${name,,}_proxy=$value"
  done < <(proxy)
  # A proxy may know k3s by what we do not have.
  silence="${https_proxy:+warning}"
  for image in $images; do
    # Docker leaves these out of a name.
    short="${image#docker.io/}"
    short="${short#library/}"
    ! grep --quiet -xF -e "$image" -e "$short" <<<"$here" || continue
    if [[ -n "$HARENA_AIRGAP" ]]; then
      missing+=" $image"
      continue
    fi
    # Once is enough to wait for a registry.
    status=""
    [[ "$mute" == *" ${image%%/*} "* ]] || status="$(ask_registry "$image")"
    case "${status:-000} $image" in
      200*) ;;
      # The second is the chart's placeholder: nobody can be let in.
      404* | 40[13]" ghcr.io/harena/"*) missing+=" $image" ;;
      401* | 403* | 429*) refused+=" $image" ;;
      000*) silent+=" $image" mute+=" ${image%%/*} " ;;
      *) silent+=" $image" ;;
    esac
  done
  if [[ -n "$HARENA_AIRGAP" ]]; then
    [[ -z "$missing" ]] || found error images "in no .tar of $HARENA_IMAGES:$missing" "pack them as docs/node.md says, or name others in the values file"
  else
    [[ -z "$missing" ]] || found "$severity" images "in no archive here, and their registries have none:$missing" "$OUR_IMAGES"
    [[ -z "$refused" ]] || found warning images "in no archive here, and their registries do not tell everybody, or not now:$refused" \
      "see that k3s can pull them (docs/node.md), or its pods wait until Helm gives up"
    [[ -z "$silent" ]] || found "${silence:-$severity}" images "in no archive here, and their registries do not answer:$silent" \
      "allow HTTPS to them, or give archives (HARENA_IMAGES, docs/node.md)"
  fi
  [[ -n "$missing$refused$silent" ]] || found_ok images "each is here or in its registry"
}

# What a node without credentials would be told of an image: 200, 404, 401 or 403 for one that is private
# or not there, 429 for having asked too often, 000 for silence. The API is OCI's distribution-spec, with
# Docker's token for anybody.
ask_registry() { # image
  local image="$1" host name reference answer challenge token=""
  [[ "${image%%/*}" == *[.:]* && "$image" == */* ]] || image="docker.io/$image"
  [[ "$image" =~ ^([^/]+)/([^:@]+)(:([^@]+))?(@(.+))?$ ]]
  host="${BASH_REMATCH[1]}" name="${BASH_REMATCH[2]}" reference="${BASH_REMATCH[6]:-${BASH_REMATCH[4]}}"
  if [[ "$host" == docker.io ]]; then
    host=registry-1.docker.io
    [[ "$name" == */* ]] || name="library/$name"
  fi
  local url="https://$host/v2/$name/manifests/$reference"
  answer="$(ask_manifest "$url")"
  challenge="$(grep --ignore-case '^www-authenticate: *bearer ' <<<"$answer")" || true
  if [[ "$answer" == *401 && "$challenge" =~ realm=\"([^\"]+)\" ]]; then
    token="$(curl --silent --location --connect-timeout 5 --max-time 20 --get --data-urlencode "scope=repository:$name:pull" \
      --data-urlencode "service=$(sed -nE 's/.*service="([^"]*)".*/\1/p' <<<"$challenge")" "${BASH_REMATCH[1]}" |
      sed -nE 's/.*"(access_)?token": *"([^"]+)".*/\2/p')" || true
    [[ -z "$token" ]] || answer="$(ask_manifest "$url" --header @- <<<"Authorization: Bearer $token")"
  fi
  printf '%s' "${answer: -3}"
}
ask_manifest() { # url [argument of curl…]; the headers, and the status last
  curl --silent --head --location --connect-timeout 5 --max-time 20 --header "Accept: $MANIFESTS" --write-out '%{http_code}' "${@:2}" "$1" | tr -d '\r' || true
}

# With a role, whatever makes a program on this machine fetch an address would learn its keys.
check_metadata() {
  local status
  status="$(curl --silent --output /dev/null --write-out '%{http_code}' --noproxy '*' --max-time 2 http://169.254.169.254/latest/meta-data/)" || true
  [[ "$status" != 200 ]] || found warning "metadata address" "169.254.169.254 answers without a token" \
    "aws ec2 modify-instance-metadata-options --http-tokens required --http-put-response-hop-limit 1 --instance-id …"
}

# What the rendered chart takes the engine's address from; blank where nothing can be read yet.
search_url() {
  local name key
  read -r name key < <(awk '$1 == "name:" {name = $2} /path: search-engine-url/ {print name, $3; exit}' "$SCRATCH/harena.yaml" | tr -d '",') || return 0
  k3s_runs || return 0
  kubectl --namespace "$HARENA_NAMESPACE" get secret "$name" --ignore-not-found --output "jsonpath={.data.${key//./\\.}}" | base64 --decode || true
}

check_search() {
  local url="$HARENA_SEARCH_URL" status shown
  [[ -n "$url" || ! -f "$SCRATCH/harena.yaml" ]] || url="$(search_url)"
  [[ -n "$url" ]] || return 0
  # The address may hold a password, so it is no argument and is shown without.
  shown="${url#*//}"
  shown="${url%%//*}//${shown##*@}"
  status="$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 --config - <<<"url = \"$url\"")" || true
  case "$status" in
    2*) found_ok "search engine" "$shown answers" ;;
    401 | 403) found warning "search engine" "$shown refuses the credentials: search is degraded" "correct them in the Secret that searchEngine.existingSecret names" ;;
    000) found warning "search engine" "$shown cannot be reached: search is degraded" "allow the way to it, or correct the address" ;;
    *) found warning "search engine" "$shown answers with $status: search is degraded" "look at it there" ;;
  esac
}

preflight() {
  check_settings
  check_system
  check_resources
  check_ports
  check_conflicts
  check_firewall
  check_version
  check_clock
  check_release
  [[ -z "$HARENA_AIRGAP" ]] || check_airgap
  k3s_is_current || check_download k3s "$K3S_SHA256" "$K3S_RELEASE/sha256sum-amd64.txt" K3S_SHA256
  check_helm
  check_chart
  check_search
  check_metadata
  printf '        %d errors, %d warnings\n' "$PREFLIGHT_ERRORS" "$PREFLIGHT_WARNINGS"
  ((PREFLIGHT_ERRORS > 0)) && [[ "$DRY_RUN" == false ]] || return 0
  STEP="" # nothing was begun that could go on
  fatal "This machine is not ready, and nothing was changed. Put right what is said above, then run this again."
}
