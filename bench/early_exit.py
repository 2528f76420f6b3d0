#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What `twinpatch colmap --early-exit N` saves and loses, against all pairs matched as a whole.

    bench/early_exit.py [SCENE ...] --work out/early-exit --features 2048 --keypoints 256 512 1024

A scene is a folder with images/ and sparse/ (whose first camera is taken for all of its images). All scenes go into one project,
since pairs of unrelated images are what an early exit is for; without any, four of TWINPATCH_DATA_DIR are taken. Needs Python's
pycolmap for keypoints. Prints a table in Markdown: pairs dropped, verified pairs (`--verify`) that are lost and their share of all
inliers, seconds of matching (descriptors stored before) and processor time a pair of images.
"""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess

from colmap_keypoints import PROGRAM, extract, scenes_of

SCENES = ["strecha_fountain-P11", "strecha_castle-P19", "sceaux_castle", "odm_seneca"]


def inliers(database):
    """Of each verified pair."""
    with sqlite3.connect(database) as rows:
        return dict(rows.execute("SELECT pair_id, rows FROM two_view_geometries WHERE rows > 0"))


class Runs:
    def __init__(self, options):
        self.options, self.work = options, options.work

    def run(self, name, *more):
        """The last event of a run, its object, processor seconds and verified pairs."""
        database = self.work / f"{name}.db"
        for path in self.work.glob(f"{name}.*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copy(self.work / "features.db", database)
        command = [self.options.program, "colmap", database, "--images", self.work / "images", "--descriptors",
                   self.work / "descriptors", "-m", self.options.model, "--verify", "--progress", "none", "--json",
                   "--events", self.work / f"{name}.events", *more]
        before = os.times()
        result = json.loads(subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout)
        after = os.times()
        end = json.loads((self.work / f"{name}.events").read_text().splitlines()[-1])
        processor = after.children_user + after.children_system - before.children_user - before.children_system
        return end, result, processor, inliers(database)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", type=pathlib.Path)
    parser.add_argument("--program", default=PROGRAM)
    parser.add_argument("--model", default="hard128")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/early-exit"))
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--keypoints", type=int, nargs="+", default=[256, 512, 1024])
    options = parser.parse_args()
    extract(scenes_of(options.scenes, SCENES), options.work, options.features)

    runs = Runs(options)
    runs.run("warm", "--early-exit", 32)  # stores descriptors
    whole, _, seconds, truth = runs.run("whole")
    total = sum(truth.values())
    print("| sample | pairs dropped | verified pairs lost | the largest | their inliers | matching | processor, a pair |")
    print("|---|---|---|---|---|---|---|")
    print(f"| none | 0 of {whole['pairs']} | 0 of {len(truth)} | | 0 of {total} | {whole['seconds']:.1f} s "
          f"| {1000 * seconds / whole['pairs']:.1f} ms |")
    for keypoints in options.keypoints:
        end, result, seconds, found = runs.run(f"sample-{keypoints}", "--early-exit", keypoints)
        lost = sorted(truth[pair] for pair in truth if pair not in found)
        assert all(found[pair] == truth[pair] for pair in found), "a pair that was kept has other inliers"
        print(f"| {keypoints} | {result['early_exit']['pairs_dropped']} | {len(lost)} | {max(lost, default=0)} | {sum(lost)} "
              f"({100 * sum(lost) / total:.1f} %) | {end['seconds']:.1f} s | {1000 * seconds / whole['pairs']:.1f} ms |")


if __name__ == "__main__":
    main()
