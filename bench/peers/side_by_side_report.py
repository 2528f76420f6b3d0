#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Table and chart of what side_by_side.py measured.

  side_by_side_report.py RESULTS.json              prints the table
  side_by_side_report.py RESULTS.json CHART.svg    draws it; needs matplotlib
"""
import json
import os
import platform
import statistics
import sys

NAMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "pytorch": "PyTorch", "opencv": "OpenCV DNN",
         "faiss": "faiss-cpu", "pycolmap": "pycolmap"}
ROWS = (("2ch", "list", "2ch, list of pairs", "pairs"), ("2ch", "grid", "2ch, grid of pairs", "pairs"),
        ("siam-l2", "describe", "siam, descriptors", "patches"),
        ("hard128", "describe", "hard128, descriptors", "patches"))


def processor():
    with open("/proc/cpuinfo") as lines:
        words = dict(line.split(":", 1) for line in lines if ":" in line)
    words = {name.strip(): value.strip() for name, value in words.items()}
    flags = words.get("flags", "").split()
    has = [flag for flag in ("amx_int8", "amx_bf16", "avx512_bf16", "avx512_vnni", "avx_vnni", "avx512f", "avx2")
           if flag in flags]
    return "%s, family %s model %s (%s)" % (words.get("model name", platform.processor()), words.get("cpu family", "?"),
                                            words.get("model", "?"), ", ".join(has))


def rounds(results, name, field):
    """The field of each round's measurement of that name, by round."""
    found = {}
    for key, value in results["measurements"].items():
        number, rest = key.split(" ", 1)
        if rest == name and field in value:
            found[int(number)] = value[field]
    return found


def median(values):
    return statistics.median(values.values()) if values else None


def best(values):
    """A neighbour's burst of work only ever slows: the fastest round is the nearest to what a machine alone does."""
    return max(values.values()) if values else None


def ratio(mine, theirs):
    """Median of each round's ratio."""
    both = mine.keys() & theirs.keys()
    return statistics.median(mine[one] / theirs[one] for one in both) if both else None


def bars(results):
    """(row, unit, [(who, a second)]) of every row; the fastest of a kind is not chosen, all are shown."""
    peers = sorted({key.split(" ")[2] + " " + key.split(" ")[3] for key in results["measurements"]
                    if key.split(" ")[1] == "hard128"})
    for network, field, title, unit in ROWS:
        entries = []
        for who in peers:
            kind, precision = who.split(" ")
            of = rounds(results, "%s %s" % (network, who), field if kind == "twinpatch" else "per_second")
            if of:
                entries.append((NAMES.get(kind, kind) + " " + precision, of))
        yield title, unit, entries


def network_table(results):
    """Best rates; after a peer's, how many times as fast twinpatch is in the same precision."""
    rows = list(bars(results))
    columns = []
    for _, _, entries in rows:
        columns += [who for who, _ in entries if who not in columns]
    columns.sort(key=lambda who: (not who.startswith("twinpatch"), who))
    yield "| a second | " + " | ".join(columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for title, unit, entries in rows:
        rates = dict(entries)
        cells = []
        for who in columns:
            mine = rates.get("twinpatch " + who.split(" ")[-1])
            if who not in rates:
                cells.append("–")
            elif who.startswith("twinpatch") or mine is None:
                cells.append("%.0f" % best(rates[who]))
            else:
                cells.append("%.0f (%.1f ×)" % (best(rates[who]), best(mine) / best(rates[who])))
        yield "| %s, %s | %s |" % (title, unit, " | ".join(cells))


def search_line(results):
    ours = rounds(results, "hard128 twinpatch fp32", "grid")
    flat, ivf = rounds(results, "search faiss", "flat"), rounds(results, "search faiss", "ivf")
    if not flat:
        return
    recall = median(rounds(results, "search faiss", "ivf_recall"))
    yield ("l2 grid, 128-d, the two nearest of rows, the nearest of columns", "%.0f M pairs/s" % (best(ours) / 1e6),
           "faiss-cpu IndexFlatL2 %.2f ×; IndexIVFFlat as COLMAP has it, which finds %.1f %% of the nearest, %.2f ×" % (
               best(ours) / best(flat), 100 * recall, best(ours) / best(ivf)))


def collection_lines(results):
    theirs = rounds(results, "collection pycolmap", "seconds")
    for how in ("hard128 fp32", "hard128 bf16", "stored", "hard64 fp32", "hard64 bf16"):
        name = "collection twinpatch " + how
        ours = rounds(results, name, "seconds")
        if not ours or not theirs:
            continue
        matches = median(rounds(results, name, "verified_matches"))
        yield ("%d photographs, %d keypoints, every pair matched and verified, %s" % (
            median(rounds(results, name, "images")), median(rounds(results, name, "keypoints")), "hard128 fp32, descriptors stored" if how == "stored" else how),
            "%.1f s, %.1f s of processor time, %d verified matches" % (
                median(ours), median(rounds(results, name, "processor_seconds")), matches),
            "pycolmap %.2f × (processor time %.2f ×; %d verified matches)" % (
                ratio(theirs, ours),
                ratio(rounds(results, "collection pycolmap", "processor_seconds"),
                      rounds(results, name, "processor_seconds")),
                median(rounds(results, "collection pycolmap", "verified_matches"))))


def table(results):
    versions = ", ".join("%s %s" % (NAMES.get(peer, peer), version) for peer, version in results["versions"].items())
    lines = ["Measured on %s: %s, %d threads; %s.\n" % (results["date"], results["machine"], results["threads"],
                                                       versions), *network_table(results)]
    others = [row for make in (search_line, collection_lines) for row in make(results)]
    if others:
        lines += ["", "| | twinpatch | times as fast as |", "|---|---|---|", *("| %s | %s | %s |" % row for row in others)]
    lines += ["\n%s: %s" % (key, value["error"]) for key, value in results["measurements"].items() if "error" in value]
    return "\n".join(lines)


def draw(results, path):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "twinpatch"
    from matplotlib import pyplot
    shown = [row for row in bars(results) if "grid" not in row[0]]
    figure, axes = pyplot.subplots(1, len(shown), figsize=(4 * len(shown), 3.2), layout="constrained")
    for axis, (title, unit, entries) in zip(axes, shown):
        entries = sorted(entries, key=lambda entry: best(entry[1]))
        colours = ["#c1440e" if who.startswith("twinpatch") else "#8a9ba8" for who, _ in entries]
        axis.barh([who for who, _ in entries], [best(of) / 1e3 for _, of in entries], color=colours)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("thousand %s a second" % unit, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle("%s, %d threads, %s" % (results["machine"], results["threads"], results["date"]), fontsize=9)
    figure.savefig(path, metadata={"Date": None})


def main():
    with open(sys.argv[1]) as stored:
        results = json.load(stored)
    if len(sys.argv) > 2:
        draw(results, sys.argv[2])
    else:
        print(table(results))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
