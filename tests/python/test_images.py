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
