#!/bin/sh
# Fails when a room includes a room that it must not see (docs/CONVENTIONS.md, section 1). Direct includes only.
# usage: tools/check-rooms.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

# Which rooms a room may include. Front ends see neither alto nor each other. Change docs/ARCHITECTURE.md with it.
files=$(find base alto router http dns tracker daemon -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
[ -n "$files" ] || {
    echo "$PWD: no rooms here" >&2
    exit 1
}
# shellcheck disable=SC2016,SC2086 # awk's own $0; file names without blanks
awk '
    BEGIN {
        sees["base"] = " base "
        sees["alto"] = " base alto "
        sees["router"] = " base alto router "
        sees["http"] = " base router http "
        sees["dns"] = " base router dns "
        sees["tracker"] = " base router tracker "
        sees["daemon"] = " base alto router http dns tracker daemon "
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, q, "\"")
        room = FILENAME
        sub(/\/.*/, "", room)
        target = q[2]
        includes++
        if (target !~ /^[a-z]+\// || target ~ /\.\.\//) {
            printf "%s:%d: \"%s\": a header is named by its room: \"%s/...\"\n", FILENAME, FNR, target, room
            bad++
            next
        }
        sub(/\/.*/, "", target)
        if (!index(sees[room], " " target " ")) {
            printf "%s:%d: %s/ must not include %s/ (it may include:%s)\n", FILENAME, FNR, room, target,
                   substr(sees[room], 1, length(sees[room]) - 1)
            bad++
        }
    }
    END {
        if (bad)
            exit 1
        printf "%d includes obey the order of the rooms\n", includes
    }' $files
