# shellcheck shell=bash
# Asks the platform what a person would, through the edge, and says what listens on this machine.

# Address of the node as clients reach it, and what the Ingress calls the platform.
node_address() {
  kubectl get node "$NODE" --output 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}'
}
edge_url() {
  local host tls
  host="$(kubectl --namespace "$HARENA_NAMESPACE" get ingress --output 'jsonpath={.items[0].spec.rules[0].host}')"
  tls="$(kubectl --namespace "$HARENA_NAMESPACE" get ingress --output 'jsonpath={.items[0].spec.tls[0].secretName}')"
  printf 'http%s://%s' "${tls:+s}" "${host:-$ADDRESS}"
}

demo_password() {
  kubectl --namespace "$HARENA_NAMESPACE" get secret harena-demo --ignore-not-found --output 'jsonpath={.data.password}' | base64 --decode
}

# Asks one path; leaves the answer in STATUS, TOOK and BODY. What it is given on stdin goes to curl.
# By the node's own address, whatever the name: a public address may not be reachable from inside.
ask() { # path [argument of curl…]
  local path="$1" answer
  shift
  rm -f "$SCRATCH/answer"
  answer="$(curl --silent --show-error --max-time 20 --connect-to "::$ADDRESS:" --output "$SCRATCH/answer" \
    --write-out '%{http_code} %{time_total}' "$@" "$URL$path")" || true
  read -r STATUS TOOK <<<"${answer:-000 0}"
  BODY=""
  [[ ! -f "$SCRATCH/answer" ]] || BODY="$(<"$SCRATCH/answer")"
}

row() { # what result-pattern unit
  local result="failed"
  if [[ "$STATUS" == 200 && "$BODY" =~ $2 ]]; then
    result="${BASH_REMATCH[1]}$3"
  else
    SMOKE_FAILED=true
    # Errors say what to do; an answer may say what a person has spent.
    [[ "$STATUS" == 200 ]] || result+=": $(head -c 300 <<<"$BODY")"
  fi
  printf '  %-32s %-6s %-9s %s\n' "$1" "$STATUS" "$TOOK" "$result"
}

ask_as_user() { # as ask; by stdin, as arguments can be read by every process of the machine
  ask "$@" --header @- < <(printf 'Authorization: Bearer %s' "$token")
}

ask_figures() {
  local path
  for path in expenses/mom expenses/yoy income/mom income/yoy; do
    ask_as_user "/api/v1/metrics/$path"
    row "$path" '"periode_cible": ?\{[^}]*"total": ?(-?[0-9.]+)' " EUR"
  done
  ask_as_user /api/v1/metrics/coverage
  row coverage '"taux_couverture": ?(-?[0-9.]+)' " %"
}

# The end comes after an error as well, which is shown: what is tested is the way there and back.
ask_question() {
  local user_id=0 failure=""
  ask_as_user /api/v1/users/me
  row "who that is" '"id": ?([0-9]+)' ""
  [[ ! "$BODY" =~ \"id\":\ ?([0-9]+) ]] || user_id="${BASH_REMATCH[1]}"
  ask_as_user "/api/v3/conversation/$user_id/stream" --max-time 120 --header 'Content-Type: application/json' \
    --data '{"message":"Combien ai-je dépensé ce mois-ci ?"}'
  [[ ! "$BODY" =~ \"error_code\":\ ?\"([A-Z_]+) ]] || failure=", after ${BASH_REMATCH[1]}"
  row "one answer" '"type": ?"(response_end)"' "$failure"
}

# What the last line says of it.
TESTED=""

smoke_test() {
  if [[ "$DRY_RUN" == true ]]; then
    info "would ask /health, log in, and ask for five figures and one answer, through the edge"
    return
  fi
  local user="$HARENA_SMOKE_USER" password="$HARENA_SMOKE_PASSWORD" token
  local ADDRESS URL STATUS TOOK BODY SMOKE_FAILED=false
  ADDRESS="$(node_address)"
  URL="${HARENA_URL:-$(edge_url)}"
  URL="${URL%/}"
  if [[ -z "$user" ]]; then
    password="$(demo_password)"
    [[ -z "$password" ]] || user=henri@example.com
  fi
  printf '  %-32s %-6s %-9s %s\n' "$URL" status seconds result

  # The edge learns of pods some seconds late, and answers 404 or 503 until then.
  ask /health --fail-with-body --retry 1000 --retry-all-errors --retry-delay 1 --retry-max-time "$HARENA_SMOKE_SECONDS"
  row "health of the platform" '"status": ?"(healthy|degraded)"' ""

  if [[ -z "$user" ]]; then
    TESTED="Only /health was tested: nobody has logged in.
Give HARENA_SMOKE_USER and HARENA_SMOKE_PASSWORD of an account (or demo.enabled in the values) and run this
again: then a log-in, five figures and one answer are tested too."
  else
    TESTED="Tested: /health, the log-in of $user, five figures and one answer."
    ask /api/v1/users/auth/login --data-urlencode "username=$user" --data-urlencode "password@-" < <(printf '%s' "$password")
    token=""
    [[ ! "$BODY" =~ \"access_token\":\ ?\"([^\"]+)\" ]] || token="${BASH_REMATCH[1]}"
    row "log in as $user" '"token_type": ?"(bearer)"' ""
    if [[ -n "$token" ]]; then
      ask_figures
      ask_question
    fi
  fi
  [[ "$SMOKE_FAILED" == false ]] || fatal "The platform is installed and does not answer as it should. Look at it with:
        kubectl --namespace $HARENA_NAMESPACE get pods,ingress
        kubectl --namespace $HARENA_NAMESPACE logs --selector app.kubernetes.io/instance=harena --prefix --tail 20"
}

report_listeners() {
  local closed by="closed by this node"
  closed="$(closed_ports | tr '\n' ' ')"
  ! has_own_rules || by+=", but for /etc/harena/firewall.d"
  printf '\nListening beyond this machine (80 and 443 are forwarded by the kernel and hold no socket):\n'
  listeners | awk -v closed=" $closed" -v by="$by" '$2 !~ /^(127\.|\[::1\]|\[::ffff:127\.)/ {
    who = $3 == 80 || $3 == 443 ? "public" : "must be closed to the internet"
    if (index(closed, " " $1 "/" $3 " ")) who = by
    printf "  %-5s %-6s %-22s %s\n", $1, $3, $4, who
  }'
  cat <<'TEXT'

Only 80 and 443 belong in the security group: not 6443 (the API server), 10250 (the kubelet) or
8472/udp (the pods' network). What a deployment before this one had opened for its services is closed by:

  GROUP=sg-...
  aws ec2 describe-security-group-rules --filters "Name=group-id,Values=$GROUP" --output text \
    --query 'SecurityGroupRules[?!IsEgress && contains([`3000`,`3001`,`3002`,`3006`,`3008`,`5432`,`6379`], FromPort)].SecurityGroupRuleId' |
    xargs -r aws ec2 revoke-security-group-ingress --group-id "$GROUP" --security-group-rule-ids
TEXT
}
