# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The table of precisions in docs/models.md: what bf16 and int8 change, model by model, and what --precision auto knows
of it (host/cpu/judged_precisions.cpp). Called by tables.py."""
import json
import random
import re
import sys
from pathlib import Path

JUDGED = Path(__file__).resolve().parents[2] / "host/cpu/judged_precisions.cpp"
PRECISIONS = ("bf16", "int8")  # the faster last
MATCHING, OTHERS = 1000, 5000  # pairs of a scene: one pair is then 0.02 points
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


def fine_list(folder, work):
    """Random pairs of a folder of patches, many more than its lists have; seed 1."""
    path = work / f"fine-{folder.name}.txt"
    points = [line.split()[0] for line in (folder / "info.txt").read_text().splitlines() if line.strip()]
    patches = {}
    for patch, point in enumerate(points):
        patches.setdefault(point, []).append(patch)
    draw = random.Random(1)
    seen = [patches[point] for point in sorted(patches, key=int) if len(patches[point]) > 1]
    pairs = [draw.sample(draw.choice(seen), 2) for _ in range(MATCHING)]
    while len(pairs) < MATCHING + OTHERS:
        left, right = draw.randrange(len(points)), draw.randrange(len(points))
        if points[left] != points[right]:
            pairs.append((left, right))
    path.write_text("".join(f"{left} {points[left]} 0 {right} {points[right]} 0 0\n" for left, right in pairs))
    return folder, path


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


def processor(program):
    """What this processor multiplies low precision with, as doctor says it: "AVX-512 BF16"."""
    return re.search(r"networks in [^()]*\(([^)]*)\)", " ".join(json.loads(program("doctor", "--json"))["cpu"])).group(1)


def write_judged(program, usable, models):
    """Rows of what was judged usable on this kind of processor, of models as they ship and as calibrated, in the place of
    the rows that it had."""
    kind, rows = processor(program), []
    for plain, quantized in models:
        for precision in usable.get(quantized.stem, []):
            for model in (plain, quantized) if precision != "int8" else (quantized,):
                shown = json.loads(program("model", "show", model, "--json"))
                rows.append(f'    {{"{shown["hash"]}", "{kind}", Precision::{precision}}},  // {quantized.stem}'
                            + (", calibrated" if model is quantized else "") + "\n")
    text = JUDGED.read_text()
    begin, end = "    // judged: bench/models/tables.py\n", "    // end of judged\n"
    kept = [line for line in text.split(begin)[1].split(end)[0].splitlines(True) if f'"{kind}"' not in line]
    JUDGED.write_text(text.split(begin)[0] + begin + "".join(kept + rows) + end + text.split(end)[1])


def table(program, models, sets, make_table, write):
    """`sets`: data, work, lists of (folder, pairs), the folder of graf 1 and 3. `write`: also what auto knows."""
    data, work, lists, photographs = sets
    lists = [fine_list(folder, work) for folder, _ in lists[:-1]] + lists[-1:]  # the last is of hard pairs
    plain = models
    models = calibrated(program, models, data, work)
    verdicts = {}
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
        verdicts[name] = usable
    if write:
        write_judged(program, verdicts, list(zip(plain, models)))
    return result.text()
