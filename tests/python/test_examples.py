# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The examples run, and do what they say."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import data_folder, random_patches

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
sys.path.append(str(EXAMPLES))


def test_a_reconstruction_with_colmap(tmp_path):
    pytest.importorskip("pycolmap")
    from reconstruct import reconstruct

    images = tmp_path / "images"
    images.mkdir()
    for photograph in sorted((data_folder("strecha_fountain-P11") / "images").glob("*.jpg"))[:3]:  # all 11: 25 s
        (images / photograph.name).symlink_to(photograph)
    model = reconstruct(images, tmp_path / "output")
    assert model.num_reg_images() == 3
    assert model.num_points3D() > 100 and model.compute_mean_reprojection_error() < 1.5


def test_a_module_of_pytorch(engine):
    torch = pytest.importorskip("torch")
    from kornia_descriptor import TwinpatchDescriptor

    patches = random_patches(1, 5)
    descriptor = TwinpatchDescriptor("hard128", device="cpu")
    found = descriptor(torch.from_numpy(patches).float()[:, None] / 255)
    assert found.shape == (5, 128) and not found.requires_grad
    assert np.array_equal(found.numpy(), engine.describe(patches))


def test_the_notebook(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    if not Path("/usr/share/doc/opencv-doc/examples/data/graf1.png").is_file():
        pytest.skip("no photographs of a wall (Debian: opencv-doc)")
    notebook = nbformat.read(EXAMPLES / "two_photographs.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    assert (tmp_path / "matches.png").is_file()
    printed = "".join(output.text for output in notebook.cells[-1].outputs).splitlines()
    assert [line.split(":")[0] for line in printed] == ["hard128", "siam-spp-l2"]
    assert int(printed[0].split(",")[1].split("%")[0]) > 40
