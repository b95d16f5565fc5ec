#!/usr/bin/env bash
# Submits a campaign of N shards, and the merge of their records behind the last one:
#
#   LOCKSTEP_RUN_FOR=30m LOCKSTEP_RUN_SEED=$(git rev-parse HEAD) deploy/slurm/submit.sh 16
#
# With --dry-run: says what would be submitted, and what the first task would run.
set -euo pipefail

is_dry=
if [[ ${1:-} == --dry-run ]]; then
  is_dry=yes
  shift
fi
shards=${1:?how many shards}
here=$(cd "$(dirname "$0")" && pwd)
export RESULTS=${RESULTS:-$PWD/results}
export LOCKSTEP_RUN_FOR=${LOCKSTEP_RUN_FOR:-30m}

campaign=(sbatch --parsable "--array=0-$((shards - 1))" "--output=$RESULTS/%A_%a.log" "$here/campaign.sbatch")
# Even if a shard failed: the merge reports a missing one.
merge=(sbatch --parsable --job-name=lockstep-merge "--output=$RESULTS/verdict.txt"
  --wrap "${LOCKSTEP:-lockstep} merge '$RESULTS'/shards/*-of-$shards.jsonl")

if [[ -n $is_dry ]]; then
  echo "${campaign[*]}"
  SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=$shards "$here/campaign.sbatch" --dry-run
  echo "${merge[*]} --dependency=afterany:CAMPAIGN"
  exit 0
fi

mkdir -p "$RESULTS"
# What an earlier campaign left would be merged with this one.
rm -f "$RESULTS"/shards/*.jsonl
job=$("${campaign[@]}")
job=${job%%;*}
"${merge[@]}" "--dependency=afterany:$job"
