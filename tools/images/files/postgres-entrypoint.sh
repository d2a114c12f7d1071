#!/bin/sh
# Starts Postgres as the official image's entry point does, in what charts rely on: the first start
# makes PGDATA for POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS and
# POSTGRES_HOST_AUTH_METHOD (each but the last may come from the file that X_FILE names), and runs what
# lies in /docker-entrypoint-initdb.d; other commands than postgres run as they are.
set -eu

from_file() { # name default
  eval "file=\${$1_FILE:-}"
  if [ -n "$file" ]; then
    eval "$1=\$(cat \"\$file\")"
  else
    eval "$1=\${$1:-\$2}"
  fi
}

case ${1:-postgres} in
  -*) set -- postgres "$@" ;;
  postgres) [ $# -gt 0 ] || set -- postgres ;;
  *) exec "$@" ;;
esac

from_file POSTGRES_USER postgres
from_file POSTGRES_PASSWORD ""
from_file POSTGRES_DB "$POSTGRES_USER"
from_file POSTGRES_INITDB_ARGS ""
: "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  if [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then
    echo "Error: $PGDATA has files and no database. Bring back what is missing, or move them away." >&2
    exit 1
  fi
  # Beside its place, and moved there whole: half made, it would pass for whole at the next start.
  whole=$PGDATA
  PGDATA=$whole.new password_file=$whole.password
  trap '{ pg_ctl -D "$PGDATA" -m immediate stop; rm -rf "$PGDATA" "$password_file"; } || true' EXIT
  rm -rf "$PGDATA"
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file")
  # shellcheck disable=SC2086 # several arguments
  initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile="$password_file" \
    --encoding=UTF8 --locale=C.UTF-8 $POSTGRES_INITDB_ARGS
  rm -f "$password_file"
  printf 'host all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
  # By the socket only: nobody else is let in before all is made.
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses= -c unix_socket_directories=$PGHOST" start
  export PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD"
  [ "$POSTGRES_DB" = postgres ] || psql -v ON_ERROR_STOP=1 -d postgres -v name="$POSTGRES_DB" <<'EOF'
CREATE DATABASE :"name";
EOF
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sql) psql -v ON_ERROR_STOP=1 -d "$POSTGRES_DB" -f "$file" ;;
      *.sh)
        # shellcheck disable=SC1090 # a file of the chart's
        . "$file"
        ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  trap - EXIT
  mv -T "$PGDATA" "$whole"
  PGDATA=$whole
  unset PGUSER PGPASSWORD
fi
unset POSTGRES_PASSWORD

shift
exec postgres -c "listen_addresses=*" -c "unix_socket_directories=$PGHOST" "$@"
