#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""One run of every command with the n-th allocation, read, write, sync, rename or opening failing, n = 1, 2, 3, …

usage: faults.py PROGRAM INJECT_LIBRARY [--points N] [--only WORD] [--kinds malloc,write,…]

After each fault: no signal and no exit code but the contract's (0, 1, 2, 3), one line of error that says what is wrong, no
output that is not whole, no temporary file left; the same command again, without a fault, ends well with the very output
that it has without any. Long counts are strided: `--points` numbers of each kind, the first ones and then further apart.
"""
import argparse
import collections
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import scene

FAULTS = [("malloc", ""), ("read", str(errno.EIO)), ("read", "short"), ("write", str(errno.ENOSPC)), ("write", "short"),
          ("fsync", str(errno.EIO)), ("rename", str(errno.EIO)), ("open", str(errno.EMFILE))]

# A name, the arguments, what the command writes (in the folder it runs in, "out"; * is standard output).
COMMANDS = [
    ("model list", "model list", ["*"]),
    ("model show", "model show siam-l2 --json", ["*"]),
    ("model convert", "model convert {models}/siam-l2.safetensors out/small.safetensors --store int8", ["small.safetensors"]),
    ("describe", "describe patches.npy -m siam-l2 -o out/d.npy", ["d.npy"]),
    ("score", "score patches.npy -m siam-l2 --pairs pairs.npy -o out/s.npy", ["s.npy"]),
    ("score two-channel", "score patches.npy -m 2ch --pairs pairs.npy -o out/s.npy", ["s.npy"]),
    ("grid", "grid patches.npy patches.npy -m siam-l2 --top 2 --mutual -o out/best",
     ["best.indices.npy", "best.scores.npy", "best.pairs.npy", "best.pair_scores.npy"]),
    ("match", "match pictures/0.pgm pictures/1.pgm -m siam-l2 -o out/m.txt --view out/v.png --patches out/p.png",
     ["m.txt", "v.png", "p.png"]),
    ("eval", "eval photo-tour -m siam-l2 --report out/report", ["report/index.html"]),
    ("plan", "plan out/database.db --images pictures -m siam-l2", []),
    ("colmap", "colmap out/database.db --images pictures -m siam-l2 --block-keypoints 60 --verify", ["database.db"]),
    ("merge", "merge out/run -o out/merged", ["merged/plan.json"]),
    ("export hloc", "export hloc out/run -o out/matches.h5", []),
    ("dataset", "dataset from-photographs pictures -o out/set --replace --lists 20 --hard 5 --views 2",
     ["set/info.txt", "set/patches.npy"]),
]


def numbers(total, points):
    """1, 2, 3, … and then further and further apart, up to `total`."""
    if total <= points:
        return list(range(1, total + 1))
    ratio = total ** (1.0 / points)
    chosen = {total}
    value = 1.0
    while value < total:
        chosen.add(int(value))
        value = max(value + 1, value * ratio)
    return sorted(chosen)


class Run:
    def __init__(self, options, folder):
        self.options, self.inputs = options, folder
        self.models = os.environ["TWINPATCH_MODELS"]

    def fresh(self, name):
        out = self.inputs / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(self.inputs / "database.db", out)
        if name in ("merge", "export hloc"):
            shutil.copytree(self.inputs / "finished-run", out / "run")
        return out

    def call(self, arguments, fault=None, count=None):
        environment = dict(os.environ, TMPDIR=str(self.inputs / "tmp"))
        if fault:
            environment.update(LD_PRELOAD=str(self.options.library), TWINPATCH_FAULT=fault)
        if count:
            environment["TWINPATCH_FAULT_COUNT"] = str(count)
        line = [self.options.program, *arguments.format(models=self.models).split(), "--threads", "1", "--progress", "none"]
        if arguments.startswith(("model", "merge", "export", "dataset")):
            line = line[:-4]
        return subprocess.run(line, cwd=self.inputs, env=environment, capture_output=True, timeout=300, check=False)

    def outputs(self, names, done):
        found = {}
        for name in names:
            path = self.inputs / "out" / name
            if name == "*":
                found[name] = done.stdout
            elif name.endswith(".db"):
                found[name] = scene.rows(path)
            else:
                found[name] = path.read_bytes() if path.exists() else None
        return found


def complaint(done, outputs, expected, untouched, leftovers):
    """What is wrong after a fault; None where nothing is."""
    words = done.stderr.decode(errors="replace")
    if done.returncode < 0:
        return f"killed by signal {-done.returncode}: {words[-200:]}"
    if done.returncode not in (0, 1, 2, 3):
        return f"exit code {done.returncode}"
    if "terminate called" in words or "std::" in words:
        return f"an exception's own words: {words[-200:]}"
    if done.returncode == 3 and "left out: " in words:  # a photograph that could not be read, named
        return f"temporary files left: {leftovers}" if leftovers else None
    if done.returncode == 0:
        wrong = [name for name in expected if outputs[name] != expected[name]]
        return f"exit code 0, but another output: {wrong}" if wrong else None
    errors = [line for line in words.splitlines() if line.startswith("error: ")]
    if len(errors) != 1:
        return f"{len(errors)} lines of error: {words[-300:]}"
    # A database may hold the rows of some transactions: each is whole, and the next run adds the others.
    wrong = [name for name in expected if name != "*" and not name.endswith(".db")
             and outputs[name] not in (None, expected[name], untouched.get(name))]
    if wrong:
        return f"output that is not whole: {wrong}"
    # Libraries that allocate while they are loaded, or in what may not fail, end the process: the next run tidies up.
    ended = words == "error: out of memory\n"
    return f"temporary files left: {leftovers}" if leftovers and not ended else None


def try_command(run, name, arguments, names, kinds, tally):
    run.fresh(name)
    untouched = run.outputs(names, subprocess.CompletedProcess([], 0, b"", b""))
    done = run.call(arguments)
    if done.returncode != 0:
        sys.exit(f"faults: {name}: fails without a fault: {done.stderr.decode(errors='replace')}")
    expected = run.outputs(names, done)
    faults = 0
    for kind, how in FAULTS:
        if kinds and kind not in kinds:
            continue
        run.fresh(name)
        count = run.inputs / "count"
        count.unlink(missing_ok=True)
        run.call(arguments, f"{kind}:0", count)
        total = int(count.read_text().split()[0]) if count.exists() else 0
        for number in numbers(total, run.options.points):
            fault = f"{kind}:{number}" + (f":{how}" if how else "")
            out = run.fresh(name)
            try:
                done = run.call(arguments, fault)
                leftovers = [str(path.relative_to(out)) for path in out.rglob(".*.tmp")] + os.listdir(run.inputs / "tmp")
                wrong = complaint(done, run.outputs(names, done), expected, untouched, leftovers)
                if wrong is None and done.returncode != 0:
                    again = run.call(arguments)
                    leftovers = [str(path.relative_to(out)) for path in out.rglob("*.tmp")]
                    if leftovers and name == "dataset":
                        wrong = f"temporary files left by the same command again: {leftovers}"
                    if again.returncode != 0 or run.outputs(names, again) != expected:
                        wrong = f"the same command again: exit code {again.returncode}, {again.stderr.decode(errors='replace')[-200:]}"
            except subprocess.TimeoutExpired:
                wrong = "still running after 300 s"
            faults += 1
            tally[kind] += 1
            if wrong:
                tally["wrong"] += 1
                print(f"faults: {name}: {fault} of {total}: {wrong}", flush=True)
    if faults == 0:
        sys.exit(f"faults: {name}: not one call was counted: is {run.options.library} preloaded?")
    print(f"faults: {name}: {faults} faults", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("library", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--points", type=int, default=12, help="faults of one kind and command")
    parser.add_argument("--only", default="", help="commands whose name contains this")
    parser.add_argument("--kinds", default="", help="malloc, read, write, fsync, rename, open")
    options = parser.parse_args()
    kinds = {kind for kind in options.kinds.split(",") if kind}
    os.environ.setdefault("TWINPATCH_MODELS", str(pathlib.Path(__file__).resolve().parents[2] / "models"))
    tally = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options, scene.make(pathlib.Path(folder) / "scene"))
        (run.inputs / "tmp").mkdir()
        run.fresh("colmap")
        done = run.call("colmap out/database.db --images pictures -m siam-l2 --run finished-run")
        if done.returncode != 0:
            sys.exit(f"faults: cannot make a run: {done.stderr.decode(errors='replace')}")
        for name, arguments, names in COMMANDS:
            if options.only in name:
                try_command(run, name, arguments, names, kinds, tally)
    wrong = tally.pop("wrong", 0)
    print(f"faults: {sum(tally.values())} faults ({dict(tally)}), {wrong} of them handled wrongly")
    sys.exit(1 if wrong else 0)


main()
