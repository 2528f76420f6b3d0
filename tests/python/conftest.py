# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests share: random patches, a small photograph, tensors anywhere, and the program to compare with."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import twinpatch as tp
from twinpatch._program import PROGRAM


def random_patches(seed, count, height=64, width=64):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), dtype=np.uint8)


def run_program(*arguments, code=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def scene(seed, height=240, width=320):
    """Grey levels [H, W] of blobs of many sizes, which SIFT finds."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    levels = np.full((height, width), 128.0)
    for _ in range(150):
        at_x, at_y, size = random.uniform(0, width), random.uniform(0, height), random.uniform(2, 9)
        levels += random.uniform(-90, 90) * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * size * size))
    return np.clip(levels, 0, 255).astype(np.uint8)


def write_pgm(path, levels):
    height, width = levels.shape
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + levels.tobytes())


@pytest.fixture(scope="session")
def engine():
    return tp.Engine("hard128", device="cpu")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Paths of two photographs of one scene, the second moved by (12, 7)."""
    folder = tmp_path_factory.mktemp("photographs")
    levels = scene(3)
    for name, part in (("left.pgm", levels[7:, 12:]), ("right.pgm", levels[:-7, :-12])):
        write_pgm(folder / name, np.ascontiguousarray(part))
    return folder / "left.pgm", folder / "right.pgm"


CPU, CUDA, PINNED, METAL = 1, 2, 3, 8  # as dlpack.h numbers devices


class DLTensor(ctypes.Structure):
    """A DLManagedTensor of DLPack 0.x: what an array's __dlpack__ hands out."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("axes", ctypes.c_int32),
        ("type_code", ctypes.c_uint8),
        ("type_bits", ctypes.c_uint8),
        ("type_lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


class TensorAt:
    """Memory at `address` that says it is of a device, with an array's type and shape: as a tensor of PyTorch there."""

    def __init__(self, address, like, device_type, device_id):
        code = {"i": 0, "u": 1, "f": 2}[like.dtype.kind]
        self.like = like
        self.shape = (ctypes.c_int64 * like.ndim)(*like.shape)
        self.tensor = DLTensor(
            address, device_type, device_id, like.ndim, code, 8 * like.itemsize, 1, self.shape, None, 0, None, None
        )

    def __dlpack__(self, **_):
        make = ctypes.pythonapi.PyCapsule_New
        make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return make(ctypes.addressof(self.tensor), b"dltensor", None)

    def __dlpack_device__(self):
        return self.tensor.device_type, self.tensor.device_id


def data_folder(name):
    """A folder of real photographs that tests may read; skips the test where it is absent."""
    folder = Path(os.environ.get("TWINPATCH_DATA_DIR", "")) / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in TWINPATCH_DATA_DIR")
    return folder


@pytest.fixture(autouse=True)
def control_c():
    """Python's own answer to Ctrl-C: a shell's job in the background ignores it, and so would a test that waits for it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
