#!/bin/sh
# All checks that need no test run; each is tried, the last line says which failed. ./dev lint calls it.
set -u
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/lint/tidy build/lint/cppcheck
jobs=$(nproc 2>/dev/null || echo 2)
failed=

# check NAME COMMAND...
check() {
    name=$1
    shift
    start=$(date +%s)
    if "$@"; then
        result=ok
    else
        result=FAILED
        failed="$failed $name"
    fi
    printf -- '-- %s: %s (%d s)\n' "$name" "$result" $(($(date +%s) - start))
}

# The files of git's that match, and new ones that git does not ignore; NUL-terminated.
sources() {
    # shellcheck disable=SC2016 # the inner shell expands
    git ls-files -z --cached --others --exclude-standard -- "$@" |
        xargs -0 -r sh -c 'for f; do [ ! -f "$f" ] || printf "%s\0" "$f"; done' sh
}

format_check() {
    sources '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
}

tidy_check() {
    cmake --preset dev-clang >build/lint/configure.log 2>&1 || {
        cat build/lint/configure.log
        return 1
    }
    sources '*.c' | xargs -0 -P "$jobs" -n 1 tools/lint-tidy.sh build/dev-clang
}

cppcheck_check() {
    # tests/ is left to clang-tidy: cppcheck does not understand Check's START_TEST. uninitvar: version 2.10 takes
    # what one argument of a call writes and another reads for uninitialised; GCC and clang-tidy look too.
    # readdirCalled: readdir_r is deprecated. A -D with parameters would make it check nothing, silently: so a header.
    cppcheck -q -j "$jobs" --enable=warning,performance,portability --std=c11 --inline-suppr --error-exitcode=1 \
        --suppress=missingIncludeSystem --suppress=uninitvar --suppress=ctuuninitvar --suppress=readdirCalled \
        -D_GNU_SOURCE -DWAYMARK_VERSION='"0"' --include=tools/cppcheck_macros.h -I . \
        --cppcheck-build-dir=build/lint/cppcheck base alto router http dns tracker daemon bench
}

shell_check() {
    sources dev .ci/run '*.sh' | xargs -0 -r shellcheck
}

python_check() {
    sources '*.py' | xargs -0 -r -n 1 /usr/bin/python3 -c \
        'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])'
}

check rooms tools/check-rooms.sh
check format format_check
check shellcheck shell_check
check python python_check
check headers tools/check-headers.sh
check cppcheck cppcheck_check
check clang-tidy tidy_check
[ -z "$failed" ] || {
    echo "lint failed:$failed"
    exit 1
}
echo 'lint: all checks passed'
