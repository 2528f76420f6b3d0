#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Exact l2 search, top-2 at 256 dimensions, side by side: bench_grid's l2_grid and faiss-cpu's IndexFlatL2.

Both on one thread, timed by the processor time they got, taking turns; the best of several runs counts.
Needs faiss-cpu and numpy (pip install faiss-cpu in an environment of its own).

    bench/peers/faiss_l2.py BUILD/bin/bench_grid [--rounds N]
"""
import argparse
import json
import os
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROWS, COLUMNS, LENGTH, TOP = 8192, 16384, 256, 2


def faiss_rate(index, queries):
    begin = time.process_time()
    index.search(queries, TOP)
    return ROWS * COLUMNS / (time.process_time() - begin)


def our_rate(program):
    command = [program, "--benchmark_filter=l2_grid/top:2/columns:0", "--benchmark_format=json",
               "--benchmark_min_time=0.01"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    run = json.loads(result.stdout)["benchmarks"][0]
    return run["best"], run["of_peak"], run["peak_GFLOP/s"]


def sgemm_rate(left, right):
    import numpy
    begin = time.process_time()
    numpy.dot(left, right.T)
    return 2e-9 * len(left) * len(right) * LENGTH / (time.process_time() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="bench_grid of a build")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    try:
        import faiss
        import numpy
    except ImportError as error:
        sys.exit(f"skipped: {error}; pip install faiss-cpu numpy")
    faiss.omp_set_num_threads(1)
    random = numpy.random.default_rng(1)

    def unit_vectors(count):
        vectors = random.standard_normal((count, LENGTH), dtype=numpy.float32)
        return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)

    queries, base = unit_vectors(ROWS), unit_vectors(COLUMNS)
    index = faiss.IndexFlatL2(LENGTH)
    index.add(base)
    ours, theirs, share, peak, sgemm = 0.0, 0.0, 0.0, 0.0, 0.0
    for _ in range(options.rounds):
        theirs = max(theirs, faiss_rate(index, queries))
        rate, of_peak, now = our_rate(options.program)
        ours, share, peak = max(ours, rate), max(share, of_peak), max(peak, now)
        sgemm = max(sgemm, sgemm_rate(queries[:2048], base))
    to_gflops = 2e-9 * LENGTH
    print(json.dumps({
        "schema": "twinpatch.bench.faiss_l2/1",
        "faiss": faiss.__version__,
        "pairs_per_second": {"twinpatch": ours, "faiss": theirs},
        "ratio": ours / theirs,
        "gflops": {"twinpatch": ours * to_gflops, "faiss": theirs * to_gflops, "numpy_sgemm": sgemm, "fma_peak": peak},
        "share_of_fma_peak": share,
    }, indent=1))


if __name__ == "__main__":
    main()
