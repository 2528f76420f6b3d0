# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What goes in without a copy, and what is refused, each with one line."""

import re

import numpy as np
import pytest
from conftest import CPU, CUDA, METAL, PINNED, TensorAt, random_patches

import twinpatch as tp


class OnlyDLPack:
    def __init__(self, array, device=None):
        self.array = array
        self.device = device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()


class OnlyInterface:
    def __init__(self, array):
        self.array = array  # keeps the memory alive
        self.__array_interface__ = array.__array_interface__


PATCHES = random_patches(1, 4)


@pytest.mark.parametrize("wrap", [OnlyDLPack, OnlyInterface, memoryview])
def test_arrays_of_any_library_go_in(engine, wrap):
    assert np.array_equal(engine.describe(wrap(PATCHES)), engine.describe(PATCHES))


def test_read_only_arrays_go_in(engine):
    patches = PATCHES.copy()
    patches.flags.writeable = False
    assert np.array_equal(engine.describe(patches), engine.describe(PATCHES))


def test_tensors_of_pytorch_go_in(engine):
    torch = pytest.importorskip("torch")
    assert np.array_equal(engine.describe(torch.from_numpy(PATCHES)), engine.describe(PATCHES))
    raw = torch.randn(2, 1, 64, 64)
    assert np.array_equal(engine.describe(raw), engine.describe(raw.numpy()))
    with pytest.raises(tp.InvalidArgument, match="expected C order"):
        engine.describe(torch.from_numpy(PATCHES).transpose(1, 2))


def test_results_are_not_copies_of_results(engine):
    descriptors = engine.describe(PATCHES)
    assert not descriptors.flags.owndata and descriptors.flags.writeable and descriptors.flags.c_contiguous


PAIRS = np.zeros((1, 2), np.int32)
REFUSED = {
    "no array": (lambda e: e.describe("patches"), "patches: expected an array .*, found str"),
    "a list": (lambda e: e.describe([[1, 2]]), "patches: expected an array .*, found list"),
    "another type": (
        lambda e: e.describe(PATCHES.astype(np.float64)),
        r"patches: expected uint8 or float32 \[N, H, W\] .*, found float64 \[4, 64, 64\]",
    ),
    "Fortran order": (lambda e: e.describe(np.asfortranarray(PATCHES)), "expected C order .*ascontiguousarray"),
    "every other one": (lambda e: e.describe(PATCHES[::2]), "expected C order without gaps"),
    "another side": (lambda e: e.describe(PATCHES, side="top"), 'expected "left" or "right", found "top"'),
    "types of pairs": (lambda e: e.score(PATCHES, PAIRS.astype(np.uint8)), r"pairs: expected int32 .* found uint8"),
    "an index out of range": (lambda e: e.score(PATCHES, PAIRS + 4), "pairs: pair 0"),
    "an index of 33 bits": (
        lambda e: e.score(PATCHES, np.array([[0, 1 << 32]])),
        "pairs: row 0 has index 4294967296",
    ),
    "descriptors of another type": (lambda e: e.match(np.zeros((3, 128)), PATCHES), "left: expected float32"),
    "a ratio beyond 1": (lambda e: e.match(PATCHES, PATCHES, ratio=2), "ratio"),
    "a precision that there is not": (lambda e: tp.Engine(precision="fp8"), "fp8"),
    "negative threads": (lambda e: tp.Engine(threads=-1), "threads"),
}
WRONG_SHAPES = {
    "a flat patch": (lambda e: e.describe(PATCHES[0, 0]), r"patches: expected .* found uint8 \[64\]"),
    "colour": (lambda e: e.describe(np.zeros((2, 3, 64, 64), np.uint8)), r"found uint8 \[2, 3, 64, 64\]"),
    "patches of another size": (lambda e: e.describe(random_patches(1, 2, 32, 32)), "64"),
    "three columns of pairs": (
        lambda e: e.score(PATCHES, np.zeros((1, 3), np.int32)),
        r"pairs: expected int32 or int64 \[M, 2\], found int32 \[1, 3\]",
    ),
    "descriptors of another length": (lambda e: e.match(np.zeros((3, 5), np.float32), PATCHES), "128"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(engine, name):
    call, message = REFUSED[name]
    with pytest.raises(tp.InvalidArgument, match=message) as error:
        call(engine)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_wrong_shapes(engine, name):
    call, message = WRONG_SHAPES[name]
    with pytest.raises(tp.ShapeError, match=message) as error:
        call(engine)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("device", [CPU, PINNED])
def test_memory_of_the_host_goes_in_whatever_it_is_called(engine, device):
    assert np.array_equal(engine.describe(TensorAt(PATCHES.ctypes.data, PATCHES, device, 0)), engine.describe(PATCHES))


@pytest.mark.parametrize(("device", "name"), [(CUDA, "CUDA device 1"), (METAL, "a device of DLPack's type 8")])
def test_a_device_that_is_not_the_engines(engine, device, name):
    tensor = TensorAt(PATCHES.ctypes.data, PATCHES, device, 1)
    expected = f"array in the host's memory, found uint8 [4, 64, 64] on {name}; copy it to the CPU"
    for call in (
        lambda: engine.describe(tensor),
        lambda: engine.score(tensor, PAIRS),
        lambda: engine.score(PATCHES, PAIRS, tensor),
        lambda: engine.grid(PATCHES, tensor),
        lambda: engine.match(tensor, PATCHES),
        lambda: tp.cut(tensor, np.ones((1, 4))),
    ):
        with pytest.raises(tp.InvalidArgument, match=re.escape(expected)) as error:
            call()
        assert "\n" not in str(error.value)


def test_tensors_of_pytorch_on_a_gpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU")
    on_gpu = tp.Engine("hard128", device="cuda:0")
    there = torch.from_numpy(PATCHES).cuda()
    descriptors = on_gpu.describe(PATCHES)
    assert np.array_equal(on_gpu.describe(there), descriptors)
    assert np.array_equal(on_gpu.describe(there.float()), on_gpu.describe(PATCHES.astype(np.float32)))
    pairs = np.array([[0, 1], [3, 2]])
    assert np.array_equal(on_gpu.score(there, torch.from_numpy(pairs).cuda()), on_gpu.score(PATCHES, pairs))
