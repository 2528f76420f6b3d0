#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""OpenSfM's side of the exchange, with NumPy: feature files as OpenSfM saves them go through `twinpatch export opensfm`,
and the matches are read as OpenSfM's DataSet reads them. OpenSfM itself is in no package index; load_matches() and
find_matches() here take the steps of its opensfm/dataset.py (main branch, 2026) one by one, and allow the same names.

opensfm_readers.py TWINPATCH MODEL
"""
import gzip
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

SHIFT = 11
SIZE = 260
NAMES = ["a b.pgm", "c.pgm", "empty.pgm", "é.pgm"]
OFFSETS = [(0, 0), (SHIFT, 0), (0, 0), (0, SHIFT)]
MULTIARRAY = np.core.multiarray if not hasattr(np, "_core") else np._core.multiarray


class OnlyArrays(pickle.Unpickler):
    """OpenSfM's reader refuses every name but these; before NumPy 2 it knew only those of numpy.core."""

    allowed = {
        "numpy.core.multiarray._reconstruct": MULTIARRAY,
        "numpy.core.multiarray.scalar": MULTIARRAY,
        "numpy.ndarray": np,
        "numpy.dtype": np,
    }

    def find_class(self, module, name):
        if f"{module}.{name}" not in self.allowed:
            raise pickle.UnpicklingError(f"global '{module}.{name}' is forbidden")
        return getattr(self.allowed[f"{module}.{name}"], name)


def matches_file(folder, name):
    return os.path.join(folder, f"{name}_matches.pkl.gz")


def load_matches(folder, name):
    with open(matches_file(folder, name), "rb") as file:
        return OnlyArrays(io.BytesIO(gzip.decompress(file.read()))).load()


def find_matches(folder, one, other):
    if os.path.isfile(matches_file(folder, one)):
        found = load_matches(folder, one)
        if other in found:
            return found[other]
    if os.path.isfile(matches_file(folder, other)):
        found = load_matches(folder, other)
        if one in found and len(found[one]):
            return found[one][:, [1, 0]]
    return np.array([])


def picture(random, size):
    """Blobs of several sizes, so that patches differ."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    image = np.full((size, size), 128, np.float32)
    for _ in range(500):
        cx, cy = random.uniform(0, size, 2)
        radius = random.uniform(2, 12)
        image += random.uniform(-80, 80) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    return np.clip(image, 0, 255).astype(np.uint8)


def save_features(path, pixels, sigma, turn, shape):
    """As features.FeaturesData.save does: positions of pixels (OpenCV's) from the middle, over the longer side."""
    height, width = shape
    longer = max(width, height)
    points = np.empty((len(pixels), 4), np.float32)
    points[:, 0] = (pixels[:, 0] + 0.5 - width / 2.0) / longer
    points[:, 1] = (pixels[:, 1] + 0.5 - height / 2.0) / longer
    points[:, 2] = sigma / longer
    points[:, 3] = turn
    np.savez_compressed(
        path,
        points=points,
        descriptors=np.zeros((len(points), 128), np.uint8),
        colors=np.zeros((len(points), 3)),
        segmentations=np.zeros(len(points)),
        instances=np.zeros(len(points)),
        segmentation_labels=np.zeros(0),
        OPENSFM_FEATURES_VERSION=3,
    )


def make_dataset(folder, random):
    for name in ("images", "exif", "features"):
        os.mkdir(f"{folder}/{name}")
    whole = picture(random, SIZE + SHIFT)
    points = np.stack(np.meshgrid(np.arange(40, 210, 17), np.arange(40, 210, 19)), -1).reshape(-1, 2).astype(float)
    sigma = 3 + np.arange(len(points)) % 3 / 4
    for name, (dx, dy) in zip(NAMES, OFFSETS):
        view = whole[dy : dy + SIZE, dx : dx + SIZE - 20]
        with open(f"{folder}/images/{name}", "wb") as file:
            file.write(b"P5\n%d %d\n255\n" % (view.shape[1], view.shape[0]) + view.tobytes())
        with open(f"{folder}/exif/{name}.exif", "w") as file:
            json.dump({"width": view.shape[1], "height": view.shape[0], "orientation": 1, "camera": "v2"}, file)
        count = 0 if name == "empty.pgm" else len(points)
        save_features(f"{folder}/features/{name}.features.npz", points[:count] - [dx, dy], sigma[:count], 30.0, view.shape)
    return len(points)


def run(program, *arguments, code=0):
    done = subprocess.run([program, "export", "opensfm", *arguments], capture_output=True, text=True)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done


def files_of(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder))}


def check_read(folder, count):
    assert sorted(os.listdir(folder)) == sorted(f"{name}_matches.pkl.gz" for name in NAMES)
    for one in NAMES:
        for other in NAMES:
            if one == other:
                continue
            rows = find_matches(folder, one, other)
            if "empty.pgm" in (one, other):
                assert len(rows) == 0
                continue
            assert rows.dtype == np.int64 and rows.shape == (len(rows), 2) and rows.flags.writeable
            assert 0.9 * count <= np.count_nonzero(rows[:, 0] == rows[:, 1]) == len(rows), (one, other, len(rows))
            assert np.array_equal(find_matches(folder, other, one)[:, ::-1], rows)


def main(program, model):
    random = np.random.default_rng()
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/data", f"{folder}/data/matches"
        os.mkdir(data)
        count = make_dataset(data, random)
        options = ["--dataset", data, "-m", model, "--device", "cpu"]
        done = run(program, *options, "-o", out, "--json")
        report = json.loads(done.stdout)
        assert report["schema"] == "twinpatch.export-opensfm/1" and report["pairs"] == 6, report
        assert "opensfm create_tracks" in done.stderr
        check_read(out, count)
        whole = files_of(out)

        # Not over what is there unless asked, and then nothing but matches; the same bytes again.
        assert "already exists (use --replace)" in run(program, *options, "-o", out, code=1).stderr
        run(program, *options, "-o", out + "/", "--replace")
        assert files_of(out) == whole and not os.path.exists(out + ".old")
        assert "is no file of matches" in run(program, *options, "-o", f"{data}/images", "--replace", code=1).stderr

        # Two shards and their export, and a run that is killed and goes on: the same bytes.
        for shard in ("1/2", "2/2"):
            run(program, *options, "-o", f"{folder}/s", "--shard", shard, "--run", f"{folder}/run{shard[0]}",
                "--block-keypoints", "100")
        run(program, f"{folder}/run1", f"{folder}/run2", "--dataset", data, "-o", f"{folder}/shards")
        assert files_of(f"{folder}/shards") == whole
        command = [program, "export", "opensfm", *options, "-o", f"{folder}/killed", "--block-keypoints", "100"]
        killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while killed.poll() is None and not os.path.exists(f"{folder}/killed.run/plan.json"):
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        run(program, *options, "-o", f"{folder}/killed", "--block-keypoints", "100", "--replace")
        assert files_of(f"{folder}/killed") == whole

        # SIFT's sizes are diameters, by config.yaml or by the option; the views are shifted, so matches stay.
        with open(f"{data}/config.yaml", "w") as file:
            file.write("# mine\nprocesses: 4\nfeature_type: SIFT  # OpenCV's\n")
        run(program, *options, "-o", f"{folder}/sift")
        run(program, *options, "-o", f"{folder}/said", "--feature-size", "diameter", "--run", f"{folder}/other.run")
        assert files_of(f"{folder}/sift") == files_of(f"{folder}/said")

        # A finished run of other features is refused.
        os.remove(f"{data}/features/c.pgm.features.npz")
        save_features(f"{data}/features/c.pgm.features.npz", np.full((2, 2), 60.0), 3.0, 0.0, (SIZE, SIZE - 20))
        refused = run(program, f"{folder}/run1", f"{folder}/run2", "--dataset", data, "-o", f"{folder}/x", code=1)
        assert "c.pgm.features.npz has 2 features, but the run matched" in refused.stderr
        assert not os.path.exists(f"{folder}/x")
    print("OpenSfM's readers read twinpatch's matches")


if __name__ == "__main__":
    main(*sys.argv[1:])
