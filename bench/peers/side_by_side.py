#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""twinpatch beside what one could take instead, on this processor: one command.

  bench/peers/side_by_side.py BUILD_FOLDER --json bench/results/NAME.json [--images FOLDER] [--chart FILE.svg]

Makes an environment for each peer (environments.py), exports the networks to ONNX, checks that every peer's outputs
agree, and then measures in rounds: in each, twinpatch and its peers take turns, so that what else the machine does hits
all alike. Of rates the best round counts, of a collection the median, and of ratios the median of the rounds'. With --images (photographs of one
scene) also the search of descriptors beside faiss and a whole collection beside COLMAP.

A run that was stopped goes on where it was: --json holds every measurement. --fresh measures anew.
"""
import argparse
import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import time

import environments
import side_by_side_report as report

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORKS = {"2ch": "list", "siam-l2": "describe", "hard128": "describe"}
OURS = ("fp32", "bf16", "int8")
OF_COLLECTION = (("hard128", "fp32"), ("hard128", "bf16"), ("hard64", "fp32"), ("hard64", "bf16"))
PEERS = (("onnxruntime", "fp32"), ("openvino", "fp32"), ("openvino", "bf16"), ("openvino", "int8"),
         ("pytorch", "fp32"), ("pytorch", "bf16"), ("opencv", "fp32"))
# Root mean square of the outputs' difference from twinpatch's in fp32, relative to the outputs. Measured: 6e-6, 0.016,
# 0.067.
AGREE = {"fp32": 1e-4, "bf16": 0.05, "int8": 0.15}


class Bench:
    def __init__(self, options):
        self.options = options
        self.program = os.path.abspath(os.path.join(options.build, "bin", "twinpatch"))
        self.work = os.path.abspath(os.path.join(options.build, "side_by_side"))
        self.peers = os.path.abspath(options.environments or os.path.join(options.build, "peers"))
        os.makedirs(self.work, exist_ok=True)
        self.results = {"schema": "twinpatch.bench.side_by_side/1", "machine": report.processor(),
                        "date": datetime.date.today().isoformat(), "threads": options.threads, "versions": {},
                        "measurements": {}}
        if os.path.exists(options.json) and not options.fresh:
            with open(options.json) as stored:
                self.results = json.load(stored)

    def path(self, name):
        return os.path.join(self.work, name)

    def save(self):
        with open(self.options.json + ".part", "w") as out:
            json.dump(self.results, out, indent=1)
            out.write("\n")
        os.replace(self.options.json + ".part", self.options.json)

    def once(self, name, measure):
        """Measures unless the file has it; what a peer cannot do is kept as its last line, and said."""
        done = self.results["measurements"]
        if name in done:
            return done[name]
        try:
            done[name] = measure()
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or "").strip().splitlines()
            done[name] = {"error": lines[-1] if lines else str(error)}
        print(name, json.dumps(done[name]), file=sys.stderr)
        self.save()
        return done[name]

    def twinpatch(self, *arguments):
        command = [self.program, *map(str, arguments), "--threads", str(self.options.threads), "-q"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def peer(self, peer, script, *arguments):
        python = environments.make(self.peers, peer)
        command = [python, os.path.join(HERE, script), *map(str, arguments), "--threads", str(self.options.threads)]
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.work,
                                env=environments.clean_environment(self.options.threads)).stdout
        found = json.loads(output.splitlines()[-1])
        self.results["versions"][peer] = found.pop("version")
        return found


def prepare(bench):
    """The networks as ONNX, patches, and what twinpatch makes of them."""
    patches, pairs = bench.path("patches.npy"), bench.path("pairs.npy")
    if not os.path.exists(patches) or not os.path.exists(pairs):
        python = environments.make(bench.peers, "onnxruntime")
        subprocess.run([python, os.path.join(HERE, "peer_networks.py"), "make-patches", patches, pairs], check=True)
    for network, kind in NETWORKS.items():
        onnx, expected = bench.path(network + ".onnx"), bench.path(network + ".expected.npy")
        if not os.path.exists(onnx):
            subprocess.run([bench.program, "model", "export", network, "--onnx", "-o", onnx, "-q"], check=True)
        if not os.path.exists(expected):
            verb = ["score", patches, "--pairs", pairs] if kind == "list" else ["describe", patches]
            bench.twinpatch(*verb, "-m", network, "-o", expected)
        if not os.path.exists(quantized(bench, network)):  # on the patches that are measured, as OpenVINO's is
            subprocess.run([bench.program, "model", "quantize", network, "--calibrate", patches, "-o",
                            quantized(bench, network), "-q"], check=True)


def quantized(bench, network):
    return bench.path(network + ".int8.safetensors")


def networks_in_turns(bench, round_number):
    for network, kind in NETWORKS.items():
        for precision in OURS:
            def ours():
                model = quantized(bench, network) if precision == "int8" else network
                found = json.loads(bench.twinpatch("bench", "-m", model, "--precision", precision, "--seconds", 0.35,
                                                   "--json"))
                return {one["name"]: one["per_second"] for one in found["results"]}
            bench.once("%d %s twinpatch %s" % (round_number, network, precision), ours)
        for peer, precision in PEERS:
            name = "%d %s %s %s" % (round_number, network, peer, precision)
            found = bench.once(name, lambda: bench.peer(
                peer, "peer_networks.py", peer, precision, bench.path(network + ".onnx"), bench.path("patches.npy"),
                bench.path(network + ".expected.npy")))
            if found.get("relative_error", 0) > AGREE[precision]:
                raise SystemExit("%s: outputs differ from twinpatch's by %.3g" % (name, found["relative_error"]))


def search(bench, round_number):
    """Descriptors of photographs; pairs a second of the two nearest of every row and the nearest of every column."""
    rows = bench.path("descriptors.npy")
    if not os.path.exists(rows):
        photographs = sorted(os.path.join(bench.options.images, name) for name in os.listdir(bench.options.images))
        bench.twinpatch("describe", *photographs, "--max-keypoints", 8192, "-o", rows)
    bench.once("%d search faiss" % round_number, lambda: bench.peer("faiss", "peer_search.py", rows))


def collection(bench, round_number):
    """Every pair of photographs matched and verified, from the same keypoints. Processor time too: it is what a busy
    machine leaves alone."""
    base = bench.path("sift.db")
    if not os.path.exists(base):
        bench.peer("pycolmap", "peer_colmap.py", "extract", base + ".part", bench.options.images)
        os.replace(base + ".part", base)

    def timed(run):
        def measure():
            database, before = bench.path("round.db"), resource.getrusage(resource.RUSAGE_CHILDREN)
            shutil.copyfile(base, database)
            shutil.rmtree(database + ".twinpatch", ignore_errors=True)
            start = time.perf_counter()
            run(database)
            seconds = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return {**bench.peer("pycolmap", "peer_colmap.py", "count", database), "seconds": seconds,
                    "processor_seconds": cpu}
        return measure

    bench.once("%d collection pycolmap" % round_number,
               timed(lambda database: bench.peer("pycolmap", "peer_colmap.py", "match", database)))
    def stored(database):
        bench.twinpatch("colmap", database, "--images", bench.options.images, "--verify", "--descriptors",
                        bench.path("descriptors"))

    if not os.path.exists(bench.path("descriptors")):
        timed(stored)()
    bench.once("%d collection twinpatch stored" % round_number, timed(stored))
    for model, precision in OF_COLLECTION:
        bench.once("%d collection twinpatch %s %s" % (round_number, model, precision),
                   timed(lambda database: bench.twinpatch("colmap", database, "--images", bench.options.images, "--model",
                                                          model, "--verify", "--precision", precision)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--json", required=True)
    parser.add_argument("--images", help="photographs of one scene, for the search and the collection")
    parser.add_argument("--chart", help="SVG to write")
    parser.add_argument("--environments", help="folder of the peers' environments [BUILD/peers]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fresh", action="store_true", help="forget earlier measurements in --json")
    bench = Bench(parser.parse_args())
    prepare(bench)
    for round_number in range(bench.options.rounds):
        networks_in_turns(bench, round_number)
        if bench.options.images:
            search(bench, round_number)
            collection(bench, round_number)
    print(report.table(bench.results))
    if bench.options.chart:
        python = environments.make(bench.peers, "chart")
        subprocess.run([python, os.path.join(HERE, "side_by_side_report.py"), bench.options.json, bench.options.chart],
                       check=True)


if __name__ == "__main__":
    main()
