// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/pair_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twinpatch::app {

std::vector<DegreeBin> degree_bins(const std::vector<std::int64_t>& degrees) {
  std::int64_t most = 0;
  for (const std::int64_t degree : degrees) most = std::max(most, degree);
  std::vector<DegreeBin> bins{{0, 0, 0}};
  for (std::int64_t from = 1; from <= most;) {
    const std::int64_t to = std::max(from, 2 * (from - 1));
    bins.push_back({from, to, 0});
    from = to + 1;
  }
  for (const std::int64_t degree : degrees) {
    ++std::ranges::find_if(bins, [&](const DegreeBin& bin) { return degree <= bin.to; })->images;
  }
  return bins;
}

std::string degree_text(const std::vector<DegreeBin>& bins) {
  std::string text;
  for (const DegreeBin& bin : bins) {
    const std::string range = bin.from == bin.to ? std::to_string(bin.from) : fmt::format("{}-{}", bin.from, bin.to);
    text += fmt::format("{}{}: {}{}", text.empty() ? "" : ", ", range, bin.images, text.empty() ? " images" : "");
  }
  return text;
}

nlohmann::ordered_json degree_json(const std::vector<DegreeBin>& bins) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const DegreeBin& bin : bins) json.push_back({{"from", bin.from}, {"to", bin.to}, {"images", bin.images}});
  return json;
}

}  // namespace twinpatch::app
