#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed at random again and again: what they find must not change.

usage: kills.py PROGRAM [--kills 50] [--shards 2] [--seed 1]

twinpatch: both shards of a `colmap` run match (first network), a second network scores what is left over, the results go
into a COLMAP database. The database's rows and the merged run's digest must be those of a run that nobody disturbed.
twinpatch-train: a training with checkpoints. The model's hash, which is of its specification and its weights, must be.
Each process is killed (SIGKILL) after a random part of the time that the whole takes, until there were so many kills;
then everything runs to its end.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import scene


def second_stage(folder):
    """2ch with weights for siam-l2's candidates: both scores count, and "none" is never likelier."""
    path = folder / "second.safetensors"
    models = pathlib.Path(os.environ.get("TWINPATCH_MODELS", pathlib.Path(__file__).parents[2] / "models"))
    content = (models / "2ch.safetensors").read_bytes()
    length, = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header["__metadata__"]["two_stage"] = json.dumps({"first": "siam-l2", "candidates": 2, "similarity_weight": 1,
                                                      "network_weight": 0.1, "none": -100})
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length:])
    return path


class Matching:
    """Each shard, then the command without a shard, which takes what they did and writes into the database."""

    def __init__(self, options):
        self.program, self.shards = options.program, options.shards
        self.what = f"{options.shards} shards and two stages"

    def steps(self, folder):
        common = [self.program, "colmap", str(folder / "database.db"), "--images", str(folder / "pictures"), "-m", "siam-l2",
                  "--rerank", str(second_stage(folder)), "--run", str(folder / "run"), "--block-keypoints", "60", "--threads", "1",
                  "--progress", "none"]
        return [common + ["--shard", f"{i}/{self.shards}"] for i in range(1, self.shards + 1)] + [common]

    def result(self, folder):
        merged = subprocess.run([self.program, "merge", str(folder / "run"), "--json"], capture_output=True, check=True)
        return json.loads(merged.stdout)["digest"], scene.rows(folder / "database.db")


class Training:
    what = "40 steps of training"

    def __init__(self, options):
        self.program = options.program

    def steps(self, folder):
        return [[self.program, str(folder / "photo-tour"), "--validate", str(folder / "photo-tour"), "-n", "siam-l2", "--steps",
                 "40", "--checkpoint", str(folder / "checkpoints"), "--cache", str(folder / "cache"), "-o",
                 str(folder / "model.safetensors"), "--threads", "1", "--progress", "none"]]

    def result(self, folder):
        model = (folder / "model.safetensors").read_bytes()
        length, = struct.unpack_from("<Q", model)
        return json.loads(model[8:8 + length])["__metadata__"]["twinpatch.hash"]


def undisturbed(command):
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"kills: exit code {done.returncode} without a kill: {done.stderr.decode(errors='replace')}")
    return time.monotonic() - start


def disturbed(command, seconds):
    """Runs the command for so long; True if it was killed, False if it ended by itself."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, words = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    if process.returncode not in (0, 3):
        sys.exit(f"kills: exit code {process.returncode} after a kill: {words.decode(errors='replace')}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("TWINPATCH_MODELS", str(pathlib.Path(__file__).resolve().parents[2] / "models"))
    rng = random.Random(options.seed)
    job = (Training if pathlib.Path(options.program).name == "twinpatch-train" else Matching)(options)
    with tempfile.TemporaryDirectory() as name:
        base = scene.make(pathlib.Path(name) / "scene", photographs=5)
        calm = pathlib.Path(shutil.copytree(base, pathlib.Path(name) / "calm"))
        taken = [undisturbed(command) for command in job.steps(calm)]
        expected = job.result(calm)
        kills = rounds = 0
        while kills < options.kills:
            rounds += 1
            folder = pathlib.Path(shutil.copytree(base, pathlib.Path(name) / f"round-{rounds}"))
            for command, seconds in zip(job.steps(folder), taken):
                # A kill may fall into the start, which does no work: some attempts, then the step ends undisturbed.
                for _ in range(6):
                    if kills == options.kills or not disturbed(command, rng.uniform(0, 1.2) * seconds):
                        break
                    kills += 1
                undisturbed(command)
            if job.result(folder) != expected:
                sys.exit(f"kills: another result after {kills} kills (seed {options.seed}, round {rounds})")
            shutil.rmtree(folder)
    print(f"kills: {kills} kills in {rounds} runs of {job.what}: the results are identical")


main()
