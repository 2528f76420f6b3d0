# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Never run: mypy --strict reads how people use the package, and must find every type."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import twinpatch as tp


def report(stage: str, done: int, total: int | None, unit: str) -> None:
    print(stage, done, total, unit)


def match(left: Path, right: str) -> NDArray[np.float64]:
    engine = tp.Engine(tp.Model("hard128"), device="cpu", precision="fp32", threads=2)
    extent = engine.model.patch_extent or 12.0
    places: list[NDArray[np.float32]] = [tp.detect(left), tp.detect(tp.read_image(right), max_keypoints=100)]
    patches: list[NDArray[np.uint8]] = [tp.cut(left, places[0], extent), tp.cut(right, places[1], extent)]
    descriptors: NDArray[np.float32] = engine.describe(patches[0], progress=report)
    grid: tp.Grid = engine.grid(descriptors, patches[1], top_k=2, mutual=True, progress=print)
    best: NDArray[np.int32] | None = grid.column_indices
    assert best is not None
    matches: tp.Matches = engine.match(descriptors, patches[1], ratio=0.8)
    indices: NDArray[np.int32] = matches.indices
    scores: NDArray[np.float32] = engine.score(patches[0], indices, patches[1])
    every: NDArray[np.float32] = engine.scores(descriptors, patches[1])
    assert every.size
    ends: NDArray[np.float32] = tp.refine(patches[0], patches[1], places[1], indices, extent, max_move=0.2)
    assert ends.size
    tp.draw_matches("view.png", left, places[0], right, places[1], indices)
    return engine.model.probability(scores)


def collect(database: Path) -> list[str]:
    try:
        found = tp.match_colmap(database, "images", pairs="retrieval:20", verify=True, ratio=0.8, progress=print)
    except tp.FormatError as error:
        print(error.path, error.offset)
        raise
    tp.export("hloc", "run", out="matches.h5")
    return list(found["next"])


def bring(weights: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    shapes: dict[str, list[int]] = tp.weight_shapes("hard128")
    assert shapes
    model = tp.Model.from_weights("hard128", weights, {"license": "MIT"})
    model = tp.Model.from_file("hardnet", Path("checkpoint.pth"), {"branch.0.0.weight": "features.0.weight"})
    model.save("mine.safetensors")
    size: tuple[int, int] | None = model.patch_size
    assert size is not None
    return model.weights
