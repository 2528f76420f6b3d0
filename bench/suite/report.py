#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What the steps of gpu_suite.sh left in a folder → one JSON file, and a table for people on stdout.

  report.py --folder FOLDER --out FILE [--seconds N] [--commit HASH] [--rehearsal]

A number that was not measured is not written: the table says why instead. Of a rehearsal on the CPU no rate is kept, so
that none is ever taken for a GPU's.
"""
import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path

# Goals on an H200 for the library path: case, precision, units a second, and what PyTorch's best is to be beaten by.
GOALS = (("tower", "fp16", 6e6, 1.5), ("list", "fp16", 5e6, 1.5), ("head_grid", "fp32", 10e9, None),
         ("l2_grid", None, 0.3e12, None))
MOST_BEYOND_SLOWEST = 0.15  # of the time from files to matches, beyond that of its slowest stage alone


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def read_ncu(path):
    """Kernels of an `ncu --csv --page raw` file: name and the metrics asked for, the unit row left out."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.startswith('"')]
    rows = list(csv.DictReader(lines))
    kernels = []
    for row in rows:
        if not row.get("ID"):
            continue
        numbers = {}
        for name, value in row.items():
            if name and "__" in name:
                try:
                    numbers[name] = float(value.replace(",", ""))
                except (AttributeError, ValueError):
                    pass
        kernels.append({"kernel": row.get("Kernel Name", ""), **numbers})
    return kernels


def best_peer(peers, case, precision):
    """PyTorch's fastest way to the same thing: (units a second, mode), or None."""
    rates = [(row["median_per_second"], row["mode"]) for row in peers
             if row["case"] == case and row["precision"] == precision and "median_per_second" in row
             and row.get("form", "factored") == "factored"]
    return max(rates) if rates else None


def peer_obstacle(peers, case, precision):
    """Why there is no rate of PyTorch's, or None."""
    reasons = [row["not_measured"] for row in peers
               if row["case"] == case and row["precision"] == precision and "not_measured" in row
               and row.get("form", "factored") == "factored"]
    return reasons[0] if reasons else None


def without_rates(results):
    """Which cases of a rehearsal ran, and why others did not."""
    kept = ("case", "precision", "mode", "form", "unit", "skipped", "not_measured")
    return [{**{name: row[name] for name in kept if name in row}, "ran": "median_per_second" in row} for row in results]


def compare(engine, peers):
    rows = []
    for result in engine:
        row = {"case": result["case"], "precision": result["precision"]}
        if "skipped" in result:
            rows.append({**row, "skipped": result["skipped"]})
            continue
        if "median_per_second" not in result:
            rows.append({**row, "skipped": "a rehearsal on the CPU"})
            continue
        row.update(unit=result["unit"], twinpatch=result["median_per_second"])
        stages = {name: seconds for name, seconds in result.get("stage_seconds", {}).items() if seconds > 0}
        if stages and "timed_seconds" in result:
            slowest = max(stages, key=stages.get)
            row.update(slowest_stage=slowest, beyond_slowest_stage=result["timed_seconds"] / stages[slowest] - 1)
        if "device_per_second" in result:
            row["twinpatch_computing"] = result["device_per_second"]
        peer = best_peer(peers, result["case"], result["precision"])
        if peer and peer[0] > 0:
            row.update(pytorch=peer[0], pytorch_mode=peer[1], ratio=result["median_per_second"] / peer[0])
        elif obstacle := peer_obstacle(peers, result["case"], result["precision"]):
            row.update(pytorch_not_measured=obstacle)
        rows.append(row)
    return rows


def fused(library, own):
    """Fused kernels beside the library's: rows for cuda/plan/measured_kernels.cpp."""
    rates = {(row["case"], row["precision"]): row["median_per_second"] for row in library if "median_per_second" in row}
    return [{"case": row["case"], "precision": row["precision"], "fused": row["median_per_second"],
             "library": rates[row["case"], row["precision"]]}
            for row in own if "median_per_second" in row and (row["case"], row["precision"]) in rates]


def goals(comparison):
    verdicts = []
    for case, precision, rate, ratio in GOALS:
        rows = [row for row in comparison if row["case"] == case and precision in (None, row["precision"])
                and "twinpatch" in row]
        verdict = {"case": case, "precision": precision or "any", "goal_per_second": rate}
        if ratio:
            verdict["goal_ratio"] = ratio
        if rows:
            best = max(rows, key=lambda row: row["twinpatch"])
            verdict["measured_per_second"] = best["twinpatch"]
            verdict["reached"] = best["twinpatch"] >= rate and (not ratio or best.get("ratio", 0.0) >= ratio)
        verdicts.append(verdict)
    for row in comparison:
        if row["case"] == "end_to_end" and "beyond_slowest_stage" in row:
            verdicts.append({"case": "end_to_end", "precision": row["precision"], "goal_beyond_slowest_stage":
                             MOST_BEYOND_SLOWEST, "measured_beyond_slowest_stage": row["beyond_slowest_stage"],
                             "reached": row["beyond_slowest_stage"] <= MOST_BEYOND_SLOWEST})
    return verdicts


def number(value):
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def table(report):
    lines = [f"{report['host'].get('gpu', 'unknown')}; medians, units a second", "",
             "| case | precision | twinpatch | PyTorch's best | ratio |", "|---|---|---|---|---|"]
    for row in report["comparison"]:
        if "skipped" in row:
            lines.append(f"| {row['case']} | {row['precision']} | not measured: {row['skipped']} | | |")
            continue
        missing = f"not measured: {row['pytorch_not_measured']}" if "pytorch_not_measured" in row else "–"
        peer = f"{number(row['pytorch'])} ({row['pytorch_mode']})" if "pytorch" in row else missing
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else "–"
        lines.append(f"| {row['case']} | {row['precision']} | {number(row['twinpatch'])} {row['unit']} | {peer} | {ratio} |")
    lines.append("")
    for row in report.get("fused", []):
        lines.append(f"fused {row['case']}, {row['precision']}: {number(row['fused'])}, the library {number(row['library'])}")
    for step in report["steps"]:
        reason = f": {step['reason']}" if step["reason"] else ""
        lines.append(f"{step['step']}: {step['status']}, {step['seconds']:.0f} s{reason}")
    return "\n".join(lines)


def make_report(folder, seconds, commit, rehearsal=False):
    engine = read_json(folder / "engine.json") or {"results": []}
    peers = read_json(folder / "pytorch.json") or {"results": []}
    own = read_json(folder / "fused.json") or {"results": []}
    rehearsal = rehearsal or any(program.get("tiny") or program.get("device") == "cpu" for program in (engine, peers))
    if rehearsal:
        engine["results"], peers["results"] = without_rates(engine["results"]), without_rates(peers["results"])
    comparison = compare(engine["results"], peers["results"])
    report = {"twinpatch_gpu_suite": 1, "rehearsal": rehearsal, "commit": commit, "seconds": seconds,
              "host": read_json(folder / "host.json") or {}, "steps": read_lines(folder / "steps.jsonl"),
              "comparison": comparison, "fused": [] if rehearsal else fused(engine["results"], own["results"]), "twinpatch": engine, "pytorch": peers, "ncu": read_ncu(folder / "ncu.csv")}
    if not rehearsal:
        report["goals"] = goals(comparison)
    return report


def write_whole(path, text):
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--commit", default="")
    parser.add_argument("--rehearsal", action="store_true")
    options = parser.parse_args()
    try:
        report = make_report(options.folder, options.seconds, options.commit, options.rehearsal)
    except (json.JSONDecodeError, KeyError) as error:
        print(f"report.py: {options.folder}: {error!r}", file=sys.stderr)
        return 1
    write_whole(options.out, json.dumps(report, indent=1) + "\n")
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
