#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""faiss-cpu: two nearest neighbours by l2, exact (IndexFlatL2) and as COLMAP 4 uses it (IndexIVFFlat of 4·√N lists, four
of them visited). Runs in faiss's own environment; side_by_side.py starts it and prints one JSON object.

  peer_search.py DESCRIPTORS.npy --threads N

The first 8,192 rows are sought among the next 8,192, and back, as a mutual match needs both; pairs count once. Building
the index counts, as it is made for each image. Recall: how many of the exact nearest neighbours the lists find.
"""
import argparse
import json
import math
import time

import faiss
import numpy as np

from environments import version

ROWS = 8192
LISTS_VISITED = 4


def flat(base):
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    return index


def inverted(base):
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(base.shape[1]), base.shape[1], int(4 * math.sqrt(len(base))))
    index.nprobe = LISTS_VISITED
    index.cp.min_points_per_centroid = 1  # else faiss warns
    index.train(base)
    index.add(base)
    return index


def timed(build, left, right):
    start = time.perf_counter()
    nearest = build(right).search(left, 2)[1]
    build(left).search(right, 2)
    return len(left) * len(right) / (time.perf_counter() - start), nearest[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("descriptors")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    faiss.omp_set_num_threads(options.threads)
    rows = np.load(options.descriptors)
    count = min(ROWS, len(rows) // 2)
    left, right = (np.ascontiguousarray(rows[i * count:(i + 1) * count]) for i in (0, 1))
    exact, truth = timed(flat, left, right)
    lists, found = timed(inverted, left, right)
    print(json.dumps({"rows": count, "flat": exact, "ivf": lists, "ivf_recall": float(np.mean(truth == found)),
                      "version": version("faiss-cpu")}))


if __name__ == "__main__":
    main()
