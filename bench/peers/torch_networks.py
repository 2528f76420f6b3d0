#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Networks on the CPU beside PyTorch (channels_last) and OpenCV DNN: same shapes, same threads, same run.

  bench/peers/torch_networks.py BUILD_FOLDER [--threads 2] [--rounds 5] [--json FILE]

Peers and twinpatch take turns; the best time of each counts, so that a neighbour's burst of work hits nobody alone.
Speed does not depend on the weights, so both sides draw their own. twinpatch starts from grey patches and includes
normalisation and the gathering of pairs; the peers start from a float batch that is there already.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time


def best_rate(run, items, seconds=0.6):
    """Items a second in the fastest of several calls within about `seconds`."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return items / best


def tower(torch, channels, head):
    nn = torch.nn
    layers = [nn.Conv2d(channels, 96, 7, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(96, 192, 5), nn.ReLU(),
              nn.MaxPool2d(2), nn.Conv2d(192, 256, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, *([nn.Linear(256, 1)] if head else [])).eval()


def torch_rates(torch, threads):
    torch.set_num_threads(threads)
    rates = {}
    with torch.inference_mode():
        for name, channels in (("2ch", 2), ("tower", 1)):
            net = tower(torch, channels, channels == 2).to(memory_format=torch.channels_last)
            for batch in (32, 256):
                x = torch.randn(batch, channels, 64, 64).contiguous(memory_format=torch.channels_last)
                rates[name] = max(rates.get(name, 0), best_rate(lambda: net(x), batch))
    return rates


def opencv_rates(torch, cv2, threads):
    cv2.setNumThreads(threads)
    rates = {}
    for name, channels in (("2ch", 2), ("tower", 1)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "net.onnx")
            x = torch.randn(64, channels, 64, 64)
            torch.onnx.export(tower(torch, channels, channels == 2), x, path)
            net = cv2.dnn.readNetFromONNX(path)
        blob = x.numpy()

        def run():
            net.setInput(blob)
            net.forward()

        rates[name] = best_rate(run, 64)
    return rates


def twinpatch_rates(program, threads):
    names = {"list/2ch": "2ch", "grid/2ch": "2ch grid", "describe/siam": "tower", "list/2ch/exact": "2ch, exact"}
    pattern = "^(" + "|".join(names) + ")/threads:%d/" % threads
    result = subprocess.run([program, "--benchmark_filter=" + pattern, "--benchmark_format=json",
                             "--benchmark_repetitions=8", "--benchmark_min_time=0.05"],
                            check=True, capture_output=True, text=True)
    rates = {}
    for line in json.loads(result.stdout)["benchmarks"]:
        if line["run_type"] == "iteration":
            name = names[line["run_name"].split("/threads")[0]]
            rates[name] = max(rates.get(name, 0), line["items_per_second"])
    return rates


def keep_best(best, rates):
    for name, rate in rates.items():
        best[name] = max(best.get(name, 0), rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    import torch
    try:
        import cv2
    except ImportError:
        cv2 = None
    program = os.path.join(options.build, "bin", "bench_networks")
    ours, pytorch, opencv = {}, {}, {}
    for _ in range(options.rounds):
        keep_best(pytorch, torch_rates(torch, options.threads))
        keep_best(ours, twinpatch_rates(program, options.threads))
        if cv2 is not None:
            keep_best(opencv, opencv_rates(torch, cv2, options.threads))
    print("%d threads, best of %d rounds; PyTorch %s channels_last%s; a second" % (
        options.threads, options.rounds, torch.__version__,
        ", OpenCV DNN %s" % cv2.__version__ if cv2 else " (no OpenCV for Python)"))
    print("%-12s %10s %10s %8s %10s %8s" % ("", "twinpatch", "PyTorch", "ratio", "OpenCV", "ratio"))
    for name in ("2ch", "2ch, exact", "2ch grid", "tower"):
        peer = "tower" if name == "tower" else "2ch"
        line = "%-12s %10.0f %10.0f %8.2f" % (name, ours[name], pytorch[peer], ours[name] / pytorch[peer])
        if peer in opencv:
            line += " %10.0f %8.2f" % (opencv[peer], ours[name] / opencv[peer])
        print(line)
    print("grid / list: %.2f" % (ours["2ch grid"] / ours["2ch"]))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"threads": options.threads, "twinpatch": ours, "pytorch": pytorch, "opencv": opencv}, out, indent=1)


if __name__ == "__main__":
    main()
