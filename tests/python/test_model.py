# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Models: what they say, their weights, models made of arrays, probabilities."""

import json
import struct

import numpy as np
import pytest
from conftest import random_patches, run_program

import twinpatch as tp


def test_a_shipped_model_says_what_the_program_says():
    model = tp.Model("hard128")
    shown = json.loads(run_program("model", "show", "hard128", "--json"))
    assert model.hash == shown["hash"]
    assert model.patch_size == (64, 64) and model.patch_extent == 20
    assert model.has_descriptors and model.scores_are_distances
    assert json.loads(model.spec)["name"] == model.name == "hard128"
    assert model.metadata["license"]


def test_kinds_of_networks():
    assert not tp.Model("2ch").has_descriptors
    assert not tp.Model("siam").scores_are_distances
    assert tp.Model("siam-spp-l2").patch_size is None
    assert "hard128" in tp.catalogue()


def test_a_model_goes_to_a_file_and_back(tmp_path):
    model = tp.Model("siam-l2")
    model.save(tmp_path / "copy.safetensors")
    copy = tp.Model(tmp_path / "copy.safetensors")
    assert copy.hash == model.hash and copy.metadata == model.metadata


def test_a_model_of_arrays_scores_as_its_source():
    source = tp.Model("hard128")
    copy = tp.Model.from_weights(source.spec, source.weights, {"license": "mine"})
    assert copy.metadata == {"license": "mine"}
    patches = random_patches(2, 4)
    assert np.array_equal(
        tp.Engine(copy, device="cpu").describe(patches), tp.Engine(source, device="cpu").describe(patches)
    )


def test_weights_are_seen_where_they_lie():
    weights = tp.Model("siam-l2").weights  # the model itself is gone
    shapes = tp.weight_shapes("siam-l2")
    assert {name: list(array.shape) for name, array in weights.items()} == shapes
    assert all(not array.flags.writeable and np.isfinite(array).all() for array in weights.values())


def test_wrong_weights_are_named():
    weights = tp.Model("siam-l2").weights
    name, values = next(iter(weights.items()))
    with pytest.raises(tp.ShapeError, match=name):
        tp.Model.from_weights("siam-l2", weights | {name: np.ascontiguousarray(values[:-1])})
    with pytest.raises(tp.ShapeError, match=name):
        tp.Model.from_weights("siam-l2", {key: value for key, value in weights.items() if key != name})
    with pytest.raises(tp.InvalidArgument, match=f"{name}: expected weights, float32, found float64"):
        tp.Model.from_weights("siam-l2", weights | {name: values.astype(np.float64)})
    with pytest.raises(tp.InvalidArgument, match="siam-l2"):
        tp.weight_shapes("siam-l22")


def test_probabilities_are_the_calibrated_logistic():
    model = tp.Model("hard128")
    line = json.loads(model.metadata["calibration"])
    scores = np.array([-1.5, -0.7, 0], np.float32)
    expected = 1 / (1 + np.exp(-(line["scale"] * scores.astype(np.float64) + line["offset"])))
    assert np.allclose(model.probability(scores), expected, rtol=1e-12)
    assert np.array_equal(model.probability(scores.astype(np.float64)), model.probability(scores))
    bare = tp.Model.from_weights(model.spec, model.weights)
    with pytest.raises(tp.InvalidArgument, match="no calibration"):
        bare.probability(scores)


def write_safetensors(path, arrays):
    header, data = {}, b""
    for name, array in arrays.items():
        begin = len(data)
        data += array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_weights_of_another_program(tmp_path):
    source = tp.Model("siam-l2")
    theirs = {f"net.{place}": array for place, array in enumerate(source.weights.values())}
    names = dict(zip(source.weights, theirs, strict=True))
    write_safetensors(tmp_path / "theirs.safetensors", theirs)
    model = tp.Model.from_file(source.spec, tmp_path / "theirs.safetensors", names)
    patches = random_patches(6, 3)
    assert np.array_equal(
        tp.Engine(model, device="cpu").describe(patches), tp.Engine(source, device="cpu").describe(patches)
    )
    del theirs["net.0"]
    write_safetensors(tmp_path / "fewer.safetensors", theirs)
    with pytest.raises(tp.InvalidArgument, match="net.0"):
        tp.Model.from_file(source.spec, tmp_path / "fewer.safetensors", names)
    with pytest.raises(tp.IoError, match="missing.pth"):
        tp.Model.from_file("hardnet", tmp_path / "missing.pth")
    (tmp_path / "code.pth").write_bytes(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.")
    with pytest.raises(tp.FormatError, match="code.pth"):
        tp.Model.from_file("hardnet", tmp_path / "code.pth")
