# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs: keypoints, patches and matches equal the program's; bad keypoints and images are refused."""

import json

import numpy as np
import pytest
from conftest import run_program, scene

import twinpatch as tp


def test_matches_of_two_photographs_equal_the_programs(engine, photographs):
    left, right = photographs
    printed = json.loads(run_program("match", left, right, "--pixel-origin", "0.5", "--device", "cpu", "--json"))
    places = [tp.detect(path) for path in photographs]
    patches = [tp.cut(path, at, engine.model.patch_extent) for path, at in zip(photographs, places, strict=True)]
    indices, scores = engine.match(*patches)
    assert len(scores) > 50
    expected = np.array(printed["matches"], np.float32)
    mine = np.column_stack([places[0][indices[:, 0], :2], places[1][indices[:, 1], :2], scores])
    assert np.array_equal(mine, expected)
    moved = places[1][indices[:, 1], :2] - places[0][indices[:, 0], :2]
    assert (np.abs(moved - [12, 7]).max(axis=1) < 1).mean() > 0.9


def test_arrays_and_files_are_the_same_photograph(photographs):
    levels = tp.read_image(photographs[0])
    assert levels.dtype == np.uint8 and levels.shape == (233, 308)
    assert np.array_equal(levels, scene(3)[7:, 12:])
    places = tp.detect(levels, max_keypoints=50)
    assert places.shape == (50, 4) and np.array_equal(places, tp.detect(str(photographs[0]), 50))
    assert np.array_equal(tp.cut(levels, places), tp.cut(photographs[0], places.astype(np.float64)))


def test_sizes_of_patches(photographs):
    places = tp.detect(photographs[0], 5)
    assert tp.cut(photographs[0], places, side=32).shape == (5, 32, 32)
    assert tp.cut(photographs[0], places[:0]).shape == (0, 64, 64)
    assert not np.array_equal(tp.cut(photographs[0], places, upright=True), tp.cut(photographs[0], places))


def test_windows_of_affine_shapes(photographs):
    places = tp.detect(photographs[0], 20)
    x, y, sigma, angle = places.T
    c, s = sigma * np.cos(angle), sigma * np.sin(angle)
    circles = np.column_stack([x, y, c, -s, s, c])
    plain = tp.cut(photographs[0], places).astype(int)
    assert np.abs(tp.cut(photographs[0], circles).astype(int) - plain).max() <= 1
    assert np.abs(tp.cut(photographs[0], circles, affine=True).astype(int) - plain).max() <= 1
    # Twice as long along the keypoint's own x.
    long = circles * [1, 1, 2, 1, 2, 1]
    assert np.abs(tp.cut(photographs[0], long, affine=True).astype(int) - plain).max() > 30
    with pytest.raises(tp.InvalidArgument, match="keypoint 0 .*has no affine shape"):
        tp.cut(photographs[0], places, affine=True)
    with pytest.raises(tp.InvalidArgument, match="mirrored"):
        tp.cut(photographs[0], circles * [1, 1, -1, 1, -1, 1], affine=True)
    with pytest.raises(tp.ShapeError, match=r"or \[N, 6\]"):
        tp.cut(photographs[0], np.ascontiguousarray(circles[:, :5]))


def test_refined_matches_equal_the_programs(engine, photographs):
    left, right = photographs
    options = ["--pixel-origin", "0.5", "--device", "cpu", "--json"]
    printed = json.loads(run_program("match", left, right, "--refine", *options))
    extent = engine.model.patch_extent
    places = [tp.detect(path) for path in photographs]
    patches = [tp.cut(path, at, extent) for path, at in zip(photographs, places, strict=True)]
    indices, scores = engine.match(*patches)
    ends = tp.refine(*patches, places[1], indices, extent, threads=2)
    assert ends.dtype == np.float32 and ends.shape == (len(indices), 3)
    mine = np.column_stack([places[0][indices[:, 0], :2], ends[:, :2], scores, ends[:, 2]])
    assert np.array_equal(mine, np.array(printed["matches"], np.float32))

    kept = ends[:, 2] == 0
    assert 0 < np.count_nonzero(~kept)
    assert np.array_equal(ends[kept, :2], places[1][indices[kept, 1], :2])
    moved = [12, 7] - (ends[~kept, :2] - places[0][indices[~kept, 0], :2])
    assert np.median(np.abs(moved)) < 0.05
    nothing = tp.refine(*patches, places[1], indices, extent, max_move=0)
    assert np.array_equal(nothing[:, :2], places[1][indices[:, 1], :2])


SIDE = 16
WINDOWS = np.zeros((2, SIDE, SIDE), np.uint8)
PLACES = np.ones((2, 4), np.float32)
PAIR = np.zeros((1, 2), np.int32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((WINDOWS, WINDOWS, PLACES, PAIR + 2), {}, "match of windows 2 and 2, of which there are 2 and 2"),
        ((WINDOWS, WINDOWS, PLACES[:1], PAIR), {}, "1 keypoints for 2 right windows"),
        ((WINDOWS.astype(np.float32), WINDOWS, PLACES, PAIR), {}, "grey levels"),
        ((WINDOWS[:, 1:].copy(), WINDOWS, PLACES, PAIR), {}, "windows of 16x16 pixels, found 15x16 and 16x16"),
        ((WINDOWS, WINDOWS, PLACES[:, :2].copy(), PAIR), {}, "add columns for sigma"),
        ((WINDOWS, WINDOWS, PLACES, PAIR.astype(np.uint8)), {}, "matches: expected int32"),
        ((WINDOWS, WINDOWS, PLACES, PAIR), {"extent": 0}, "an extent in"),
        ((WINDOWS, WINDOWS, PLACES, PAIR), {"min_correlation": 0}, "a min_correlation in"),
        ((WINDOWS, WINDOWS, PLACES, PAIR), {"max_move": float("nan")}, "a max_move of 0 or more"),
    ],
)
def test_no_refinement(arguments, options, message):
    with pytest.raises(tp.InvalidArgument, match=message) as raised:
        tp.refine(*arguments, **options)
    assert "\n" not in str(raised.value)


def test_nothing_to_refine():
    none = np.zeros((0, SIDE, SIDE), np.uint8)
    assert tp.refine(none, none, PLACES[:0], PAIR[:0]).shape == (0, 3)


def test_a_picture_of_matches(photographs, tmp_path):
    places = [tp.detect(path, 5) for path in photographs]
    pairs = np.array([[0, 0], [4, 2]], np.int32)
    tp.draw_matches(tmp_path / "view.png", photographs[0], places[0], photographs[1], places[1], pairs)
    assert tp.read_image(tmp_path / "view.png").shape[1] > 500
    with pytest.raises(tp.InvalidArgument, match="matches"):
        tp.draw_matches(tmp_path / "no.png", photographs[0], places[0], photographs[1], places[1], pairs + 1)
    assert not (tmp_path / "no.png").exists()


REFUSED = {
    "no scale": (lambda path: tp.cut(path, np.zeros((3, 2), np.float32)), tp.ShapeError, r"\[3, 2\].* add columns"),
    "no angle": (lambda path: tp.cut(path, np.zeros((3, 3), np.float32)), tp.ShapeError, "add a column for the angle"),
    "outside": (lambda path: tp.cut(path, np.array([[900.0, 5, 2, 0]])), tp.InvalidArgument, "keypoint 0"),
    "no size": (lambda path: tp.cut(path, np.array([[9.0, 5, 0, 0]])), tp.InvalidArgument, "keypoint 0"),
    "types": (lambda path: tp.cut(path, np.zeros((3, 4), int)), tp.InvalidArgument, "keypoints: expected float32"),
    "no extent": (lambda path: tp.cut(path, np.zeros((0, 4)), extent=0), tp.InvalidArgument, "extent in"),
    "colour": (lambda path: tp.detect(np.zeros((5, 5, 3), np.uint8)), tp.ShapeError, r"image: .* \[5, 5, 3\]"),
    "float levels": (lambda path: tp.detect(np.zeros((5, 5))), tp.InvalidArgument, "image: .* found float64"),
    "empty": (lambda path: tp.detect(np.zeros((0, 5), np.uint8)), tp.ShapeError, r"\[0, 5\]"),
    "too few": (lambda path: tp.detect(path, -1), tp.InvalidArgument, "max_keypoints"),
    "no file": (lambda path: tp.detect(path.with_name("none.jpg")), tp.IoError, "none.jpg"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(photographs, name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message) as raised:
        call(photographs[0])
    assert "\n" not in str(raised.value)


def test_a_truncated_photograph(tmp_path):
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    with pytest.raises(tp.FormatError, match="half.png"):
        tp.read_image(tmp_path / "half.png")
