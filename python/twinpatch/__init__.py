# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Compares image patches with convolutional networks.

    import twinpatch as tp

    engine = tp.Engine("hard128")
    extent = engine.model.patch_extent
    left, right = tp.detect("left.jpg"), tp.detect("right.jpg")        # [N, 4]: x, y, sigma, angle
    matches = engine.match(tp.cut("left.jpg", left, extent), tp.cut("right.jpg", right, extent))
    matches.indices, matches.scores                                    # [K, 2], [K]

Engine     a model on a device: describe, score, scores, grid, match
Model      a network with its weights: a shipped one, a file, or arrays; calibrated probabilities
read_image, detect, cut, refine, draw_matches
           photographs, SIFT keypoints, patches, places to a fraction of a pixel, a picture of matches
match_colmap, export
           whole collections of photographs, for COLMAP, hloc and OpenMVG
catalogue, weight_shapes
           the networks that are known by name

Every function says its shapes, units and errors. Errors derive from twinpatch.Error and have the names that the C++
library gives them. twinpatch neither prints nor keeps the interpreter's lock while it works.
"""

from ._collection import export, match_colmap
from ._core import (
    Engine,
    Grid,
    Matches,
    Model,
    catalogue,
    cut,
    detect,
    draw_matches,
    read_image,
    refine,
    weight_shapes,
)
from ._core import version as __version__
from ._errors import (
    DeviceError,
    Error,
    FormatError,
    Interrupted,
    InvalidArgument,
    IoError,
    NotFinite,
    OutOfMemory,
    ShapeError,
)

__all__ = [
    "DeviceError",
    "Engine",
    "Error",
    "FormatError",
    "Grid",
    "Interrupted",
    "InvalidArgument",
    "IoError",
    "Matches",
    "Model",
    "NotFinite",
    "OutOfMemory",
    "ShapeError",
    "__version__",
    "catalogue",
    "cut",
    "detect",
    "draw_matches",
    "export",
    "match_colmap",
    "read_image",
    "refine",
    "weight_shapes",
]
