# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Results of the engine equal those of the program, bit by bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import random_patches, run_program

import twinpatch as tp


@pytest.mark.parametrize("count", [0, 1, 37])
def test_descriptors_equal_the_programs(engine, tmp_path, count):
    patches = random_patches(count, count)
    np.save(tmp_path / "patches.npy", patches)
    run_program("describe", tmp_path / "patches.npy", "-o", tmp_path / "descriptors.npy", "--device", "cpu")
    descriptors = engine.describe(patches)
    assert descriptors.dtype == np.float32 and descriptors.shape == (count, engine.descriptor_size)
    assert np.array_equal(descriptors, np.load(tmp_path / "descriptors.npy"))
    assert np.array_equal(descriptors, engine.describe(patches[:, np.newaxis]))  # [N, 1, H, W]


def test_raw_patches_equal_the_programs(engine, tmp_path):
    patches = np.random.default_rng(4).standard_normal((9, 64, 64)).astype(np.float32)
    np.save(tmp_path / "patches.npy", patches)
    run_program("describe", tmp_path / "patches.npy", "--raw", "-o", tmp_path / "descriptors.npy", "--device", "cpu")
    assert np.array_equal(engine.describe(patches), np.load(tmp_path / "descriptors.npy"))


@pytest.mark.parametrize("model", ["siam", "2ch", "pseudo-siam"])
def test_scores_equal_the_programs(tmp_path, model):
    left, right = random_patches(1, 5), random_patches(2, 7)
    pairs = np.array([[0, 6], [4, 0], [0, 6], [3, 3]], np.int32)
    for name, array in (("left", left), ("right", right), ("pairs", pairs)):
        np.save(tmp_path / f"{name}.npy", array)
    run_program(
        "score", tmp_path / "left.npy", "--right", tmp_path / "right.npy", "--pairs", tmp_path / "pairs.npy",
        "-o", tmp_path / "scores.npy", "--model", model, "--device", "cpu",
    )  # fmt: skip
    engine = tp.Engine(model, device="cpu")
    expected = np.load(tmp_path / "scores.npy")
    assert np.array_equal(engine.score(left, pairs, right), expected)
    assert np.array_equal(engine.score(left, pairs.astype(np.int64), right), expected)
    both = np.concatenate([left, right])
    assert np.allclose(engine.score(both, pairs + [0, 5]), expected, atol=1e-5)


def test_a_grid_equals_the_programs(engine, tmp_path):
    left, right = random_patches(5, 33), random_patches(6, 65)
    np.save(tmp_path / "left.npy", left)
    np.save(tmp_path / "right.npy", right)
    run_program(
        "grid", tmp_path / "left.npy", tmp_path / "right.npy", "--top", "3", "--mutual", "-o", tmp_path / "best",
        "--device", "cpu",
    )  # fmt: skip
    grid = engine.grid(left, right, top_k=3, mutual=True)
    assert np.array_equal(grid.indices, np.load(tmp_path / "best.indices.npy"))
    assert np.array_equal(grid.scores, np.load(tmp_path / "best.scores.npy"))
    mutual = [i for i in range(33) if grid.column_indices[grid.indices[i, 0]] == i]
    matches = engine.match(left, right)
    assert np.array_equal(matches.indices, np.load(tmp_path / "best.pairs.npy"))
    assert np.array_equal(matches.indices[:, 0], mutual)
    assert np.array_equal(matches.scores, np.load(tmp_path / "best.pair_scores.npy"))


def test_patches_and_descriptors_make_the_same_grid(engine):
    left, right = random_patches(7, 20), random_patches(8, 30)
    of_patches = engine.grid(left, right, top_k=2)
    of_rows = engine.grid(engine.describe(left), engine.describe(right, side="right"), top_k=2)
    assert np.array_equal(of_patches.indices, of_rows.indices)
    assert np.array_equal(of_patches.scores, of_rows.scores)
    assert of_patches.column_indices is None and of_patches.column_scores is None


def test_fewer_rows_than_top_k_are_marked(engine):
    grid = engine.grid(random_patches(1, 2), random_patches(2, 1), top_k=3)
    assert grid.indices.tolist() == [[0, -1, -1], [0, -1, -1]]
    assert np.isneginf(grid.scores[:, 1:]).all()


def test_rules_of_matches(engine):
    left = random_patches(9, 40)
    right = np.concatenate([left[::2], random_patches(10, 10)])
    indices, scores = engine.match(left, right, ratio=0.5, threshold=-0.5)
    assert indices.tolist() == [[2 * i, i] for i in range(20)]
    assert len(scores) == 20 and (scores >= -0.5).all()
    assert len(engine.match(left, right, mutual=False)) == 40


def test_threads_share_an_engine(engine):
    sets = [random_patches(seed, 50 + seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engine.describe, sets))
    for patches, descriptors in zip(sets, together, strict=True):
        assert np.array_equal(descriptors, engine.describe(patches))


def test_results_outlive_their_engine():
    patches = random_patches(1, 3)
    descriptors = tp.Engine("siam-l2", device="cpu").describe(patches)
    model = tp.Engine("siam-l2", device="cpu").model
    assert np.array_equal(descriptors, tp.Engine(model, device="cpu").describe(patches))


def test_the_engine_says_what_it_is(engine):
    assert "hard128 on CPU" in repr(engine)
    assert engine.model.name == "hard128"
    assert engine.descriptor_size == 128
    assert engine.memory > 0
    assert engine.device.startswith("CPU, ")


@pytest.mark.parametrize("model", ["hard128", "siam"])
def test_every_score_equals_the_programs(tmp_path, model):
    left, right = random_patches(7, 9), random_patches(8, 13)
    np.save(tmp_path / "left.npy", left)
    np.save(tmp_path / "right.npy", right)
    run_program(
        "grid", tmp_path / "left.npy", tmp_path / "right.npy", "--full", tmp_path / "all.npy", "--model", model,
        "--device", "cpu",
    )  # fmt: skip
    engine = tp.Engine(model, device="cpu")
    scores = engine.scores(left, right)
    assert scores.dtype == np.float32
    assert np.array_equal(scores, np.load(tmp_path / "all.npy"))
    best = engine.grid(left, right).scores[:, 0]
    assert np.allclose(scores.max(axis=1), best, atol=1e-5)
    assert engine.scores(left[:0], right).shape == (0, 13)
