#!/bin/sh
# What `waymarkd --check` and `--print-schema` say, by exit status and output; the schema is held to the same
# configurations by a validator that nobody here wrote.
set -u
bin=${WAYMARK_BIN:-build/dev}
src=${WAYMARK_SRC:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

for file in "$src/conf/waymark.yaml" "$src"/conf/examples/*.yaml; do
    out=$("$bin/waymarkd" --check -c "$file") || fail "$file: $out"
    case $out in
    "$file: good: "*) ;;
    *) fail "$file: $out" ;;
    esac
done

cat >"$work/bad.yaml" <<'END'
listen: {http: ["127.0.0.1:8080"]}
tracker: {intervall: 30m, memory: 64 Mb}
services:
- {name: vod, hosts: [vod.example], streamers: [fra]}
END
out=$("$bin/waymarkd" --check -c "$work/bad.yaml") && fail "a bad file is good: $out"
for want in 'bad.yaml:2:11: tracker.intervall: unknown key; did you mean "interval"?' \
    'bad.yaml:2:35: tracker.memory: "64 Mb" is not a size' \
    'bad.yaml:4:49: services[0].streamers[0]: no streamer is called "fra"'; do
    case $out in
    *"$want"*) ;;
    *) fail "not said: $want; but: $out" ;;
    esac
done

"$bin/waymarkd" --check -c "$work/nowhere.yaml" >"$work/out" && fail "a missing file is good"
grep -q 'nowhere.yaml: cannot be opened: No such file' "$work/out" || fail "$(cat "$work/out")"
"$bin/waymarkd" --chekc >/dev/null 2>"$work/out"
[ $? -eq 2 ] || fail "a misspelt option does not end with 2"
grep -q 'did you mean "--check"' "$work/out" || fail "$(cat "$work/out")"
"$bin/waymarkd" --version | grep -q '^waymarkd [0-9]' || fail "no version"

"$bin/waymarkd" --print-schema >"$work/schema.json" || fail "no schema"
/usr/bin/python3 -c 'import jsonschema, yaml' 2>/dev/null || {
    echo "without python3-jsonschema and python3-yaml the schema is not tried"
    exit 0
}
/usr/bin/python3 - "$work/schema.json" "$work/bad.yaml" "$src/conf/waymark.yaml" "$src"/conf/examples/*.yaml <<'END' || fail "schema"
import json, sys, jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sys.argv[3:]:
    for error in validator.iter_errors(yaml.safe_load(open(path))):
        sys.exit(f"{path}: {error.message}")
# The whole reference, all that is commented out in force.
text = "".join(l[1:] if l[:1] == "#" and (l[1:2] != " " or l[2:3] == " ") else l for l in open(sys.argv[3]))
for error in validator.iter_errors(yaml.safe_load(text)):
    sys.exit(f"uncommented {sys.argv[3]}: {error.json_path}: {error.message}")
found = {error.json_path for error in validator.iter_errors(yaml.safe_load(open(sys.argv[2])))}
if found != {"$.tracker", "$.tracker.memory"}:
    sys.exit(f"bad.yaml: {found}")
END
echo "all said"
