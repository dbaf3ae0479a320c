#!/bin/sh
# labels: binary
# What the linker made of the hardening flags: PIE, full RELRO, no executable stack, stack protector; fortified
# libc calls in the optimised builds.
set -eu
[ -z "${WAYMARK_SANITIZE:-}" ] || {
    echo "a sanitizer's build is not hardened"
    exit 77
}
failed=0

# has FILE WHAT PATTERN READELF-OPTION
has() {
    if ! readelf -W "$4" "$1" | grep -q -- "$3"; then
        echo "$1: $2 is missing"
        failed=1
    fi
}

for program in waymarkd waymark; do
    file=$WAYMARK_BIN/$program
    has "$file" 'position independent executable' 'Type:.*DYN (Position-Independent Executable' -h
    has "$file" 'immediate binding (full RELRO)' 'FLAGS.*BIND_NOW\|FLAGS_1.*NOW' -d
    has "$file" 'RELRO segment' 'GNU_RELRO' -l
    has "$file" 'stack protector' '__stack_chk_fail' --dyn-syms
    if ! readelf -W -l "$file" | grep GNU_STACK | grep -q ' RW '; then
        echo "$file: the stack is executable"
        failed=1
    fi
    case ${WAYMARK_BUILD_TYPE:-} in
    Rel*) has "$file" 'FORTIFY_SOURCE' '_chk@' --dyn-syms ;;
    esac
done
exit $failed
