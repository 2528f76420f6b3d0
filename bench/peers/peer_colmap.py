#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP through pycolmap, on the CPU. Runs in pycolmap's own environment; side_by_side.py starts it.

  peer_colmap.py extract DATABASE IMAGES --features 8192    COLMAP's SIFT keypoints and descriptors, once
  peer_colmap.py match DATABASE                             every pair, verified; prints one JSON object
"""
import argparse
import json
import sqlite3
import time

import pycolmap

from environments import version


def counted(database):
    with sqlite3.connect(database) as connection:
        keypoints, images = connection.execute("select sum(rows), count(*) from keypoints").fetchone()
        pairs, inliers = connection.execute(
            "select count(*), coalesce(sum(rows), 0) from two_view_geometries where rows > 0").fetchone()
    return {"images": images, "keypoints": keypoints, "verified_pairs": pairs, "verified_matches": inliers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["extract", "match", "count"])
    parser.add_argument("database")
    parser.add_argument("images", nargs="?")
    parser.add_argument("--features", type=int, default=8192)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    start = time.perf_counter()
    if options.step == "extract":
        settings = pycolmap.FeatureExtractionOptions()
        settings.num_threads = options.threads
        settings.use_gpu = False
        settings.sift.max_num_features = options.features
        pycolmap.extract_features(options.database, options.images, extraction_options=settings,
                                  device=pycolmap.Device.cpu)
    elif options.step == "match":
        settings = pycolmap.FeatureMatchingOptions()
        settings.num_threads = options.threads
        settings.use_gpu = False
        pycolmap.match_exhaustive(options.database, matching_options=settings, device=pycolmap.Device.cpu)
    print(json.dumps({"seconds": time.perf_counter() - start, **counted(options.database),
                      "version": version("pycolmap")}))


if __name__ == "__main__":
    main()
