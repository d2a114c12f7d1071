#!/bin/sh
# As the official images of Valkey and Redis: options, or a file of configuration, are the server's.
set -eu
case ${1:-} in
  '' | -* | *.conf) set -- valkey-server "$@" ;;
esac
exec "$@"
