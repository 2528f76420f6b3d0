# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The table of precisions in docs/models.md: what bf16 and int8 change, model by model. Called by tables.py."""
import sys
from pathlib import Path

PRECISIONS = ("bf16", "int8")
MOVE, AGREEMENT = 0.1, 0.99  # a precision is usable where FPR95 moves by less, in points, and matches agree to this


def calibrated(program, models, data, work):
    """Files of the same models with the ranges that int8 needs, under the same names."""
    folder = work / "calibrated"
    folder.mkdir(exist_ok=True)
    for model in models:
        if not (path := folder / f"{Path(model).stem}.safetensors").exists():
            dataset = data / "ubc_notredame2007"
            program("model", "quantize", model, "--calibrate", dataset, "-o", path, "--quiet")
    return [folder / f"{Path(model).stem}.safetensors" for model in models]


def fpr95(program, models, lists, precision):
    """{model: [percent on each list]}"""
    found = {}
    for folder, pairs in lists:
        print(f"{precision}: {folder.name}", file=sys.stderr)
        options = ("--pairs", pairs, "--no-baselines", "--device", "cpu", "--precision", precision)
        for result in program.evaluate(folder, models, *options)["results"]:
            found.setdefault(result["name"], []).append(100 * result["fpr95"]["hardnet"])
    return found


def matches(program, model, folder, precision):
    """Mutual nearest neighbours of graf 1 and 3 as lines "x y x y". A network that sees pairs gets 300 keypoints."""
    keypoints = 300 if model.stem.startswith("2ch") else 2000
    lines = program("match", folder / "img1.pgm", folder / "img3.pgm", "-m", model, "--max-keypoints", keypoints,
                    "--device", "cpu", "--precision", precision, "--quiet").splitlines()
    return {" ".join(line.split()[:4]) for line in lines if line and not line.startswith("#")}


def table(program, models, sets, make_table):
    """`sets`: data, work, lists of (folder, pairs), the folder of graf 1 and 3."""
    data, work, lists, photographs = sets
    models = calibrated(program, models, data, work)
    exact = fpr95(program, models, lists, "fp32")
    moved = {precision: fpr95(program, models, lists, precision) for precision in PRECISIONS}
    result = make_table(["FPR95 in fp32", *(f"{what} {precision}" for precision in PRECISIONS
                                            for what in ("largest move in", "matches as in fp32,")), "usable"])
    for model in models:
        name = model.stem
        print(f"matches: {name}", file=sys.stderr)
        result.put(name, "FPR95 in fp32", ", ".join(f"{value:.2f}" for value in exact[name]))
        reference, usable = matches(program, model, photographs, "fp32"), []
        for precision in PRECISIONS:
            move = max((other - value for value, other in zip(exact[name], moved[precision][name])), key=abs)
            other = matches(program, model, photographs, precision)
            agreement = len(reference & other) / max(len(reference), len(other))
            result.put(name, f"largest move in {precision}", f"{move:+.2f}")
            result.put(name, f"matches as in fp32, {precision}", f"{100 * agreement:.1f} %")
            if abs(move) < MOVE and agreement >= AGREEMENT:
                usable.append(precision)
        result.put(name, "usable", ", ".join(usable) or "–")
    return result.text()
