#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The decision part of siam over a grid of pairs, one thread: bench_grid beside PyTorch, which is given two forms.

  bench/peers/torch_head.py BUILD_FOLDER [--rounds 3] [--json FILE]

"concatenated" is the network as its authors wrote it: both descriptors side by side, F(512), ReLU, F(1). "factored" is
given our trick: the halves of the first layer once per patch, relu(P + Q) per pair. The best of several rounds counts;
the parties take turns. twinpatch keeps the best two of each row besides; PyTorch here only makes the scores.
"""
import argparse
import json
import os
import subprocess
import time

ROWS, LENGTH, HIDDEN = 128, 256, 512


def torch_rates(torch, seconds=1.0):
    torch.set_num_threads(1)
    left, right = torch.randn(ROWS, LENGTH), torch.randn(ROWS, LENGTH)
    first, last = torch.nn.Linear(2 * LENGTH, HIDDEN), torch.nn.Linear(HIDDEN, 1)

    def concatenated():
        pairs = torch.cat((left[:, None].expand(-1, ROWS, -1), right[None].expand(ROWS, -1, -1)), 2)
        return last(torch.relu(first(pairs.reshape(ROWS * ROWS, 2 * LENGTH)))).reshape(ROWS, ROWS)

    def factored():
        p = left @ first.weight[:, :LENGTH].T + first.bias
        q = right @ first.weight[:, LENGTH:].T
        return torch.relu(p[:, None] + q[None]) @ last.weight[0] + last.bias

    rates = {}
    with torch.inference_mode():
        assert torch.allclose(concatenated(), factored(), atol=1e-4)
        for run in (concatenated, factored):
            best, end = float("inf"), time.perf_counter() + seconds
            while time.perf_counter() < end:
                start = time.perf_counter()
                run()
                best = min(best, time.perf_counter() - start)
            rates[run.__name__] = ROWS * ROWS / best
    return rates


def twinpatch_rate(program):
    result = subprocess.run([program, "--benchmark_filter=head_grid/top:2", "--benchmark_format=json"], check=True,
                            capture_output=True, text=True)
    run = json.loads(result.stdout)["benchmarks"][0]
    return run["best"], run["of_peak"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    import torch
    ours, share, theirs = 0.0, 0.0, {}
    for _ in range(options.rounds):
        for name, rate in torch_rates(torch).items():
            theirs[name] = max(theirs.get(name, 0.0), rate)
        rate, of_peak = twinpatch_rate(os.path.join(options.build, "bin", "bench_grid"))
        ours, share = max(ours, rate), max(share, of_peak)
    print("decision part over a grid, one thread, M pairs/s: twinpatch %.1f (%.0f %% of what this core's ports allow)"
          % (ours / 1e6, 100 * share))
    for name, rate in theirs.items():
        print("  PyTorch %s, %s: %.2f, ratio %.0f" % (torch.__version__, name, rate / 1e6, ours / rate))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"twinpatch": ours, "share_of_limit": share, "pytorch": theirs}, out, indent=1)


if __name__ == "__main__":
    main()
