# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's descriptors on the same patches and keypoints: for tables.py, in the form of `twinpatch eval --json`."""
import math
from pathlib import Path

try:
    import cv2
    import numpy
    cv2.xfeatures2d.VGG_create  # not in every build
except (ImportError, AttributeError):
    cv2 = None

SCALE = 6.75  # window of VGG, BoostDesc and TEBLID in units of KeyPoint::size, for SIFT's keypoints


if cv2:
    cv2.setNumThreads(1)  # its threads wait for each other on a busy machine


def available():
    return cv2 is not None


def descriptors():
    """name → (extractor, window in units of KeyPoint::size, norm)"""
    features = cv2.xfeatures2d
    return {
        "OpenCV SIFT": (cv2.SIFT_create(), 6.0, cv2.NORM_L2),
        "OpenCV VGG-120": (features.VGG_create(features.VGG_VGG_120 if hasattr(features, "VGG_VGG_120") else 100,
                                               1.4, True, True, SCALE, False), SCALE, cv2.NORM_L2),
        "OpenCV BoostDesc-256": (features.BoostDesc_create(302, True, SCALE), SCALE, cv2.NORM_HAMMING),
        "OpenCV TEBLID-512": (features.TEBLID_create(SCALE, features.TEBLID_SIZE_512_BITS), SCALE, cv2.NORM_HAMMING),
    }


def distances(a, b, norm):
    """Of rows with each other, row by row."""
    if norm == cv2.NORM_L2:
        return numpy.linalg.norm(a.astype(numpy.float64) - b, axis=1)
    return numpy.unpackbits(a ^ b, axis=1).sum(1).astype(numpy.float64)


def fpr95(distance, match):
    """HardNet's: the pairs of different points before the first threshold that accepts 95 % of the matches."""
    threshold = numpy.sort(distance[match])[math.ceil(0.95 * match.sum()) - 1]
    return float((distance[~match] <= threshold).mean())


def read_patches(folder):
    if (folder / "patches.npy").exists():
        return numpy.load(folder / "patches.npy")
    count = sum(1 for _ in open(folder / "info.txt"))
    sheets = sorted(path for path in folder.glob("patches*") if path.suffix in (".png", ".bmp"))
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sheets]
    patches = [image.reshape(16, 64, 16, 64).swapaxes(1, 2).reshape(256, 64, 64) for image in images]
    return numpy.concatenate(patches)[:count]


def evaluate_pairs(folder, pairs):
    """FPR95 of every descriptor on a PhotoTour folder. A patch is described as a picture whose one keypoint has the
    window that the patch shows."""
    if not available():
        return []
    rows = numpy.loadtxt(pairs, dtype=numpy.int64)
    patches = read_patches(folder)
    used, places = numpy.unique(rows[:, [0, 3]], return_inverse=True)
    places, match = places.reshape(-1, 2), rows[:, 1] == rows[:, 4]
    results = []
    for name, (extractor, window, norm) in descriptors().items():
        centre, side = (patches.shape[2] - 1) / 2, patches.shape[2]
        described = []
        for patch in patches[used]:
            _, row = extractor.compute(numpy.ascontiguousarray(patch),
                                       [cv2.KeyPoint(centre, centre, side / window, 0)])
            described.append(row[0])
        described = numpy.stack(described)
        distance = distances(described[places[:, 0]], described[places[:, 1]], norm)
        results.append({"name": name, "fpr95": {"hardnet": fpr95(distance, match)}})
    return results


def match_photographs(program, folder, work):
    """(name, counts) of every descriptor on img1, img3 and H1to3p, at the keypoints that twinpatch finds."""
    if not available():
        return
    keypoints, images = [], []
    for number in (1, 3):
        path = Path(folder) / f"img{number}.pgm"
        places = work / f"keypoints{number}.npy"
        program("describe", path, "-m", "hard128", "-o", work / "unused.npy", "--keypoints-out", places, "--quiet")
        # The centre of the first pixel is (0.5, 0.5) there and (0, 0) in OpenCV, whose sizes are 2 sigma.
        keypoints.append([cv2.KeyPoint(float(x) - 0.5, float(y) - 0.5, 2 * float(sigma), math.degrees(angle) % 360)
                          for x, y, sigma, angle in numpy.load(places)])
        images.append(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    homography = numpy.loadtxt(Path(folder) / "H1to3p")
    for name, (extractor, _, norm) in descriptors().items():
        (left, a), (right, b) = (extractor.compute(image, points) for image, points in zip(images, keypoints))
        matches = cv2.BFMatcher(norm, crossCheck=True).match(a, b)
        mapped = homography @ numpy.array([(*left[m.queryIdx].pt, 1) for m in matches]).T
        there = numpy.array([right[m.trainIdx].pt for m in matches])
        error = numpy.linalg.norm((mapped[:2] / mapped[2]).T - there, axis=1)
        yield name, {"within_1_2_3_pixels": [int((error <= pixels).sum()) for pixels in (1, 2, 3)],
                     "near_misses": int(((error > 3) & (error <= 8)).sum()), "mutual": len(matches)}
