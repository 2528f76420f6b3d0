# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""See colmap_pycolmap.sh."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pycolmap


READER = {"camera_model": "SIMPLE_PINHOLE", "camera_params": "1434,790,530"}
IMAGES = [f"000{number}.jpg" for number in (3, 4, 5, 6, 7)]


ROWS = """
import json, sqlite3, sys
tables = sqlite3.connect(sys.argv[1])
assert tables.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
print(json.dumps([tables.execute("SELECT pair_id, rows FROM " + name).fetchall() for name in ("matches", "two_view_geometries")]))
"""


def rows_of(database):
    """Matches and inliers by pair. In a process of its own: pycolmap brings another SQLite, and two of them in one process lose each
    other's locks."""
    found = subprocess.run([sys.executable, "-c", ROWS, database], check=True, stdout=subprocess.PIPE)
    return [dict(rows) for rows in json.loads(found.stdout)]


class Project:
    """Photographs, a database of pycolmap's, and what twinpatch makes of it."""

    def __init__(self, twinpatch, scene, work):
        self.twinpatch, self.images, self.database = twinpatch, work / "images", work / "database.db"
        self.images.mkdir(parents=True)
        for name in IMAGES:
            shutil.copy(pathlib.Path(scene) / "images" / name, self.images)
        pycolmap.Database.open(self.database).close()

    def add(self, names):
        """Images and their camera, no keypoints: those are twinpatch's."""
        pycolmap.import_images(self.database, self.images, image_names=names, camera_mode=pycolmap.CameraMode.SINGLE, options=READER)

    def match(self, *options):
        run = subprocess.run([self.twinpatch, "colmap", self.database, "--images", self.images, "--max-keypoints", "900", "--json",
                              *options], check=True, stdout=subprocess.PIPE)
        return json.loads(run.stdout)

    def read(self):
        """pycolmap reads every row that is stored; the number of inliers."""
        stored, verified = rows_of(self.database)
        with pycolmap.Database.open(self.database) as opened:
            ids = [image.image_id for image in opened.read_all_images()]
            inliers = 0
            for first in ids:
                assert opened.read_keypoints(first).shape[0] > 0
                for second in ids:
                    pair = 2147483647 * first + second
                    if first < second and pair in stored:
                        assert opened.read_matches(first, second).shape == (stored[pair], 2)
                    if first < second and pair in verified:
                        found = opened.read_two_view_geometry(first, second)
                        assert len(found.inlier_matches) == verified[pair]
                        inliers += len(found.inlier_matches)
        print(f"{sum(stored.values())} matches of {len(stored)} pairs, {inliers} inliers")
        return inliers

    def reconstruct(self):
        models = pycolmap.incremental_mapping(self.database, self.images, self.database.parent / "sparse")
        best = max(models.values(), key=lambda model: model.num_reg_images())
        print(best.summary())
        assert best.num_reg_images() == len(IMAGES)


def plain_and_guided(project):
    project.add(IMAGES)
    report = project.match("--extract")
    print("next:", *report["next"], sep="\n  ")
    assert report["pairs_written"] == 10, report
    pycolmap.verify_matches(project.database, report["pair_list"])
    assert project.read() > 300
    project.reconstruct()
    report = project.match("--guided", "--verify", "--replace", "--run", project.database.parent / "guided")
    assert report["pairs_written"] == 10, report
    assert project.read() > 300
    project.reconstruct()


def added_images_and_early_exit(project):
    project.add(IMAGES[:4])
    options = ["--extract", "--early-exit", "256"]
    assert project.match(*options)["generation"] == 0
    project.add(IMAGES[4:])
    report = project.match(*options)
    assert report["generation"] == 1 and report["changes"]["added"] == IMAGES[4:], report
    pycolmap.verify_matches(project.database, report["pair_list"])
    assert project.read() > 300
    project.reconstruct()


def affine(project):
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.sift.max_num_features = 900
    options.sift.estimate_affine_shape = True
    pycolmap.extract_features(project.database, project.images, camera_mode=pycolmap.CameraMode.SINGLE, reader_options=READER,
                              extraction_options=options)
    project.match("--affine", "--guided", "--verify")
    assert project.read() > 300
    project.reconstruct()


def main(twinpatch, scene):
    print("pycolmap", pycolmap.__version__)
    with tempfile.TemporaryDirectory() as folder:
        for way in (plain_and_guided, added_images_and_early_exit, affine):
            print(way.__name__)
            way(Project(twinpatch, scene, pathlib.Path(folder) / way.__name__))


if __name__ == "__main__":
    main(*sys.argv[1:])
