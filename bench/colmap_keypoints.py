# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP's SIFT keypoints of scenes, by pycolmap: for the scripts beside this one."""
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent / "build/release/bin/twinpatch"


def scenes_of(given, names):
    """The scenes that were given, or those of TWINPATCH_DATA_DIR with these names."""
    data = pathlib.Path(os.environ.get("TWINPATCH_DATA_DIR", HERE.parents[1] / "shared/data"))
    scenes = given or [data / name for name in names if (data / name).is_dir()]
    if not scenes:
        raise SystemExit(f"skipped: no scenes in {data}")
    return scenes


def extract(scenes, work, features):
    """work/features.db: keypoints of all scenes, whose images work/images links to. A scene is a folder with images/ and sparse/,
    whose first camera is taken for all of its images. What is there is not made again."""
    import pycolmap

    work.mkdir(parents=True, exist_ok=True)
    (work / "images").mkdir(exist_ok=True)
    if (work / "features.db").exists():
        return
    making = work / "making.db"
    making.unlink(missing_ok=True)
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.sift.max_num_features = features
    for scene in scenes:
        link = work / "images" / scene.name
        if not link.exists():
            link.symlink_to((scene / "images").resolve())
        camera = min(pycolmap.Reconstruction(scene / "sparse").cameras.items())[1]
        reader = pycolmap.ImageReaderOptions()
        reader.camera_model = camera.model.name
        reader.camera_params = ",".join(map(str, camera.params))
        names = sorted(f"{scene.name}/{path.name}" for path in (scene / "images").iterdir())
        pycolmap.extract_features(making, work / "images", image_names=names, camera_mode=pycolmap.CameraMode.PER_FOLDER,
                                  reader_options=reader, extraction_options=options)
    making.rename(work / "features.db")
