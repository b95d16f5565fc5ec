#!/usr/bin/env bash
# Runs a command, and again for as long as it exits with 20, which says that the machine failed and
# nothing else: deploy/retry.sh TIMES COMMAND...
#
# Any other exit code is a result, and is passed on at once: a command that is repeated until it passes
# finds nothing.
set -uo pipefail

times=$1
shift
for ((attempt = 1; ; attempt++)); do
  "$@"
  code=$?
  if ((code != 20 || attempt >= times)); then
    exit "$code"
  fi
  echo "retry.sh: the machine failed (20), attempt $((attempt + 1)) of $times" >&2
  sleep "${RETRY_SECONDS:-10}"
done
