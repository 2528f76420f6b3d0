# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors on a CUDA device, here the stand-in's (stand_in.cpp): results equal those of arrays on the host, bit by bit."""

import ctypes
import re

import numpy as np
import pytest
from conftest import CUDA, TensorAt, random_patches

import twinpatch as tp
import twinpatch._core

STAND_IN = ctypes.CDLL(twinpatch._core.__file__)
if not hasattr(STAND_IN, "stand_in_allocate"):
    pytest.skip("this build of the module has no stand-in for CUDA", allow_module_level=True)
STAND_IN.stand_in_allocate.restype = ctypes.c_void_p
STAND_IN.stand_in_write.restype = ctypes.c_bool
STAND_IN.stand_in_write.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

STAND_IN.stand_in_begin()

LEFT, RIGHT = random_patches(1, 21), random_patches(2, 13)
PAIRS = np.array([[0, 12], [20, 0], [3, 3]], np.int32)


def on_device(array):
    """A tensor that the device has yet to write, as PyTorch leaves it."""
    place = STAND_IN.stand_in_allocate(max(array.nbytes, 1))
    assert place is not None
    if array.nbytes:
        assert STAND_IN.stand_in_write(place, array.ctypes.data, array.nbytes)
    return TensorAt(place, array, CUDA, 0)


@pytest.fixture(scope="module")
def on_cuda():
    return tp.Engine("hard128", device="cuda:0")


@pytest.mark.parametrize("count", [0, 1, 21])
def test_descriptors(on_cuda, count):
    assert np.array_equal(on_cuda.describe(on_device(LEFT[:count])), on_cuda.describe(LEFT[:count]))


def test_grids_and_matches(on_cuda):
    expected = on_cuda.grid(LEFT, RIGHT, top_k=2, mutual=True)
    grid = on_cuda.grid(on_device(LEFT), on_device(RIGHT), top_k=2, mutual=True)
    assert np.array_equal(grid.indices, expected.indices) and np.array_equal(grid.scores, expected.scores)
    assert np.array_equal(grid.column_indices, expected.column_indices)
    descriptors = on_cuda.describe(LEFT)
    matches = on_cuda.match(on_device(descriptors), on_device(RIGHT))
    expected = on_cuda.match(descriptors, RIGHT)
    assert len(matches) and np.array_equal(matches.indices, expected.indices)
    assert np.array_equal(matches.scores, expected.scores)
    assert np.array_equal(on_cuda.scores(on_device(descriptors), RIGHT), on_cuda.scores(descriptors, RIGHT))


def test_lists_of_pairs(on_cuda):
    expected = on_cuda.score(LEFT, PAIRS, RIGHT)
    assert np.array_equal(on_cuda.score(on_device(LEFT), on_device(PAIRS), on_device(RIGHT)), expected)


def test_float_patches_are_checked(on_cuda):
    patches = np.random.default_rng(3).standard_normal((3, 64, 64)).astype(np.float32)
    assert np.array_equal(on_cuda.describe(on_device(patches)), on_cuda.describe(patches))
    patches[1, 5, 5] = np.inf
    with pytest.raises(tp.NotFinite, match="patch 1 has a pixel that is not finite"):
        on_cuda.describe(on_device(patches))


def test_another_device_is_refused(on_cuda):
    elsewhere = TensorAt(LEFT.ctypes.data, LEFT, CUDA, 1)
    expected = (
        "expected an array in the host's memory or that of CUDA device 0, found uint8 [21, 64, 64] on CUDA device 1; "
        "copy it to the CPU"
    )
    for call in (lambda: on_cuda.describe(elsewhere), lambda: on_cuda.score(elsewhere, PAIRS)):
        with pytest.raises(tp.InvalidArgument, match=re.escape(expected)):
            call()
    with pytest.raises(tp.InvalidArgument, match="on CUDA device 0; copy it to the CPU"):
        tp.Engine("hard128", device="cpu").describe(on_device(LEFT))
    with pytest.raises(tp.InvalidArgument, match="left: expected uint8 or float32"):
        on_cuda.match(on_device(LEFT.astype(np.int16)), RIGHT)
