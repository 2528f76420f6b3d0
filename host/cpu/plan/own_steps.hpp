// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// y = scale[c] · x + offset[c] for each channel: trainable subsampling after its average.
[[nodiscard]] std::unique_ptr<Step> make_channel_affine_step(Shape shape, std::vector<float> scale,
                                                             std::vector<float> offset);
/// Spatial pyramid max pooling; the output lies as spec.hpp says (channels outermost within a level).
[[nodiscard]] std::unique_ptr<Step> make_spatial_pyramid_step(const SpatialPyramid& layer, Shape input);

/// NHWC activations of one item → the flattened (channel, row, column) order of descriptors and linear layers.
void flatten_channels_first(const float* in, Shape shape, float* out);
/// row / max(‖row‖₂, 1e-12), in place.
void normalise_row(float* row, std::int64_t size);

}  // namespace twinpatch::cpu
