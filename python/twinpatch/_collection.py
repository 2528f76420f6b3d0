# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Whole collections of photographs: runs of the program, which can be interrupted and resumed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ._core import Model
from ._program import Option, run
from ._typing import Progress

StrPath = str | os.PathLike[str]


@contextmanager
def _file_of(model: Model | StrPath) -> Iterator[StrPath]:
    """The program reads models from files."""
    if not isinstance(model, Model):
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="twinpatch-") as folder:
        path = Path(folder) / f"{model.name}.safetensors"
        model.save(path)
        yield path


def match_colmap(
    database: StrPath,
    images: StrPath,
    *,
    model: Model | StrPath = "hard128",
    pairs: StrPath = "exhaustive",
    verify: bool = False,
    progress: Progress | None = None,
    **options: Option,
) -> dict[str, Any]:
    """Matches the images of a COLMAP database, and stores the matches in it.

    database: with images and their keypoints; extract=True finds SIFT keypoints in images that have none.
    images: the folder of the photographs, COLMAP's image_path.
    model: a Model, or the name or path of one.
    pairs: "exhaustive", "sequential:N" (each with the next N), "retrieval:N" (each with the N most similar), or a file
        of pairs of names.
    verify: also store two-view geometries, so that COLMAP need not verify.
    progress: called with (stage, done, total, unit).
    options: any other option of `twinpatch colmap` (twinpatch help colmap), with _ for -: ratio=0.8, max_error=2,
        run="folder", shard="2/8", leave_out=["a.jpg"].

    Returns what `twinpatch colmap --json` prints: pairs_with_matches, matches_written, verified, next (commands that go
    on), ... Everything done is kept in DATABASE.twinpatch, so the same call resumes after an interruption. Warnings are
    Python's warnings, other lines go to logging's "twinpatch".

    Raises InvalidArgument for options that the program does not take, KeyboardInterrupt after Ctrl-C, else Error with
    the program's line.
    """
    with _file_of(model) as file:
        chosen: dict[str, Option] = {"images": images, "model": file, "pairs": pairs, "verify": verify}
        return run(["colmap"], [database], chosen | options, progress)


def export(
    target: Literal["hloc", "openmvg", "opensfm"],
    *runs: StrPath,
    out: StrPath,
    progress: Progress | None = None,
    **options: Option,
) -> dict[str, Any]:
    """Matches for hloc (a matches.h5), OpenMVG (matches.*.txt or .bin) or OpenSfM (a folder of matches).

    target: "hloc", "openmvg" or "opensfm".
    runs: folders of a finished run, or none to match that program's own keypoints, which `options` name
        (hloc: features="features.h5", images="images"; OpenSfM: dataset="data", also with runs).
    out: the file to write.
    progress, options: as in match_colmap(), of `twinpatch export TARGET`.

    Returns what the program prints with --json; raises as match_colmap() does.
    """
    return run(["export", target], list(runs), {"out": out} | options, progress)
