#!/usr/bin/env bash
# Build the Go programs of the test cluster, once for each state of their sources.
#
#   build.sh kubernetes|ingress-nginx|prometheus     prints the folder that holds the binaries
#
# They are kept outside the checkout, under a hash of the sources, the flags and the Go version:
# a fresh clone on a machine that has built before starts at once, and a change of version builds anew.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${HARENA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/harena}/cluster
NAME=${1:?"usage: build.sh kubernetes|ingress-nginx|prometheus"}
SOURCE=$HERE/$NAME

version_of() { # module: its version in go.mod
  awk -v m="$1" '$1 == m {print $2; exit}' "$SOURCE/go.mod"
}

case $NAME in
  kubernetes)
    binaries="kube pause coredns local-path-provisioner"
    version=$(version_of k8s.io/kubernetes)
    flag=k8s.io/component-base/version
    # Without it the version is v0.0.0-master, which charts' kubeVersion refuse.
    stamp="-X $flag.gitVersion=$version -X $flag.gitMajor=1 -X $flag.gitMinor=$(cut -d. -f2 <<<"$version") -X $flag.gitTreeState=clean"
    ;;
  ingress-nginx)
    binaries=nginx-ingress-controller
    # The module carries no tags; this is the release that its commit follows.
    stamp="-X k8s.io/ingress-nginx/version.RELEASE=v1.11.0"
    ;;
  prometheus)
    binaries=prometheus
    # 3.5, the long-term release: the newest whose dependencies the module proxy has, all of them.
    # No go.mod of ours: its own cannot be required (it replaces a module), so it is built where it is.
    module=github.com/prometheus/prometheus@v0.305.0
    sum=h1:UO/LsM32/E9yBDtvQj8tN+WwhbyWKR10lO35vmFLx0U=
    stamp="-X github.com/prometheus/common/version.Version=3.5.0"
    ;;
  *) echo "build.sh: nothing called $NAME" >&2; exit 2 ;;
esac

if ! command -v go >/dev/null; then
  echo "build.sh: Go is needed to build $NAME (see $SOURCE/go.mod for its version)" >&2
  exit 1
fi
key=$({ go version; cat "${BASH_SOURCE[0]}"; cd "$SOURCE"; find . -name '*.go' -o -name 'go.*' | LC_ALL=C sort | xargs cat; } | sha256sum | cut -c1-16)
out=$CACHE/$NAME-$key

complete() {
  local binary
  for binary in $binaries; do [ -x "$out/$binary" ] || return 1; done
}

if ! complete; then
  mkdir -p "$CACHE"
  exec 9>"$CACHE/.lock" # one build at a time: two compete for the same cores and take longer together
  flock -w 3600 9
  if ! complete; then
    started=$SECONDS
    echo "building $NAME (several minutes when nothing was built before)" >&2
    rm -rf "$out.part"
    mkdir -p "$out.part"
    # Static and without debug data: less to compile, link and keep. -trimpath lets the build cache hit
    # wherever the checkout lies.
    build() {
      (cd "$SOURCE" && CGO_ENABLED=0 timeout 3000 nice go build -mod=readonly -buildvcs=false -trimpath \
        -gcflags=all=-dwarf=false -ldflags "-s -w $stamp" -o "$out.part/" "$@") >&2
    }
    case $NAME in
      kubernetes)
        build ./cmd/kube ./cmd/pause ./cmd/coredns
        # On its own: it imports Sirupsen/logrus, which collides with sirupsen/logrus in one build.
        build github.com/rancher/local-path-provisioner
        ;;
      ingress-nginx)
        build k8s.io/ingress-nginx/cmd/nginx
        mv "$out.part/nginx" "$out.part/$binaries"
        ;;
      prometheus)
        downloaded=$(go mod download -json "$module")
        grep -qF "\"Sum\": \"$sum\"" <<<"$downloaded" || { echo "build.sh: $module is not what it was" >&2; exit 1; }
        cp -r --no-preserve=mode "$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$downloaded")" "$out.part/source"
        cp "$SOURCE/plugins.go" "$out.part/source/plugins/plugins.go"
        SOURCE=$out.part/source build ./cmd/prometheus
        rm -rf "$out.part/source"
        ;;
    esac
    rm -rf "$out"
    mv "$out.part" "$out"
    echo "built $NAME in $((SECONDS - started)) s" >&2
  fi
fi
echo "$out"
