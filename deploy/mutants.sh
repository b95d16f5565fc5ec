#!/usr/bin/env bash
# A part of the mutants of core: deploy/mutants.sh SHARD/SHARDS. Exits with 2 where no test noticed one,
# which mutants.out/missed.txt names.
#
# A mutant that hangs is caught, although cargo-mutants reports it by another exit code (3).
set -uo pipefail

cargo mutants --package lockstep-core --package lockstep-sync --in-place --no-shuffle --shard "$1"
code=$?
case $code in
  0 | 2 | 3) ;;
  *) exit "$code" ;;
esac
if [[ -s mutants.out/missed.txt ]]; then
  cat mutants.out/missed.txt
  exit 2
fi
