#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What a run of the GPU suite found → what it means: comparison with PyTorch, goals, what fell short, Markdown.

  report.py report.json      prints the Markdown again

A number that was not measured is not written: the table says why instead. Of a rehearsal no rate is kept, so that none is
ever taken for a GPU's. The file's fields are described in docs/profiling.md.
"""
import json
import re
import sys
from pathlib import Path

MOST_BEYOND_SLOWEST = 0.15  # of the time from files to matches, beyond that of its slowest stage alone
# What cuda/plan/measured_kernels.hpp calls the fused kernels that a case measures.
STRATEGIES = {"l2_grid": "fused metric", "l1_grid": "fused sum metric", "head_grid": "fused head", "tower": "fused stem", "photograph": "cut"}
KEEPERS = ("case", "precision", "kernels", "mode", "unit", "not_measured")


def rate(row):
    return row.get("median_per_second")


def best_peer(peers, case, precision):
    """PyTorch's fastest way to the same thing: (units a second, mode), or None."""
    rates = [(rate(row), row["mode"]) for row in peers
             if row["case"] == case and row["precision"] == precision and rate(row)
             and row.get("form", "factored") == "factored"]
    return max(rates) if rates else None


def obstacle(peers, case, precision):
    """Why there is no rate of PyTorch's, or None."""
    reasons = [row["not_measured"] for row in peers
               if row["case"] == case and row["precision"] == precision and "not_measured" in row]
    return reasons[0] if reasons else None


def slowest_stage(row):
    """(name, share of the timed seconds beyond it), or None."""
    stages = {name: seconds for name, seconds in row.get("stage_seconds", {}).items() if seconds > 0}
    if not stages or "timed_seconds" not in row:
        return None
    name = max(stages, key=stages.get)
    return name, row["timed_seconds"] / stages[name] - 1


def compare(measured, peers):
    rows = []
    for result in measured:
        row = {name: result[name] for name in ("case", "precision", "kernels")}
        rows.append(row)
        if not rate(result):
            row["not_measured"] = result.get("not_measured", "a rehearsal")
            continue
        row.update(unit=result["unit"], twinpatch=rate(result))
        if stage := slowest_stage(result):
            row["slowest_stage"], row["beyond_slowest_stage"] = stage
        if peer := best_peer(peers, row["case"], row["precision"]):
            row.update(pytorch=peer[0], pytorch_mode=peer[1], ratio=rate(result) / peer[0])
        elif reason := obstacle(peers, row["case"], row["precision"]):
            row["pytorch_not_measured"] = reason
    return rows


def short_of(comparison, jobs):
    """What was measured and lies below its prediction, its goal, or the ratio to PyTorch."""
    found = []
    for job in jobs:
        key = {name: job[name] for name in ("case", "precision", "kernels")}
        row = next((row for row in comparison if "twinpatch" in row and key.items() <= row.items()), None)
        if row is None:
            continue

        def add(what, wanted, got):
            found.append({**key, "what": what, "wanted": wanted, "measured": got, "share": got / wanted})

        if "predicted" in job and row["twinpatch"] < job["predicted"][0]:
            add("prediction", job["predicted"][0], row["twinpatch"])
        if "goal" in job and row["twinpatch"] < job["goal"]:
            add("goal", job["goal"], row["twinpatch"])
        if "goal_over_pytorch" in job and "ratio" in row and row["ratio"] < job["goal_over_pytorch"]:
            add("ratio to PyTorch", job["goal_over_pytorch"], row["ratio"])
        if job["case"] == "end_to_end" and row.get("beyond_slowest_stage", 0) > MOST_BEYOND_SLOWEST:
            found.append({**key, "what": f"time beyond the slowest stage ({row['slowest_stage']})",
                          "wanted": MOST_BEYOND_SLOWEST, "measured": row["beyond_slowest_stage"]})
    return found


def kernel_rows(comparison, host, started):
    """Rows for cuda/plan/measured_kernels.cpp: fused kernels beside the library, both measured in this run."""
    rates = {(row["case"], row["precision"], row["kernels"]): row["twinpatch"]
             for row in comparison if "twinpatch" in row}
    architecture = re.sub(r"\D", "", host.get("compute_cap", ""))
    rows = []
    for (case, precision, kernels), fused in rates.items():
        library = rates.get((case, precision, "library"))
        if kernels == "fused" and case in STRATEGIES and library and architecture:
            rows.append(f'{{{architecture}, "{STRATEGIES[case]}", Precision::{precision}, {fused:.4g}, {library:.4g}, '
                        f'"{host.get("name", "unknown")}, {started[:10]}"}},')
    return rows


def without_rates(rows):
    """Which cases of a rehearsal ran, and why others did not."""
    return [{**{name: row[name] for name in KEEPERS if name in row}, "ran": bool(rate(row))} for row in rows]


def complete(found, root):
    """The whole report of what was found so far."""
    whole = dict(found)
    peers = found.get("pytorch", {}).get("results", [])
    if found["rehearsal"]:
        whole["measured"] = without_rates(found["measured"])
        whole["pytorch"] = {**found["pytorch"], "results": without_rates(peers)}
        whole["ncu"] = [{name: row[name] for name in (*KEEPERS[:3], "kernel")} for row in found["ncu"]]
        peers = []
    cases = json.loads((root / "suite" / "cases.json").read_text(encoding="utf-8"))
    whole["comparison"] = compare(whole["measured"], peers)
    whole["predicted_for"] = cases["device"]
    whole["short"] = short_of(whole["comparison"], cases["jobs"])
    whole["kernel_rows"] = kernel_rows(whole["comparison"], found["host"], found["started"])
    return whole


def number(value):
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def cell(text):
    return " ".join(str(text).replace("|", "\\|").split())


def table(whole):
    """The README's table."""
    host = whole["host"]
    name = "a rehearsal, no GPU" if whole["rehearsal"] else host.get("name", "unknown device")
    lines = [f"{name}, driver {host.get('driver_version', 'unknown')}, PyTorch "
             f"{whole['pytorch'].get('torch', 'not measured')}, commit {whole['commit'][:12]}; medians, a second", "",
             "| case | precision | kernels | twinpatch | PyTorch's best | ratio |", "|---|---|---|---|---|---|"]
    for row in whole["comparison"]:
        start = f"| {row['case']} | {row['precision']} | {row['kernels']} |"
        if "not_measured" in row:
            lines.append(f"{start} not measured: {cell(row['not_measured'])} | | |")
            continue
        missing = f"not measured: {cell(row['pytorch_not_measured'])}" if "pytorch_not_measured" in row else "–"
        peer = f"{number(row['pytorch'])} ({row['pytorch_mode']})" if "pytorch" in row else missing
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else "–"
        lines.append(f"{start} {number(row['twinpatch'])} {row['unit']} | {peer} | {ratio} |")
    return lines


def section(title, lines):
    return ["", f"## {title}", "", *lines] if lines else []


def markdown(whole):
    words = [f"# GPU suite{'' if whole['finished'] else ' (not finished)'}", "", *table(whole)]
    words += section(f"Short of prediction or goal (for {whole['predicted_for']})", [
        f"- {row['case']} {row['precision']} {row['kernels']}: {row['what']} {number(row['wanted'])}, measured "
        f"{number(row['measured'])}" + (f" ({row['share']:.0%})" if "share" in row else "") for row in whole["short"]])
    words += section("Steps", [f"- {step['step']}: {step['status']}, {step['seconds']:.0f} of {step['limit']} s"
                               f"{': ' + cell(step['words']) if step['words'] else ''}" for step in whole["steps"]])
    checks = {"tests": whole["tests"], **whole["sanitizers"]}
    for verdict, title in (("failed", "Failed"), ("calibration", "Calibration: limits that no device had measured"),
                           ("left out", "Tests left out")):
        words += section(title, [f"- {what}: {case['program']}: {cell(case['name'])}: {cell(case['words'])}"
                                 for what, check in checks.items() for case in check.get("cases", [])
                                 if case["verdict"] == verdict])
    of = " (of the stand-in, not of a device)" if whole["rehearsal"] else ""
    words += section(f"Measured errors for tests/support/tolerances.hpp{of}", [
        f"- {row['row']}: {row['worst_error']:.2g}, nmse {row['nmse']:.2g} ({row['comparisons']} comparisons)"
        for row in whole["tolerances"]])
    words += section("Rows for cuda/plan/measured_kernels.cpp", [f"    {row}" for row in whole["kernel_rows"]])
    words += section("Not done, and the command that does it", [
        f"- {cell(item['what'])} ({cell(item['why'])}): `{item['command']}`" for item in whole["not_done"]])
    return "\n".join(words) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(markdown(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), end="")
