#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Judges `twinpatch colmap --guided` by surveyed cameras.

    bench/guided.py [SCENE ...] --work out/guided --features 1500 --seeds 3

A scene is a folder with images/, sparse/ and surveyed cameras without distortion (gt_dense_cameras/ of Strecha et al.); without
any, fountain-P11 and castle-P19 of TWINPATCH_DATA_DIR are taken. Needs Python's pycolmap and NumPy. Prints for each way of matching:
matches, and the share of them within 1, 2 and 3 pixels of the true epipolar lines (the larger of the distances in both images); the
same of those that the guide adds, of the pairs that one pass leaves with under 30 matches, and of the matches that `--verify` keeps;
of matches within 2 pixels the share that a third view contradicts; what pycolmap's incremental mapper makes of them, its camera
centres against the surveyed ones; processor time a pair of images.
"""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess

import numpy as np
from colmap_evaluate import errors_of_centres
from colmap_keypoints import PROGRAM, extract, scenes_of

SCENES = ["strecha_fountain-P11", "strecha_castle-P19"]
WEAK = 30  # matches of one pass
NEAR, MISSED = 2, 6  # pixels from a line; between a point and the keypoint that a third image has for it
IMAGES = 2147483647  # COLMAP's pair_id = first * IMAGES + second


class Surveyed:
    """Camera matrices P = K [R | t] in COLMAP's pixels of the stored images, and centres."""

    def __init__(self, scene, sizes):
        self.cameras, self.centres = {}, {}
        for path in (scene / "gt_dense_cameras").glob("*.camera"):
            numbers = np.array(path.read_text().split(), float)
            k, turned, centre = numbers[:9].reshape(3, 3), numbers[12:21].reshape(3, 3), numbers[21:24]
            name = path.name.removesuffix(".camera")
            scale = np.array(sizes[name]) / numbers[24:26]
            # Pixels of K have their centres at integers, COLMAP's at halves.
            to_stored = np.array([[scale[0], 0, scale[0] / 2], [0, scale[1], scale[1] / 2], [0, 0, 1]])
            self.cameras[name] = (to_stored @ k, turned.T, -turned.T @ centre)
            self.centres[name] = centre.tolist()

    def projection(self, name):
        k, turned, shift = self.cameras[name]
        return k @ np.c_[turned, shift]

    def fundamental(self, first, second):
        (k1, r1, t1), (k2, r2, t2) = self.cameras[first], self.cameras[second]
        r = r2 @ r1.T
        x, y, z = t2 - r @ t1
        return np.linalg.inv(k2).T @ np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ r @ np.linalg.inv(k1)


def distances(f, first, second):
    """Of points from the epipolar lines of their partners: the larger one of both images."""
    a, b = np.c_[first, np.ones(len(first))], np.c_[second, np.ones(len(second))]
    lines2, lines1 = a @ f.T, b @ f
    value = np.abs(np.sum(b * lines2, axis=1))
    return value / np.minimum(np.hypot(*lines1[:, :2].T), np.hypot(*lines2[:, :2].T))


class Matches:
    """Of a database: pairs with their matches, those that were verified, and their distances from the true lines."""

    def __init__(self, path, surveyed):
        with sqlite3.connect(path) as rows:
            names = {i: name.split("/")[-1] for i, name in rows.execute("SELECT image_id, name FROM images")}
            points = {i: np.frombuffer(data, np.float32).reshape(count, columns)[:, :2]
                      for i, count, columns, data in rows.execute("SELECT image_id, rows, cols, data FROM keypoints")}
            read = {table: {pair: np.frombuffer(data, np.uint32).reshape(count, 2) for pair, count, data in rows.execute(
                f"SELECT pair_id, rows, data FROM {table} WHERE rows > 0")} for table in ("matches", "two_view_geometries")}
        self.pairs, self.verified = read["matches"], read["two_view_geometries"]
        self.points = points
        self.projections = {i: surveyed.projection(name) for i, name in names.items()}

        def measured(pair, matches):
            a, b = divmod(pair, IMAGES)
            return distances(surveyed.fundamental(names[a], names[b]), points[a][matches[:, 0]], points[b][matches[:, 1]])
        self.errors = {pair: measured(pair, matches) for pair, matches in self.pairs.items()}
        self.verified_errors = {pair: measured(pair, matches) for pair, matches in self.verified.items()}

    def new(self, pair, before):
        """Which of a pair's matches are not in `before`; None: nothing is."""
        old = set() if before is None else set(map(tuple, before.pairs.get(pair, np.empty((0, 2), int)).tolist()))
        return np.array([tuple(match) not in old for match in self.pairs[pair].tolist()], bool)

    def added(self, before):
        """Distances of the matches that are new."""
        return [self.errors[pair][self.new(pair, before)] for pair in self.pairs]

    def contradicted(self, before=None):
        """"12.6 %" of the matches near their lines that are new: of those whose keypoints have a match in a third image, those
        whose point lies elsewhere in every one of these. Tells errors along the lines."""
        partners = {}
        for pair, matches in self.pairs.items():
            a, b = divmod(pair, IMAGES)
            for i, j in matches[self.errors[pair] <= NEAR].tolist():
                partners.setdefault((a, i), []).append((b, j))
                partners.setdefault((b, j), []).append((a, i))

        def misses(a, i, b, j):
            rows = [self.points[image][k][axis] * self.projections[image][2] - self.projections[image][axis]
                    for image, k in ((a, i), (b, j)) for axis in (0, 1)]
            point = np.linalg.svd(np.array(rows))[2][3]
            for image, k in partners[a, i] + partners[b, j]:
                if image not in (a, b):
                    x, y, z = self.projections[image] @ point
                    yield np.hypot(x / z - self.points[image][k][0], y / z - self.points[image][k][1]) > MISSED
        verdicts = []
        for pair, matches in self.pairs.items():
            a, b = divmod(pair, IMAGES)
            for i, j in matches[self.new(pair, before) & (self.errors[pair] <= NEAR)].tolist():
                missed = list(misses(a, i, b, j))
                verdicts += [all(missed)] if missed else []
        return f"{100 * np.mean(verdicts):.1f} %" if verdicts else ""

    def of(self, pairs):
        return [self.errors[pair] for pair in pairs if pair in self.errors]


def shares(groups):
    """"123: 80, 90, 95 %": how many, and how many of them within 1, 2, 3 pixels."""
    errors = np.concatenate(groups) if groups else np.empty(0)
    if errors.size == 0:
        return "0"
    return f"{errors.size}: " + ", ".join(f"{100 * np.mean(errors <= pixels):.1f}" for pixels in (1, 2, 3)) + " %"


def reconstruct(database, images, out, surveyed, seed):
    """"11 of 11 images, 2620 points, 4.37, 0.48 px" of the largest of the models, and the mean error of its centres, mm."""
    import pycolmap

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    pycolmap.set_random_seed(seed)
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = 1
    options.random_seed = seed
    models = pycolmap.incremental_mapping(database, images, out, options=options)
    if not models:
        return "none", float("nan")
    model = max(models.values(), key=lambda one: (one.num_reg_images(), one.num_points3D()))
    found = {image.name.split("/")[-1]: image.projection_center().tolist() for image in model.images.values() if image.has_pose}
    names = sorted(found)
    errors = errors_of_centres([found[name] for name in names], [surveyed.centres[name] for name in names])
    return (f"{len(names)} of {len(surveyed.centres)} images, {model.num_points3D()} points, "
            f"{model.compute_mean_track_length():.2f}, {model.compute_mean_reprojection_error():.2f} px", 1000 * np.mean(errors))


def match(options, work, name, more):
    """work/NAME.db, matched; processor seconds a pair of images."""
    database = work / f"{name}.db"
    for path in work.glob(f"{name}.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy(work / "features.db", database)
    command = [options.program, "colmap", database, "--images", work / "images", "--descriptors", work / "descriptors", "-m",
               options.model, "--verify", "--progress", "none", "--json", *more]
    before = os.times()
    result = subprocess.run([str(word) for word in command], check=True, capture_output=True)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return database, seconds / json.loads(result.stdout)["pairs"]


def sizes_of(features):
    with sqlite3.connect(features) as rows:
        return {name.split("/")[-1]: size for name, *size in rows.execute(
            "SELECT name, width, height FROM images JOIN cameras USING (camera_id)")}


def judge(options, scene):
    work = options.work / scene.name
    extract([scene], work, options.features)
    surveyed = Surveyed(scene, sizes_of(work / "features.db"))
    match(options, work, "warm", ["--early-exit", 32])  # stores descriptors
    ways = {"one pass": [], "`--guided`": ["--guided"], "`--guided --band 4`": ["--guided", "--band", 4]}
    found = {}
    print(f"{scene.name}\n")
    print(f"| | matches: within 1, 2, 3 px | added ones | of pairs under {WEAK} | verified | contradicted, of all, of added | reconstruction | "
          f"centres, {options.seeds} seeds | a pair |")
    print("|---|---|---|---|---|---|---|---|---|")
    for number, (way, more) in enumerate(ways.items()):
        database, seconds = match(options, work, f"way-{number}", more)
        now = found[way] = Matches(database, surveyed)
        first = found["one pass"]
        weak = [pair for pair in now.pairs if len(first.pairs.get(pair, ())) < WEAK]
        models = [reconstruct(database, work / "images", work / f"model-{number}", surveyed, seed) for seed in range(options.seeds)]
        print(f"| {way} | {shares(list(now.errors.values()))} | {shares(now.added(first)) if more else ''} | {shares(now.of(weak))} "
              f"| {shares(list(now.verified_errors.values()))} "
              f"| {now.contradicted()}{', ' + now.contradicted(first) if more else ''} | {models[0][0]} "
              f"| {', '.join(f'{error:.1f}' for _, error in models)} mm | {1000 * seconds:.1f} ms |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", type=pathlib.Path)
    parser.add_argument("--program", default=PROGRAM)
    parser.add_argument("--model", default="hard128")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/guided"))
    parser.add_argument("--features", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for scene in scenes_of(options.scenes, SCENES):
        judge(options, scene)


if __name__ == "__main__":
    main()
