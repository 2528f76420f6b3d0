// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/activation_ranges.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "twinpatch/formats/json.hpp"

namespace twinpatch {

ActivationRanges activation_ranges(const Model& model) {
  ActivationRanges ranges;
  const auto found = model.metadata.find(kActivationsKey);
  if (found == model.metadata.end()) return ranges;
  constexpr int kDepth = 2;
  const JsonValue json = parse_json(found->second, kActivationsKey, kDepth);
  for (const auto& [layer, range] : json.members()) {
    if (range.list().size() != 2) range.fail("expected the smallest and the largest value");
    const ActivationRange read{static_cast<float>(range.at(0).number()), static_cast<float>(range.at(1).number())};
    const bool usable = std::isfinite(read.low) && std::isfinite(read.high) && read.low <= read.high;
    if (!usable) range.fail("not a range of numbers");
    ranges[layer] = read;
  }
  return ranges;
}

std::string to_json(const ActivationRanges& ranges) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [layer, range] : ranges) json[layer] = {range.low, range.high};
  return json.dump();
}

}  // namespace twinpatch
