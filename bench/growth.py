#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""How time and memory grow with rows, threads and images: measures and draws docs/images/growth.svg.

  bench/growth.py BUILD_FOLDER --json bench/results/NAME.json --images FOLDER [--chart docs/images/growth.svg]

Grids of 128-d descriptors of 1,000 to 1,000,000 rows a side (beyond 32,000 the left side stays there unless --full:
the square of a million takes ten minutes and more), 1 and 2 threads; collections of 2 to 64 images of 2,000 keypoints made from the
photographs in FOLDER, descriptors stored. Points are measured in rounds and the fastest of each counts. A stopped run goes
on with what --json has. Drawing needs matplotlib.
"""
import argparse
import datetime
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import environments  # noqa: E402
from side_by_side_report import processor  # noqa: E402

ROWS = (1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 512000, 1000000)
LARGEST_SQUARE = 32000
IMAGES = (2, 4, 8, 16, 32, 64)
KEYPOINTS = 2000


def measure_grid(build, left, right, threads):
    output = subprocess.run([os.path.join(build, "bin", "bench_growth"), str(left), str(right), str(threads)], check=True,
                            capture_output=True, text=True).stdout
    return json.loads(output)


def measure_collection(build, folder, images):
    path = os.path.join(build, "growth.json")
    subprocess.run([os.path.join(build, "bin", "bench_collection"), "--data", folder, "--model", "hard128", "--images",
                    str(images), "--keypoints", str(KEYPOINTS), "--rounds", "1", "--json", path, "--folder",
                    os.path.join(build, "growth-run")], check=True,
                   stdout=subprocess.DEVNULL)
    with open(path) as stored:
        found = json.load(stored)
    return {"images": images, "pairs": found["image_pairs"], "peak_bytes": found["peak_bytes"],
            "seconds": found["comparisons"] / found["comparisons_per_second"]["collection"]}


def measure(options, results):
    points = [("%d x %d, %d threads" % (left, right, threads), measure_grid, (left, right, threads))
              for right in ROWS for threads in (1, 2)
              for left in [right if options.full else min(right, options.largest_square)]]
    if options.images:
        points += [("%d images" % images, measure_collection, (options.images, images)) for images in IMAGES]
    for number in range(options.rounds):
        for name, call, arguments in points:
            point = results["points"].setdefault(name, {"round": -1})
            slow = point.get("seconds", 0) > 20  # once is enough: a neighbour's burst is short beside it
            if point["round"] >= number or slow:
                continue
            found = call(options.build, *arguments)
            for best in ("seconds", "processor_seconds"):
                if best in found:
                    found[best] = min(found[best], point.get(best, float("inf")))
            results["points"][name] = {**found, "round": number}
            print(name, json.dumps(found), file=sys.stderr)
            with open(options.json, "w") as out:
                json.dump(results, out, indent=1)
                out.write("\n")


def draw(results, path):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "twinpatch"
    from matplotlib import pyplot
    points = list(results["points"].values())
    grids = [one for one in points if "left" in one]
    images = [one for one in points if "images" in one]
    figure, axes = pyplot.subplots(1, 4, figsize=(17, 4), layout="constrained")
    for threads, mark in ((1, "o"), (2, "s")):
        mine = [one for one in grids if one["threads"] == threads]
        pairs = [one["left"] * one["right"] for one in mine]
        axes[0].loglog(pairs, [one["seconds"] for one in mine], mark + "-", label="1 thread" if threads == 1 else "%d threads" % threads)
        axes[1].semilogx(pairs, [pair / one["processor_seconds"] / 1e6 for pair, one in zip(pairs, mine)], mark + "-",
                         label="1 thread" if threads == 1 else "%d threads" % threads)
        axes[2].loglog([one["left"] + one["right"] for one in mine], [one["peak_bytes"] / 2**20 for one in mine], mark + "-",
                       label="1 thread" if threads == 1 else "%d threads" % threads)
    sizes = sorted({(one["left"] + one["right"], one["given_bytes"] / 2**20) for one in grids})
    axes[2].loglog(*zip(*sizes), "k:", label="the rows themselves")
    axes[3].loglog([one["pairs"] for one in images], [one["seconds"] for one in images], "o-", label="seconds")
    axes[3].loglog([one["pairs"] for one in images], [one["peak_bytes"] / 2**30 for one in images], "s-", label="peak, GiB")
    for axis, title, label in zip(axes, ("grid: seconds", "grid: million pairs a processor second", "grid: peak memory, MiB",
                                         "collection, 2 threads, %d keypoints" % KEYPOINTS),
                                  ("pairs of rows", "pairs of rows", "rows of both sides", "pairs of images")):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(label, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[1].set_ylim(bottom=0)
    figure.suptitle("%s, %s" % (results["machine"], results["date"]), fontsize=9)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--json", required=True)
    parser.add_argument("--images", help="folder of photographs")
    parser.add_argument("--chart", help="SVG to write")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--largest-square", type=int, default=LARGEST_SQUARE, metavar="ROWS")
    parser.add_argument("--full", action="store_true", help="a million rows against a million too")
    parser.add_argument("--draw", action="store_true", help="only draw what --json has; run with matplotlib")
    options = parser.parse_args()
    results = {"schema": "twinpatch.bench.growth/1", "machine": processor(), "date": datetime.date.today().isoformat(),
               "points": {}}
    if os.path.exists(options.json):
        with open(options.json) as stored:
            results = json.load(stored)
    if options.draw:
        draw(results, options.chart)
        return
    measure(options, results)
    if options.chart:
        python = environments.make(os.path.join(options.build, "peers"), "chart")
        subprocess.run([python, os.path.abspath(__file__), options.build, "--json", options.json, "--chart",
                        options.chart, "--draw"], check=True)


if __name__ == "__main__":
    main()
