// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_ids.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr std::int64_t kMaxImages = 2147483647;  // COLMAP's kMaxNumImages; ids are smaller

void check(std::int64_t id) {
  if (id < 1 || id >= kMaxImages) {
    throw InvalidArgument(fmt::format("image id {}, expected 1 to {}", id, kMaxImages - 1));
  }
}

}  // namespace

std::int64_t colmap_pair_id(ColmapImageId a, ColmapImageId b) {
  const auto low = static_cast<std::int64_t>(std::min(a, b));
  const auto high = static_cast<std::int64_t>(std::max(a, b));
  check(low);
  check(high);
  if (low == high) throw InvalidArgument(fmt::format("image {} paired with itself", low));
  return kMaxImages * low + high;
}

ColmapPair colmap_pair(std::int64_t pair_id) {
  const std::int64_t high = pair_id % kMaxImages;
  const std::int64_t low = (pair_id - high) / kMaxImages;
  if (low < 1 || high <= low) throw InvalidArgument(fmt::format("{} is not a pair id", pair_id));
  return {static_cast<ColmapImageId>(low), static_cast<ColmapImageId>(high)};
}

}  // namespace twinpatch
