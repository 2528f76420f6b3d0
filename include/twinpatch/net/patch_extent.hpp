// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "twinpatch/net/model.hpp"

namespace twinpatch {

/// Side of a patch's window, in σ of its keypoint, that the model was trained on (metadata "patch_extent"); nothing if
/// the model does not say. Throws InvalidArgument unless it is a number in (0, 1000].
[[nodiscard]] std::optional<float> patch_extent(const Model& model);

}  // namespace twinpatch
