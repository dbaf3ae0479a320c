#!/bin/sh
# usage: tools/lint-tidy.sh COMPILE-DATABASE-FOLDER FILE.c
# clang-tidy on one file, unless the same bytes (file, the project's headers that it includes, rules, flags)
# have passed before: build/lint/tidy holds an empty file for each hash that passed.
set -eu
db=$1
file=$2

flags=$(grep -F -m 1 -B 1 -- " -c $PWD/$file\"" "$db/compile_commands.json" || true)
key=$({
    cat .clang-tidy
    clang-tidy --version
    printf '%s\n' "$flags" | sed "s|$PWD||g; s| -o [^ ]*||"
    clang -std=c17 -D_GNU_SOURCE -I. -MM -MG "$file" | sed 's/[\\ ]/\n/g' | grep -v ':$' | LC_ALL=C sort -u |
        while read -r f; do
            [ ! -f "$f" ] || sha256sum "$f"
        done
} | sha256sum | cut -c 1-40)
passed=build/lint/tidy/$key
[ ! -e "$passed" ] || exit 0
if out=$(clang-tidy --quiet -p "$db" "$file" 2>&1); then
    : >"$passed"
else
    printf '%s\n' "$out" | grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter'
    exit 1
fi
