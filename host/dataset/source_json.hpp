// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "twinpatch/dataset/sources.hpp"

namespace twinpatch::dataset {

using Json = nlohmann::ordered_json;

[[nodiscard]] inline Json to_json(const KeypointNoise& noise) {
  return {{"position", noise.position},
          {"scale", noise.scale},
          {"angle_degrees", noise.angle},
          {"use_detected", noise.use_detected}};
}

[[nodiscard]] inline Json to_json(const SequenceOptions& options) {
  return {{"max_keypoints", options.max_keypoints}, {"max_points", options.max_points},
          {"min_distance", options.min_distance},   {"margin", options.margin},
          {"min_sigma", options.min_sigma},         {"detect_in_all", options.detect_in_all},
          {"noise", to_json(options.noise)}};
}

}  // namespace twinpatch::dataset
