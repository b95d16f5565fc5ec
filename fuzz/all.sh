#!/usr/bin/env bash
# Runs every target for some seconds, beginning with its corpus, and says what came of it. New inputs
# go to target/fuzz-inputs/TARGET; the corpus stays as it is.
#
#   fuzz/all.sh [SECONDS] [TARGET...]
#
# TOOLCHAIN (default +nightly, and a nightly it has to be unless BUILD says otherwise), SANITIZER (default
# none) and BUILD (default: as fast as it goes, without debug assertions and without a look at what is
# compared; BUILD= has both, as `cargo fuzz run` does) choose how the targets are built; FLAGS are more of
# libFuzzer's (default: -entropic=0, which spends less on inputs that reach much, and -use_counters=0 for
# targets that execute whole scenarios). Exits with 1 where a target found something, was not built, or
# executed nothing but its corpus.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
toolchain=${TOOLCHAIN-+nightly}
sanitizer=${SANITIZER:-none}
build=${BUILD--O --no-trace-compares}
if [ -z "${BUILD+set}" ]; then
    # memcmp is libc's then, and not libFuzzer's, which notes both sides of every key that differs in
    # every map: a quarter of all instructions, for guesses that are no choices of a generator. What
    # this machine can do is worth a sixth where signatures are verified.
    export RUSTFLAGS="${RUSTFLAGS-} -Zpre-link-args=-lc -Ctarget-cpu=native"
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    # Not the buggy executor: it has no corpus of its own, and `lockstep bugs` runs it with seeded bugs.
    # shellcheck disable=SC2086
    mapfile -t targets < <(cargo $toolchain fuzz list | grep -vx buggy_executor)
fi
if [ ${#targets[@]} -eq 0 ]; then
    echo 'there is no target: is cargo-fuzz installed?' >&2
    exit 1
fi

failed=0
mkdir -p target/fuzz-logs
printf '%-20s %8s %12s %10s %10s %8s %8s %6s\n' \
    target seconds executions 'a second' 'a cpu-sec' edges features new
for target in "${targets[@]}"; do
    inputs=target/fuzz-inputs/$target
    log=target/fuzz-logs/$target.txt
    corpus=corpora/fuzz/$target
    mkdir -p "$inputs"
    suited=-entropic=0
    case $target in
    # How often something happens is no guide to other scenarios: inputs that differ in nothing else
    # are two thirds of what is kept, make the search slower by a fifth, and find nothing sooner.
    execute_block | merge_invariants | rewind) suited+=' -use_counters=0' ;;
    esac
    read -ra flags <<<"${FLAGS-$suited}"
    dictionary=()
    [ -f "fuzz/dictionaries/$target.dict" ] && dictionary=("-dict=fuzz/dictionaries/$target.dict")
    # shellcheck disable=SC2086
    if ! cargo $toolchain fuzz build $build -s "$sanitizer" "$target" >"$log" 2>&1; then
        echo "$target is not built, see $log"
        failed=1
        continue
    fi
    began=$(date +%s.%N)
    TIMEFORMAT='cpu %U %S'
    # shellcheck disable=SC2086
    { time cargo $toolchain fuzz run $build -s "$sanitizer" "$target" "$inputs" "$corpus" -- \
        -max_total_time="$seconds" -print_final_stats=1 "${dictionary[@]}" "${flags[@]}" \
        >"$log" 2>&1; } 2>"$log.time"
    ended=$?
    awk -v target="$target" -v began="$began" -v now="$(date +%s.%N)" -v ended="$ended" -v log_name="$log" '
        FILENAME ~ /\.time$/ && $1 == "cpu" { cpu = $2 + $3 }
        /INITED/ { loaded = substr($1, 2) }
        / cov: / {
            for (field = 1; field < NF; field++) {
                if ($field == "cov:") edges = $(field + 1)
                if ($field == "ft:") features = $(field + 1)
            }
        }
        /stat::number_of_executed_units/ { executions = $2 }
        /stat::new_units_added/ { added = $2 }
        END {
            wall = now - began
            printf "%-20s %8.0f %12d %10d %10d %8d %8d %6d\n", target, wall, executions, \
                executions / wall, (cpu > 0 ? executions / cpu : 0), edges, features, added
            if (ended != 0) {
                print target " found something, or could not go on: see " log_name
                exit 1
            }
            if (executions <= loaded + 1) {
                print target " executed nothing but its corpus: see " log_name
                exit 1
            }
        }' "$log" "$log.time" || failed=1
done
exit $failed
