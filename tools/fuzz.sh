#!/bin/sh
# usage: tools/fuzz.sh SECONDS [TARGET]: runs the libFuzzer targets of build/fuzz, one after the other, each on a
# copy of its corpus in build/fuzz/corpus (which keeps what was found). Crashes go to build/fuzz/crashes; the
# fix of one begins with adding its file to tests/fuzz/corpus/MODULE.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
only=${2:-}
crashes=build/fuzz/crashes
mkdir -p "$crashes"
failed=
count=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    module=${name#fuzz_}
    [ -f "$source" ] || continue
    [ -z "$only" ] || [ "$only" = "$module" ] || [ "$only" = "$name" ] || continue
    corpus=build/fuzz/corpus/$module
    mkdir -p "$corpus"
    count=$((count + 1))
    dict=
    [ ! -f "tests/fuzz/$module.dict" ] || dict=-dict=tests/fuzz/$module.dict
    printf '== %s for %s s\n' "$name" "$seconds"
    # shellcheck disable=SC2086 # $dict is one word or none
    build/fuzz/tests/"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$crashes/$module-" $dict "$corpus" "tests/fuzz/corpus/$module" \
        >"build/fuzz/$module.log" 2>&1 || failed="$failed $module"
    grep -E 'cov:|stat::number_of_executed_units|stat::average_exec|ERROR|SUMMARY|runtime error' "build/fuzz/$module.log" |
        tail -n 4
done
[ $count -gt 0 ] || {
    echo "no fuzz target${only:+ called $only}"
    exit 1
}
[ -z "$failed" ] || {
    echo "fuzz: found something in:$failed (build/fuzz/MODULE.log; inputs in $crashes)"
    exit 1
}
echo "fuzz: $count targets, $seconds s each, nothing found"
