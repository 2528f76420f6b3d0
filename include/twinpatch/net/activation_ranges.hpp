// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "twinpatch/net/model.hpp"

namespace twinpatch {

/// Smallest and largest value that went into a layer on a calibration set: what int8 divides into 255 steps.
struct ActivationRange {
  float low = 0;
  float high = 0;
  friend bool operator==(const ActivationRange&, const ActivationRange&) = default;
};

/// By prefix of the layer's tensors without the last point ("branch.0.3"), as after fold_batch_normalisation().
using ActivationRanges = std::map<std::string, ActivationRange>;

/// Key of a model's metadata: {"branch.0.3": [low, high], …}. Models that differ in it differ in model_hash().
inline constexpr const char* kActivationsKey = "activations";

/// Those in the model's metadata; none where it was not calibrated. Throws FormatError for a text that is not as above,
/// or a range that is not finite or upside down.
[[nodiscard]] ActivationRanges activation_ranges(const Model& model);
[[nodiscard]] std::string to_json(const ActivationRanges& ranges);

}  // namespace twinpatch
