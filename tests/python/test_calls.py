# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Long calls: progress, Ctrl-C, other threads meanwhile; and errors."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from conftest import random_patches

import twinpatch as tp



@pytest.fixture(scope="module")
def many():
    """Seconds of work."""
    patches = np.zeros((30_000, 64, 64), np.uint8)
    patches[:, ::3, ::5] = 200
    return patches


def press_control_c_after(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_control_c_stops_a_call_and_the_engine_works_on(engine, many):
    expected = engine.describe(many[:5])
    press_control_c_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        while True:
            engine.describe(many)
    assert np.array_equal(engine.describe(many[:5]), expected)


def test_a_handler_of_the_users_own_goes_on(engine, many):
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        press_control_c_after(0.05)
        while not pressed:
            assert engine.describe(many[:3000]).shape == (3000, 128)
    finally:
        signal.signal(signal.SIGINT, before)


def test_progress_counts_every_patch(engine, many):
    told = []
    engine.describe(many[:5000], progress=lambda *what: told.append(what))
    assert told[-1] == ("describe", 5000, 5000, "patches")
    done = [count for _, count, _, _ in told]
    assert done == sorted(done)


def test_what_progress_raises_stops_the_call(engine, many):
    def stop(stage, done, total, unit):
        raise LookupError(stage)

    with pytest.raises(LookupError, match="describe"):
        engine.describe(many, progress=stop)


def test_other_threads_run_meanwhile(engine, many):
    ticks = []
    ended = threading.Event()

    def tick():
        while not ended.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.monotonic()
    engine.describe(many[:4000])
    finished = time.monotonic()
    ended.set()
    thread.join()
    assert sum(began < moment < finished for moment in ticks) >= 3


def test_errors_are_pythons_too(tmp_path):
    with pytest.raises(tp.IoError, match="no model has this name"):
        tp.Model("no-such-model")
    with pytest.raises(OSError):
        tp.Model(tmp_path / "missing.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(tp.FormatError) as error:
        tp.Model(tmp_path / "bad.safetensors")
    assert error.value.path.endswith("bad.safetensors") and error.value.offset >= 0
    with pytest.raises(ValueError):
        tp.Engine(batch=-1)
    with pytest.raises(tp.DeviceError):
        tp.Engine(device="cuda:99")


def test_a_result_that_is_not_finite_is_named(engine):
    patches = np.zeros((3, 64, 64), np.float32)
    patches[1, 5, 5] = np.nan
    with pytest.raises(tp.NotFinite, match="patch 1") as error:
        engine.describe(patches)
    assert error.value.index == 1


def test_every_exception_is_in_the_tree():
    for name in ("DeviceError", "FormatError", "Interrupted", "InvalidArgument", "IoError", "NotFinite"):
        assert issubclass(getattr(tp, name), tp.Error)
    assert tp.Error.__module__ == "twinpatch"
    assert issubclass(tp.ShapeError, tp.InvalidArgument) and issubclass(tp.OutOfMemory, tp.DeviceError)
