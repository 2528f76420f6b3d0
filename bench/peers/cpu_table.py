#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The README's table of speeds on the CPU: runs every side-by-side script and prints Markdown.

  bench/peers/cpu_table.py BUILD_FOLDER [--faiss-python PYTHON] [--json bench/results/FILE.json]

Needs Debian's python3-torch and python3-opencv, and for the search faiss-cpu in an environment of its own, whose python
is named by --faiss-python. Run it on a machine that does nothing else.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def run_json(command):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([*command, "--json", out.name], check=True, stdout=sys.stderr)
        return json.load(out)


def start_up(program):
    times = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def processor():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return "%s, %d threads" % (names[0] if names else platform.processor(), os.cpu_count())


def rows_of(results):
    networks = results["networks"]
    ours, torch, opencv = networks["twinpatch"], networks["pytorch"], networks["opencv"]

    def against(rate, peers):
        return ", ".join("%s %.2f ×" % (name, rate / peer) for name, peer in peers if peer)

    yield ("2ch, list of pairs", "%.0f pairs/s" % ours["2ch"],
           against(ours["2ch"], [("PyTorch", torch["2ch"]), ("OpenCV DNN", opencv.get("2ch"))]))
    yield ("2ch, grid of pairs", "%.0f pairs/s" % ours["2ch grid"],
           against(ours["2ch grid"], [("our own list", ours["2ch"]), ("PyTorch", torch["2ch"])]))
    yield ("siam, descriptors", "%.0f patches/s" % ours["tower"],
           against(ours["tower"], [("PyTorch", torch["tower"]), ("OpenCV DNN", opencv.get("tower"))]))
    head = results["head"]
    yield ("siam, decisions over a grid, one thread", "%.0f M pairs/s" % (head["twinpatch"] / 1e6),
           "PyTorch, concatenated %.0f ×, given the same factoring %.0f ×; %.0f %% of what the core can do" % (
               head["twinpatch"] / head["pytorch"]["concatenated"], head["twinpatch"] / head["pytorch"]["factored"],
               100 * head["share_of_limit"]))
    if "l2" in results:
        l2 = results["l2"]
        yield ("l2 grid, 256-d, top-2, one thread", "%.0f M pairs/s" % (l2["pairs_per_second"]["twinpatch"] / 1e6),
               "faiss-cpu IndexFlatL2 %.1f ×; %.0f %% of the core's multiply-adds" % (
                   l2["ratio"], 100 * l2["share_of_fma_peak"]))
    yield ("`twinpatch --help`", "%.0f ms" % (1e3 * results["start_up_seconds"]), "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--faiss-python")
    parser.add_argument("--json")
    options = parser.parse_args()
    results = {"schema": "twinpatch.bench.cpu_table/1", "date": datetime.date.today().isoformat(),
               "machine": processor()}
    results["networks"] = run_json([sys.executable, os.path.join(HERE, "torch_networks.py"), options.build])
    results["head"] = run_json([sys.executable, os.path.join(HERE, "torch_head.py"), options.build])
    if options.faiss_python:
        output = subprocess.run([options.faiss_python, os.path.join(HERE, "faiss_l2.py"),
                                 os.path.join(options.build, "bin", "bench_grid")], check=True, capture_output=True)
        results["l2"] = json.loads(output.stdout)
    results["start_up_seconds"] = start_up(os.path.join(options.build, "bin", "twinpatch"))
    print("Measured on %s (%s).\n" % (results["date"], results["machine"]))
    print("| | twinpatch | against |\n|---|---|---|")
    for row in rows_of(results):
        print("| %s | %s | %s |" % row)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(results, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
