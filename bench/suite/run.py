#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Tests and measures twinpatch on this host's GPU, once, within eight minutes: each step has a limit of its own.

  python3 gpu-suite.pyz --out FOLDER [--minutes 8] [--steps cases,tests,…] [--keep]

FOLDER gets report.json, report.md (tables, what fell short, what could not be done and the command that does it) and
log.txt, and holds them after every step. bench/suite/prepare.py makes gpu-suite.pyz.
Exit status: 0 everything done, 1 a step failed or nothing could be measured, 2 usage, 3 something could not be done here.
"""
import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import steps
from session import Session

MINUTES = 8.0  # as README.md has it; the limits of the steps are no more


def run(root, out, minutes, names=None, all_steps=steps.ALL):
    """Runs the steps; → exit status."""
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    if manifest.get("stand_in"):  # scripts in place of the vendor's tools
        os.environ["PATH"] = f"{root / 'stubs'}:{os.environ['PATH']}"
    session = Session(root, out, minutes, manifest)
    session.write()
    chosen = [step for step in all_steps if names is None or step[0] in names or step[0] == "preflight"]
    statuses = []
    for place, (name, limit, work) in enumerate(chosen):
        statuses.append(session.step(name, limit, work))
        if not session.found["host"].get("usable"):
            for other, _, _ in chosen[place + 1:]:
                session.not_done(other, "preflight failed", "mend that and run the suite again")
            break
    session.found["finished"] = True
    session.write()
    shutil.rmtree(session.work, ignore_errors=True)
    print((out / "report.md").read_text(encoding="utf-8"))
    if "failed" in statuses:
        return 1
    return 3 if session.found["not_done"] or "partial" in statuses else 0


def main(root, words=None):
    known = [name for name, _, _ in steps.ALL]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which nothing runs any more")
    parser.add_argument("--steps", type=lambda text: text.split(","), help="of " + ", ".join(known))
    parser.add_argument("--keep", action="store_true", help="keep the unpacked programs in FOLDER/unpacked")
    options = parser.parse_args(words)
    unknown = [name for name in options.steps or [] if name not in known]
    if unknown:
        parser.error(f"no step {unknown[0]!r}; steps are {', '.join(known)}")
    status = run(root, options.out.absolute(), options.minutes, options.steps)
    if options.keep:
        shutil.copytree(root, options.out / "unpacked", dirs_exist_ok=True)
    return status


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
