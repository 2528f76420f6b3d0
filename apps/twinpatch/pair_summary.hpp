// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace twinpatch::app {

/// How many images have how many partners.
struct DegreeBin {
  std::int64_t from = 0;
  std::int64_t to = 0;  ///< the same, or the end of a range: 0, 1, 2, 3-4, 5-8, 9-16, …
  std::int64_t images = 0;
};
/// Bins from 0 to the largest of the images' degrees, empty ones too.
[[nodiscard]] std::vector<DegreeBin> degree_bins(const std::vector<std::int64_t>& degrees);
/// "0: 2 images, 1: 0, 2: 5, 3-4: 1"
[[nodiscard]] std::string degree_text(const std::vector<DegreeBin>& bins);
[[nodiscard]] nlohmann::ordered_json degree_json(const std::vector<DegreeBin>& bins);

}  // namespace twinpatch::app
