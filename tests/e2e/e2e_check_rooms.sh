#!/bin/sh
# labels: tools
# tools/check-rooms.sh passes this tree, and finds each kind of forbidden include.
set -eu
check=$WAYMARK_SRC/tools/check-rooms.sh
"$check" "$WAYMARK_SRC"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# refused FILE INCLUDE / accepted FILE INCLUDE: a tree with this one include.
verdict() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/$(dirname "$1")"
    printf '#include "%s"\n' "$2" >"$tree/$1"
    "$check" "$tree" >"$tree/out" 2>&1
}
refused() {
    if verdict "$1" "$2" || ! grep -q "^$1:1: " "$tree/out"; then
        echo "$1 including $2 was not refused"
        failed=1
    fi
}
accepted() {
    if ! verdict "$1" "$2"; then
        echo "$1 including $2 was refused"
        failed=1
    fi
}

refused base/a.c alto/netmap.h
refused alto/source/a.c router/view.h
refused router/a.h http/http_wire.h
refused http/a.c dns/dns_wire.h
refused dns/a.c alto/netmap.h
refused tracker/a.c daemon/config.h
refused base/a.c addr.h
refused daemon/a.c tests/fuzz/replay.h
refused daemon/a.c base/../tests/x.h
accepted alto/source/a.c alto/source/rib.h
accepted router/sim/a.c alto/costmap.h
accepted tracker/a.c router/view.h
accepted daemon/a.c alto/netmap.h
exit $failed
