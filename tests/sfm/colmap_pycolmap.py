# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""See colmap_pycolmap.sh."""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import pycolmap


def main(twinpatch, scene):
    print("pycolmap", pycolmap.__version__)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        images = work / "images"
        images.mkdir()
        for number in (3, 4, 5, 6, 7):
            shutil.copy(pathlib.Path(scene) / "images" / f"000{number}.jpg", images)
        database = work / "database.db"
        # Images and a camera, no keypoints: those are twinpatch's.
        pycolmap.Database.open(database).close()
        pycolmap.import_images(database, images, camera_mode=pycolmap.CameraMode.SINGLE,
                               options={"camera_model": "SIMPLE_PINHOLE", "camera_params": "1434,790,530"})
        run = subprocess.run([twinpatch, "colmap", database, "--images", images, "--extract", "--max-keypoints", "900",
                              "--json"], check=True, stdout=subprocess.PIPE)
        report = json.loads(run.stdout)
        print("next:", *report["next"], sep="\n  ")
        assert report["pairs_written"] == 10, report

        stored = dict(sqlite3.connect(database).execute("SELECT pair_id, rows FROM matches"))
        with pycolmap.Database.open(database) as opened:
            ids = [image.image_id for image in opened.read_all_images()]
            assert len(ids) == 5
            for first in ids:
                assert opened.read_keypoints(first).shape[0] > 0
                for second in ids:
                    if first < second:
                        matches = opened.read_matches(first, second)
                        assert matches.shape == (stored[2147483647 * first + second], 2)
        pycolmap.verify_matches(database, report["pair_list"])
        with pycolmap.Database.open(database) as opened:
            inliers = sum(len(opened.read_two_view_geometry(first, second).inlier_matches)
                          for first in ids for second in ids if first < second)
        print("inliers of all pairs:", inliers, "of", sum(stored.values()))
        assert inliers > 300
        models = pycolmap.incremental_mapping(database, images, work / "sparse")
        best = max(models.values(), key=lambda model: model.num_reg_images())
        print(best.summary())
        assert best.num_reg_images() == 5


if __name__ == "__main__":
    main(*sys.argv[1:])
