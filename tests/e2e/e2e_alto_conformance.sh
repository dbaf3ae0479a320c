#!/bin/sh
# labels: tools
# tools/alto_conformance.py passes this tree, and finds each kind of gap between rows, tests, reasons and the page.
set -eu
tool=$WAYMARK_SRC/tools/alto_conformance.py
python3 "$tool" --check "$WAYMARK_SRC"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0
mark=Conformance # a colon behind it would make marks of these lines

# A tree of its own with everything that the check reads.
fresh() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/docs" "$tree/tests/e2e" "$tree/tests/data"
    cp "$WAYMARK_SRC/docs/alto-conformance.md" "$tree/docs/"
    cp -r "$WAYMARK_SRC/tests/data/alto-conformance" "$tree/tests/data/"
    cp "$WAYMARK_SRC"/tests/*.c "$tree/tests/"
    cp "$WAYMARK_SRC"/tests/e2e/*.py "$WAYMARK_SRC"/tests/e2e/*.sh "$tree/tests/e2e/"
}

# found WORDS...: the check fails and says this.
found() {
    if python3 "$tool" --check "$tree" >"$tree/out" 2>&1 || ! grep -q "$1" "$tree/out"; then
        echo "not found: $1"
        cat "$tree/out"
        failed=1
    fi
}

fresh
python3 "$tool" --check "$tree" >"$tree/out"

# A row's only mark goes.
file=$(grep -l "$mark: O-06\." "$tree"/tests/e2e/*.py)
sed -i "/$mark: O-06\./d" "$file"
found '^O-06: no test names it'

# A mark of a row that there is not, and one that is no list of rows.
fresh
printf '/* %s: Z-99. */\nSTART_TEST(x)\n' "$mark" >"$tree/tests/test_made.c"
found 'there is no row Z-99'
fresh
printf '/* %s: what there is. */\n' "$mark" >"$tree/tests/test_made.c"
found 'not a list of rows'

# A reason for a row that a test shows, and the last reason gone.
fresh
printf 'O-06\tno time\n' >>"$tree/tests/data/alto-conformance/reasons.tsv"
found 'O-06 is shown by .*take the reason out'
fresh
row=$(sed -n '$s/\t.*//p' "$tree/tests/data/alto-conformance/reasons.tsv")
sed -i '$d' "$tree/tests/data/alto-conformance/reasons.tsv"
found "^$row: no test names it"

# The page is of another day.
fresh
sed -i 's/rows: /rows and more: /' "$tree/docs/alto-conformance.md"
found 'alto-conformance.md is not what the tests say'
exit $failed
