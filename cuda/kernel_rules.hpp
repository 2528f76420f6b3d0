// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cuda {

[[nodiscard]] kernels::PixelRule pixel_rule(const Normalisation& normalisation);
[[nodiscard]] kernels::View view_of(StreamView view);

/// Throws ShapeError for patches of another size than the network's.
void check_patch_size(const NetworkSpec& spec, int height, int width);

}  // namespace twinpatch::cuda
