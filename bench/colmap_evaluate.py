#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""colmap_evaluate.py NAME SCENE MODEL...: one line about the largest of a mapper's models (text files).

Camera centres are brought onto the ground truth's by the similarity of least squares (Horn, JOSA A 1987). The truth is
SCENE/gt_dense_cameras/IMAGE.camera (Strecha et al.: K, three zeros, R, C, size) or SCENE/poses.txt (COLMAP's poses).
"""
import math
import sys
from pathlib import Path


def lines(path):
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def centre(quaternion, translation):
    """-R^T t of a world-to-camera pose."""
    w, x, y, z = quaternion
    rotation = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]
    return [-sum(rotation[k][i] * translation[k] for k in range(3)) for i in range(3)]


def read_centres(path, name_column, first):
    centres = {}
    for line in lines(path):
        words = line.split()
        if len(words) > name_column:
            numbers = [float(word) for word in words[first:first + 7]]
            centres[words[name_column]] = centre(numbers[:4], numbers[4:])
    return centres


def read_truth(scene):
    folder = scene / "gt_dense_cameras"
    if not folder.is_dir():
        return read_centres(scene / "poses.txt", 1, 2)
    truth = {}
    for path in folder.glob("*.camera"):
        truth[path.name.removesuffix(".camera")] = [float(word) for word in path.read_text().split()[21:24]]
    return truth


def read_model(folder):
    images = lines(folder / "images.txt")
    centres = {}
    for line in images[0::2]:  # every second line holds the image's points
        words = line.split()
        numbers = [float(word) for word in words[1:8]]
        centres[words[9]] = centre(numbers[:4], numbers[4:])
    points = [line.split() for line in lines(folder / "points3D.txt")]
    observations = sum((len(words) - 8) // 2 for words in points)
    error = sum(float(words[7]) for words in points) / max(1, len(points))
    return centres, len(points), observations / max(1, len(points)), error


def largest_eigenvector(matrix):
    """Of a symmetric matrix, by Jacobi rotations."""
    n = len(matrix)
    a = [row[:] for row in matrix]
    v = [[float(i == j) for j in range(n)] for i in range(n)]
    for _ in range(100):
        if sum(a[i][j] ** 2 for i in range(n) for j in range(n) if i != j) < 1e-24 * sum(a[i][i] ** 2 for i in range(n)):
            break
        for p in range(n):
            for q in range(p + 1, n):
                if a[p][q] == 0:
                    continue
                angle = 0.5 * math.atan2(2 * a[p][q], a[q][q] - a[p][p])
                c, s = math.cos(angle), math.sin(angle)
                for k in range(n):
                    a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
                for k in range(n):
                    a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
                for k in range(n):
                    v[k][p], v[k][q] = c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]
    best = max(range(n), key=lambda i: a[i][i])
    return [v[k][best] for k in range(n)]


def errors_of_centres(found, truth):
    """Distances after the similarity that carries `found` onto `truth` best."""
    n = len(found)
    mean = [[sum(p[k] for p in points) / n for k in range(3)] for points in (found, truth)]
    a = [[p[k] - mean[0][k] for k in range(3)] for p in found]
    b = [[p[k] - mean[1][k] for k in range(3)] for p in truth]
    m = [[sum(p[i] * q[j] for p, q in zip(a, b)) for j in range(3)] for i in range(3)]
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = m
    w, x, y, z = largest_eigenvector([
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, yy - xx - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, zz - xx - yy]])
    r = [[w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
         [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
         [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z]]
    turned = [[sum(r[i][k] * p[k] for k in range(3)) for i in range(3)] for p in a]
    scale = sum(t[k] * q[k] for t, q in zip(turned, b) for k in range(3)) / sum(c * c for p in a for c in p)
    return [math.dist([scale * c for c in t], q) for t, q in zip(turned, b)]


def main(name, scene, *models):
    truth = read_truth(Path(scene))
    if not models:
        print(f"{name:28s} {0:4d}/{len(truth):<3d}")
        return
    centres, points, track, error = max((read_model(Path(model)) for model in models), key=lambda m: (len(m[0]), m[1]))
    known = sorted(set(centres) & set(truth))
    errors = errors_of_centres([centres[n] for n in known], [truth[n] for n in known])
    unit = "m" if (Path(scene) / "gt_dense_cameras").is_dir() else "units"
    print(f"{name:28s} {len(centres):4d}/{len(truth):<3d} {points:8d} {track:8.2f} {error:7.3f} px "
          f"{sum(errors) / len(errors):9.4f} / {max(errors):.4f} {unit}")


if __name__ == "__main__":
    main(*sys.argv[1:])
