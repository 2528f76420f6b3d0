#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""hloc's side of the exchange, with h5py: a features.h5 written as hloc's extract_features writes it goes through
`twinpatch export hloc`, and the matches.h5 is read as hloc's match readers read it.

hloc_readers.py TWINPATCH MODEL
"""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

SHIFT = 11
NAMES = ["db/a b.pgm", "db/ü.pgm", "query.pgm", "empty.pgm"]


def pair_key(name0, name1, separator="/"):
    """Group of a pair, as hloc composes it; before 2022 it joined the names by '_'."""
    return separator.join((name0.replace("/", "-"), name1.replace("/", "-")))


def find_pair(file, name0, name1):
    """Group of a pair and whether it is reversed, looked for as hloc does."""
    for separator in "/_":
        for names, reverse in (((name0, name1), False), ((name1, name0), True)):
            if pair_key(*names, separator) in file:
                return pair_key(*names, separator), reverse
    raise ValueError(f"no pair {name0} {name1}")


def get_matches(path, name0, name1):
    with h5py.File(str(path), "r", libver="latest") as file:
        pair, reverse = find_pair(file, name0, name1)
        matches = file[pair]["matches0"].__array__()
        scores = file[pair]["matching_scores0"].__array__()
    index = np.where(matches != -1)[0]
    matches = np.stack([index, matches[index]], -1)
    return (np.flip(matches, -1) if reverse else matches), scores[index], scores.dtype


def picture(random, size):
    """Blobs of several sizes, so that patches differ."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    image = np.full((size, size), 128, np.float32)
    for _ in range(500):
        cx, cy = random.uniform(0, size, 2)
        radius = random.uniform(2, 12)
        image += random.uniform(-80, 80) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    return np.clip(image, 0, 255).astype(np.uint8)


def write_image(path, image):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (image.shape[1], image.shape[0]) + image.tobytes())


def write_features(path, features):
    """One group an image, opened anew for each, float32 cast to float16, as hloc does."""
    for name, pred in features.items():
        pred = {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in pred.items()}
        with h5py.File(str(path), "a", libver="latest") as file:
            group = file.create_group(name)
            for key, value in pred.items():
                group.create_dataset(key, data=value)
            group["keypoints"].attrs["uncertainty"] = 1.0


def main(program, model):
    random = np.random.default_rng()
    with tempfile.TemporaryDirectory() as folder:
        images, features_path = folder + "/images", folder + "/features.h5"
        size = 260
        whole = picture(random, size + SHIFT)
        views = [whole[:size, :size], whole[:size, SHIFT:], whole[SHIFT:, :size], whole[:size, :size]]
        points = np.stack(np.meshgrid(np.arange(40, 210, 17), np.arange(40, 210, 19)), -1).reshape(-1, 2)
        points = points.astype(np.float32)
        moved = [points, points - [SHIFT, 0], points - [0, SHIFT], points[:0]]
        features = {}
        for name, view, xy in zip(NAMES, views, moved):
            write_image(f"{images}/{name}", view)
            features[name] = {
                "keypoints": xy.astype(np.float32),
                "scales": (3 + np.arange(len(xy)) % 3 / 4).astype(np.float32),
                "oris": np.zeros(len(xy), np.float32),
                "scores": np.ones(len(xy), np.float32),
                "descriptors": np.zeros((128, len(xy)), np.float32),
                "image_size": np.array([size, size]),
            }
        write_features(features_path, features)
        pairs = [(0, 1), (2, 0), (1, 2), (0, 3)]
        with open(folder + "/pairs.txt", "w", encoding="utf-8") as file:
            file.write("\n".join(f"{NAMES[i]}\t{NAMES[j]}" for i, j in pairs))
        out = folder + "/matches.h5"
        subprocess.run([program, "export", "hloc", "--features", features_path, "--images", images, "--pairs",
                        folder + "/pairs.txt", "-m", model, "--device", "cpu", "-o", out], check=True)
        for i, j in pairs:
            matches, scores, kind = get_matches(out, NAMES[i], NAMES[j])
            assert kind == np.float16, kind
            assert len(scores) == len(matches)
            if 3 in (i, j):
                assert len(matches) == 0
                continue
            right = int((matches[:, 0] == matches[:, 1]).sum())
            assert right >= 0.9 * len(points), f"{NAMES[i]} {NAMES[j]}: {right} of {len(points)} keypoints found again"
            reverse, _, _ = get_matches(out, NAMES[j], NAMES[i])
            assert sorted(map(tuple, reverse[:, ::-1].tolist())) == sorted(map(tuple, matches.tolist()))
        with h5py.File(out, "r") as file:
            names = []
            file.visititems(lambda name, thing: names.append(name) if name.endswith("matches0") else None)
            assert len(names) == len(pairs), names
            assert file[names[0]].dtype == np.int16, file[names[0]].dtype
    print("hloc's readers read twinpatch's matches")


if __name__ == "__main__":
    main(*sys.argv[1:])
