#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Makes every table of figures in docs/models.md: all models that ship, TFeat, and OpenCV's descriptors.

  bench/models/tables.py BUILD_FOLDER DATA [--work DIR] [--write] [--models NAME...]
                         [--tables NAME...]

DATA holds oxford_graf, oxford_trees, sceaux_castle (images/, sparse/, tracks.txt), ubc_notredame2007 and tfeat
(tfeat-liberty.params); what is missing is named and left out. Pairs and converted models are kept in --work and used
again. OpenCV's VGG, BoostDesc and TEBLID need Python's NumPy and OpenCV with xfeatures2d (pip install numpy
opencv-contrib-python-headless); without them those rows are left out. --write puts the tables into the document, else
they are printed, and what the table of precisions shows into host/cpu/judged_precisions.cpp. Seed 1 everywhere.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import peers
import precisions

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/models.md"
DEMONSTRATIONS = {"chopra-2005", "bromley-1994"}  # faces and signatures
EXTENTS = (20, 12)  # windows of the pairs of photographs, in sigma


class Program:
    def __init__(self, build):
        self.path = Path(build) / "bin/twinpatch"

    def __call__(self, *arguments):
        run = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True)
        if run.returncode not in (0, 3):
            sys.exit(f"twinpatch {' '.join(map(str, arguments))}\n{run.stderr}")
        return run.stdout

    def evaluate(self, dataset, models, *more):
        options = ["--beside", *models[1:]] if len(models) > 1 else []
        return json.loads(self("eval", dataset, "-m", models[0], *options, "--json", "--quiet", *more))


def pair_folders(program, data, work):
    """Folders of labelled pairs by scene and window; made where they are not there yet."""
    def make(name, *arguments):
        folder = work / name
        if not folder.exists():
            program("dataset", *arguments, "-o", folder, "--min-contrast", 0, "--quiet")
        return folder

    folders = {}
    for extent in EXTENTS:
        cut = ("--patch-extent", extent, "--margin", 16 / extent)  # the same points at every window
        for scene in ("graf", "trees"):
            folders[scene, extent] = make(f"{scene}-{extent}", "from-homographies", data / f"oxford_{scene}", *cut)
        sceaux = data / "sceaux_castle"
        folders["sceaux", extent] = make(f"sceaux-{extent}", "from-colmap", sceaux / "sparse", sceaux / "images",
                                         "--tracks", sceaux / "tracks.txt", *cut)
    return folders


def two_photographs(data, work):
    """graf 1 and 3 as a sequence of their own."""
    folder = work / "graf-1-3"
    folder.mkdir(exist_ok=True)
    for name in ("img1.pgm", "img3.pgm", "H1to3p"):
        if not (folder / name).exists():
            (folder / name).symlink_to((data / "oxford_graf" / name).resolve())
    return folder


def tfeat(program, data, work):
    source, model = data / "tfeat/tfeat-liberty.params", work / "tfeat-liberty.safetensors"
    if not source.exists():
        print(f"{source} is missing: without TFeat", file=sys.stderr)
        return []
    if not model.exists():
        program("model", "convert", source, model, "--network", "tfeat")
    return [str(model)]


class Table:
    """Rows in the order of their first figure; a figure that was not measured is a dash."""
    def __init__(self, columns):
        self.columns, self.rows = columns, {}

    def put(self, row, column, text):
        self.rows.setdefault(row, {})[column] = text

    def text(self):
        lines = ["| " + " | ".join(["", *self.columns]) + " |", "|" + "---|" * (1 + len(self.columns))]
        lines += ["| " + " | ".join([name, *(cells.get(column, "–") for column in self.columns)]) + " |"
                  for name, cells in self.rows.items()]
        return "\n".join(lines) + "\n"


def labelled(folder):
    return folder, folder / "m50_1000_1000_0.txt"


def notre_dame(data):
    """Patches that others have cut."""
    return data / "ubc_notredame2007", data / "ubc_notredame2007/hard50_1186_1186_0.txt"


def pair_lists(data, folders):
    return [labelled(folder) for (_, extent), folder in folders.items() if extent == EXTENTS[0]] + [notre_dame(data)]


def separation(program, models, data, folders):
    """FPR95 on pairs whose windows were cut here, and on patches that others cut."""
    lists = {f"{scene}, {extent}σ": labelled(folder) for (scene, extent), folder in folders.items()}
    lists["Notre Dame, hard"] = notre_dame(data)
    table = Table(list(lists))
    for column, (folder, pairs) in lists.items():
        print(column, file=sys.stderr)
        results = program.evaluate(folder, models, "--pairs", pairs)["results"] + peers.evaluate_pairs(folder, pairs)
        for result in results:
            table.put(result["name"], column, f"{100 * result['fpr95']['hardnet']:.2f}")
    return table.text()


def counts(pair):
    return "{} {} {} +{} of {}".format(*pair["within_1_2_3_pixels"], pair["near_misses"], pair["mutual"])


def matching(program, models, folder, work):
    """Mutual nearest neighbours of graf 1 and 3, the same 2,000 keypoints for all."""
    table = Table(["mAP", "within 1, 2, 3 px + to 8 px, of mutual"])
    for row in program.evaluate(folder, models)["results"]:
        table.put(row["name"], table.columns[0], f"{row['mean_average_precision']:.4f}")
        table.put(row["name"], table.columns[1], counts(row["pairs"][0]))
    for name, pair in peers.match_photographs(program, folder, work):
        table.put(name, table.columns[1], counts(pair))
    return table.text()


def replaced(text, name, table):
    """The document with this table in its place."""
    begin, end = f"<!-- {name}: bench/models/tables.py -->\n", f"<!-- end of {name} -->"
    if begin not in text:
        sys.exit(f"{DOCUMENT} has no place for {name}")
    return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{table}\n{end}", text, flags=re.S)


def write(tables):
    text = DOCUMENT.read_text()
    for name, table in tables.items():
        text = replaced(text, name, table)
    DOCUMENT.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/models"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--models", nargs="+")
    names = ["separation", "matching", "precision"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    program = Program(arguments.build)
    shipped = sorted(path.stem for path in (DOCUMENT.parents[1] / "models").glob("*.safetensors"))
    models = arguments.models or ["hard128"] + [name for name in shipped if name not in DEMONSTRATIONS | {"hard128"}]
    models += tfeat(program, arguments.data, arguments.work)
    if not peers.available():
        print("no OpenCV with xfeatures2d for Python here: without VGG, BoostDesc and TEBLID", file=sys.stderr)
    data, work = arguments.data, arguments.work
    folders = pair_folders(program, data, work)
    make = {
        "separation": lambda: separation(program, models, data, folders),
        "matching": lambda: matching(program, models, two_photographs(data, work), work),
        "precision": lambda: precisions.table(
            program, models, (data, work, pair_lists(data, folders), two_photographs(data, work)), Table,
            arguments.write),
    }
    tables = {name: make[name]() for name in arguments.tables}
    if arguments.write:
        write(tables)
    else:
        print("\n".join(tables.values()))


if __name__ == "__main__":
    main()
