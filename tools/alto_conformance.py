#!/usr/bin/env python3
"""The page docs/alto-conformance.md: each row of tests/data/alto-conformance/rows.tsv with the tests that show it, or with
the reason why none does (reasons.tsv). Tests name their rows in a comment right above them:

    /* Conformance: T-05, E-01. */
    START_TEST(...)

usage: alto_conformance.py --write | --check [ROOT]
--check fails when a row has neither, when a test or a reason names no row, when a row has both, or when the page is not
what --write would make."""
import pathlib
import re
import sys

MARK = re.compile(r"(?:/?\*|#|//)\s*Conformance:\s*([A-Z]-\d\d(?:[\s,]+[A-Z]-\d\d)*)\.?\s*(?:\*/)?")
NAME = re.compile(r"START_TEST\((\w+)\)|def (\w+)\(|^(?:static \w[\w ]*?)\*?(\w+)\(|class (\w+)")
NAME_LINES = 12  # how far behind the mark the test's name may stand


def read_tsv(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    keys = lines[0].split("\t")
    return [dict(zip(keys, line.split("\t"))) for line in lines[1:] if line]


def joined(lines, at):
    """The comment that begins at this line, as one text."""
    text = lines[at].strip()
    while "Conformance:" in text and not text.endswith(("*/", ".")) and at + 1 < len(lines):
        at += 1
        text += " " + lines[at].strip().lstrip("*#/ ")
    return text, at


def tests_of(root):
    """Row id -> tests, and marks that are in nobody's favour."""
    found, wrong = {}, []
    files = sorted(p for p in (root / "tests").rglob("*") if p.suffix in (".c", ".py", ".sh"))
    for path in files:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for at, line in enumerate(lines):
            if "Conformance:" not in line:
                continue
            text, end = joined(lines, at)
            match = MARK.search(text)
            where = f"{path.relative_to(root)}:{at + 1}"
            if not match:
                wrong.append(f"{where}: not a list of rows: {text}")
                continue
            name = next((m for m in map(NAME.search, lines[end + 1:end + 1 + NAME_LINES]) if m), None)
            test = path.stem + ("" if not name else "." + next(g for g in name.groups() if g))
            for row in re.findall(r"[A-Z]-\d\d", match.group(1)):
                found.setdefault(row, []).append((test, where))
    return found, wrong


def page(rows, found, reasons):
    shown = sum(1 for r in rows if r["id"] in found)
    out = ["# ALTO conformance", "",
           "Made by `tools/alto_conformance.py --write`; do not edit. One row, one behaviour that can be checked.",
           f"{len(rows)} rows: {shown} are shown by tests, {len(rows) - shown} are not, for the reason given. "
           "Who: S server, C client.", ""]
    part = None
    for r in rows:
        if r["part"] != part:
            part = r["part"]
            out += ["", f"## {part}", "", "| id | reference | who | level | requirement | shown by |", "|---|---|---|---|---|---|"]
        if r["id"] in found:
            names = []
            for test, _ in found[r["id"]]:
                if test not in names:
                    names.append(test)
            by = ", ".join(f"`{n}`" for n in names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        else:
            by = "**not shown:** " + reasons.get(r["id"], "?")
        out.append(f"| {r['id']} | {r['ref']} | {r['who']} | {r['level']} | {r['requirement']} | {by} |")
    return "\n".join(out) + "\n"


def main(argv):
    if len(argv) < 2 or argv[1] not in ("--write", "--check"):
        print(__doc__, file=sys.stderr)
        return 2
    root = pathlib.Path(argv[2] if len(argv) > 2 else pathlib.Path(__file__).resolve().parent.parent)
    data = root / "tests" / "data" / "alto-conformance"
    rows = read_tsv(data / "rows.tsv")
    reasons = {r["id"]: r["reason"] for r in read_tsv(data / "reasons.tsv")}
    found, wrong = tests_of(root)
    ids = {r["id"] for r in rows}
    wrong += [f"{found[i][0][1]}: there is no row {i}" for i in sorted(found) if i not in ids]
    wrong += [f"reasons.tsv: there is no row {i}" for i in sorted(reasons) if i not in ids]
    wrong += [f"reasons.tsv: {i} is shown by {found[i][0][0]}: take the reason out" for i in sorted(reasons) if i in found]
    wrong += [f"{i}: no test names it (Conformance: {i}.) and reasons.tsv has no reason"
              for i in sorted(ids) if i not in found and i not in reasons]
    text = page(rows, found, reasons)
    target = root / "docs" / "alto-conformance.md"
    if argv[1] == "--write":
        target.write_text(text, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != text:
        wrong.append("docs/alto-conformance.md is not what the tests say; run tools/alto_conformance.py --write")
    for w in wrong:
        print(w, file=sys.stderr)
    print(f"{len(rows)} rows, {sum(1 for i in ids if i in found)} shown by tests, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
