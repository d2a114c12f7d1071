# shellcheck shell=bash
# The ingress controller and our chart, by Helm.

helm() { "$(helm_path)" "$@"; }

# Helm keeps each revision of a release in a Secret with these labels.
release() { # name namespace [further selector]
  [[ -x "$K3S" ]] && k3s_runs || return 0
  kubectl --namespace "$2" get secrets --selector "owner=helm,name=$1${3:-}" --output name
}

# A helm that was killed leaves its revision pending, and every later one is refused. Without that
# record the last deployed revision counts again; the objects stay, and the next upgrade takes them on.
unstick() { # name namespace
  local pending other
  pending="$(release "$1" "$2" ',status in (pending-install,pending-upgrade,pending-rollback)')"
  [[ -n "$pending" ]] || return 0
  if other="$(pgrep -x helm)"; then
    fatal "Another helm is at work on this machine (process $other), and the release $1 is pending: wait for it, then run this again."
  fi
  warn "An interrupted helm left the release $1 pending: removing that record ($pending)."
  # shellcheck disable=SC2086 # one word a Secret
  run kubectl --namespace "$2" delete $pending
}

deploy() { # name namespace chart and arguments…
  local name="$1" namespace="$2"
  shift 2
  unstick "$name" "$namespace"
  run helm upgrade --install "$name" "$@" --namespace "$namespace" --create-namespace \
    --wait --rollback-on-failure --timeout "$HARENA_TIMEOUT" --history-max 5 --hide-notes
}

# The controller's chart with its values, as helm takes them, in CHART.
ingress_chart() {
  CHART=(ingress-nginx --version "$INGRESS_NGINX_VERSION" --repo "$INGRESS_NGINX_CHARTS")
  # An archive knows its image by the tag alone; by the digest it was copied (docs/node.md).
  [[ -z "$HARENA_AIRGAP" ]] || CHART=("$HARENA_AIRGAP/$INGRESS_NGINX_ARCHIVE" --set controller.image.digest=)
  CHART+=(--values "$REPOSITORY/k8s/ingress-nginx/values.yaml")
}

# The same of ours, but for the operator's values.
platform_chart() {
  CHART=("$REPOSITORY/charts/harena" --set "ingress.controller=$HARENA_INGRESS")
  [[ -z "$IMAGE_TAG" ]] || CHART+=(--set-string "image.tag=$IMAGE_TAG")
}

install_ingress() {
  local CHART
  if [[ "$HARENA_INGRESS" == nginx ]]; then
    # Two controllers cannot have port 80: ServiceLB gives it to the first.
    run kubectl --namespace kube-system wait --for=delete deployment/traefik --timeout=180s
    ingress_chart
    deploy ingress-nginx ingress-nginx "${CHART[@]}"
  else
    if [[ -n "$(release ingress-nginx ingress-nginx)" ]]; then
      run helm uninstall ingress-nginx --namespace ingress-nginx --wait --timeout "$HARENA_TIMEOUT"
    fi
    # k3s installs Traefik in Jobs of its own, its kinds of objects first.
    run kubectl wait --for=create crd/middlewares.traefik.io --timeout=300s
    run kubectl apply --filename "$TRAEFIK_SETTINGS"
    run kubectl --namespace kube-system wait --for=create deployment/traefik --timeout=300s
    run kubectl --namespace kube-system rollout status deployment/traefik --timeout=300s
  fi
}

install_platform() {
  # Without a file the release keeps its values, on top of the chart's present defaults.
  local CHART values=(--reset-then-reuse-values)
  [[ -z "$HARENA_VALUES" ]] || values=(--reset-values --values "$HARENA_VALUES")
  platform_chart
  deploy harena "$HARENA_NAMESPACE" "${CHART[@]}" "${values[@]}"
}
