// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "twinpatch/formats/onnx.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {

/// The model as an ONNX graph of operator set 13, with normalisation and comparison, for grey levels from 0 to 255 as
/// float32 [N, 1, height, width]. Siamese networks that compare by a metric and descriptor-only models: `patches` →
/// `descriptors` [N, D], as Engine::describe gives them; all others: `left`, `right` → `scores` [N], as Engine::score.
/// Batch normalisations are folded. `size`: of the patches, for networks of any size (default 64×64), whose pyramid
/// ONNX has no operator for. Throws ShapeError for patches that do not fit, InvalidArgument for two towers without
/// decision.
[[nodiscard]] OnnxModel to_onnx(const Model& model, std::optional<Extent> size = {});

}  // namespace twinpatch
