# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""From photographs to a reconstruction: keypoints by COLMAP, matches by twinpatch, verification and mapping by COLMAP.

reconstruct.py IMAGES OUTPUT
"""

import sys
from pathlib import Path

import pycolmap

import twinpatch as tp


def reconstruct(images: Path, output: Path) -> "pycolmap.Reconstruction":
    output.mkdir(parents=True, exist_ok=True)
    database = output / "database.db"
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.sift.max_num_features = 2000
    pycolmap.extract_features(database, images, camera_mode=pycolmap.CameraMode.SINGLE, extraction_options=extraction)
    tp.match_colmap(database, images, pairs="exhaustive")
    pycolmap.geometric_verification(database)
    models = pycolmap.incremental_mapping(database, images, output / "sparse")
    if not models:
        raise SystemExit(f"{images}: COLMAP found no reconstruction")
    return max(models.values(), key=lambda model: model.num_reg_images())


if __name__ == "__main__":
    print(reconstruct(Path(sys.argv[1]), Path(sys.argv[2])).summary())
