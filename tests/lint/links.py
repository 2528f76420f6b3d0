#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that documents lead somewhere: relative links in *.md (with their #anchors), and every docs/… that another
file names.

usage: links.py [ROOT]
"""
import re
import sys
from pathlib import Path

NAMES_DOCUMENTS = {".md", ".cpp", ".hpp", ".cu", ".cuh", ".py", ".sh", ".txt", ".cmake", ".sbatch"}
FOLDERS = ("apps", "bench", "cuda", "docker", "docs", "examples", "host", "include", "python", "tests")


def anchors_of(page):
    """What GitHub makes of the headings: lower case, spaces to -, nothing but letters, digits, - and _."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text):
    return re.sub(r"^(```.*?^```|    .*?)$", "", text, flags=re.MULTILINE | re.DOTALL)


def files_of(root):
    for top in (root, *(root / folder for folder in FOLDERS)):
        for file in sorted(top.glob("*") if top == root else top.rglob("*")):
            if file.is_file() and (file.suffix in NAMES_DOCUMENTS or file.name in ("dev", "CMakeLists.txt")):
                yield file


def mistakes(root):
    for file in files_of(root):
        text = file.read_text()
        shown = file.relative_to(root)
        if file.suffix == ".md":
            for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                page = (file.parent / path) if path else file
                if not page.exists():
                    yield f"{shown}: leads to {target}, which is missing"
                elif anchor and anchor not in anchors_of(page):
                    yield f"{shown}: leads to {target}, but {page.name} has no such heading"
        if not shown.is_relative_to("tests/lint"):
            for name in sorted(set(re.findall(r"(?<!\]\()(?<![\w/.])docs/[\w/\-]+\.\w+", text))):
                if not (root / name).exists():
                    yield f"{shown}: names {name}, which is missing"


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    found = list(mistakes(root))
    for mistake in found:
        print(mistake, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
