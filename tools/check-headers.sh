#!/bin/sh
# Compiles each header by itself, so that none leans on what another file happens to include before it.
# A header that is a list for the preprocessor says so in its first line with "METRIC(" and is left out.
set -eu
cd "$(dirname "$0")/.."

flags="-std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual
    -Wstrict-prototypes -Werror -fsyntax-only $(pkg-config --cflags libevent jansson yaml-0.1 libxxhash libmaxminddb)"
bad=0
count=0
for h in $(find base alto router http dns tracker daemon -name '*.h' | LC_ALL=C sort); do
    head -n 1 "$h" | grep -q 'METRIC(' && continue
    count=$((count + 1))
    # shellcheck disable=SC2086 # a list of flags
    if ! printf '#include "%s"\ntypedef int nothing_else;\n' "$h" | gcc $flags -x c -; then
        echo "$h: does not compile by itself"
        bad=1
    fi
done
[ $bad = 0 ] && echo "$count headers compile by themselves"
exit $bad
