#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Time of `twinpatch colmap` per pair of images: matching alone, and what each further step adds.

    bench/image_pairs.py [SCENE ...] --work out/image-pairs --features 2048 --rounds 3

A scene is a folder with images/ and sparse/; all go into one project. Without any, fountain-P11 and Sceaux of TWINPATCH_DATA_DIR are
taken: half of their pairs have nothing in common. Needs Python's pycolmap for keypoints. The ways take turns, descriptors are stored
before; each line has the median of the rounds: wall clock and processor time in milliseconds a pair, and how much more than matching
alone (of the processor time).
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

from colmap_keypoints import PROGRAM, extract, scenes_of

SCENES = ["strecha_fountain-P11", "sceaux_castle"]
WAYS = {"match": [], "--verify": ["--verify"], "--guided matches": ["--guided", "matches"],
        "--guided matches --verify": ["--guided", "matches", "--verify"], "--early-exit 512": ["--early-exit", 512],
        "--early-exit 1024": ["--early-exit", 1024]}


def run(options, more):
    """Wall clock and processor time of a run from the start, in milliseconds a pair."""
    work = options.work
    for path in work.glob("run.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy(work / "features.db", work / "run.db")
    command = [options.program, "colmap", work / "run.db", "--images", work / "images", "--descriptors", work / "descriptors",
               "-m", options.model, "--progress", "none", "--json", *more]
    before, start = os.times(), time.monotonic()
    result = subprocess.run([str(word) for word in command], check=True, capture_output=True)
    wall, after = time.monotonic() - start, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    pairs = json.loads(result.stdout)["pairs"]
    return 1000 * wall / pairs, 1000 * processor / pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", type=pathlib.Path)
    parser.add_argument("--program", default=PROGRAM)
    parser.add_argument("--model", default="hard128")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/image-pairs"))
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    extract(scenes_of(options.scenes, SCENES), options.work, options.features)
    run(options, ["--early-exit", 32])  # stores descriptors
    times = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, more in WAYS.items():
            times[way].append(run(options, more))
    alone = statistics.median(processor for _, processor in times["match"])
    print("| | wall clock, a pair | processor, a pair | to matching alone |")
    print("|---|---|---|---|")
    for way, measured in times.items():
        wall, processor = (statistics.median(values) for values in zip(*measured))
        print(f"| {way} | {wall:.2f} ms | {processor:.2f} ms | {processor / alone:.2f} |")


if __name__ == "__main__":
    main()
