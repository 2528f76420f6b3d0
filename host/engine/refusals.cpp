// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine_state.hpp"
#include "twinpatch/backend/check_rows.hpp"
#include "twinpatch/patches/usable_pixels.hpp"

// What an engine refuses before anything runs; backends may take it for granted.

namespace twinpatch {
namespace {

std::string size_text(int height, int width) { return fmt::format("{}×{}", height, width); }

/// Without pixels: what is known of the patches of a side, nothing where it holds descriptors.
PatchView patches_of(const GridSide& side) {
  if (const PatchView* patches = side.patches()) return *patches;
  PatchView result;
  if (const RowChunks* rows = side.rows()) {
    result.count = rows->size;
    result.height = rows->height;
    result.width = rows->width;
  }
  return result;
}

}  // namespace

void Engine::State::check_patches(PatchView patches, const char* which) const {
  if (patches.count == 0) return;
  if (spec().input && (patches.height != spec().input->height || patches.width != spec().input->width)) {
    throw ShapeError(fmt::format("network {} takes patches of {}, the {} ones are {}", spec().name,
                                 size_text(spec().input->height, spec().input->width), which,
                                 size_text(patches.height, patches.width)));
  }
  if (patches.height < spec().minimum_input.height || patches.width < spec().minimum_input.width) {
    throw ShapeError(fmt::format("network {} needs patches of at least {}, the {} ones are {}", spec().name,
                                 size_text(spec().minimum_input.height, spec().minimum_input.width), which,
                                 size_text(patches.height, patches.width)));
  }
  if (patches.pixels == nullptr) return;
  const std::int64_t bad = first_unusable_patch(patches);
  if (bad < 0) return;
  throw NotFinite(
      fmt::format("{} patch {} has a pixel that is not finite or above {:g} in magnitude", which, bad, kLargestPixel),
      bad);
}

void Engine::State::check_pair_of_sets(PatchView left, PatchView right) const {
  check_patches(left, "left");
  check_patches(right, "right");
  if (left.count == 0 || right.count == 0 || !two_channel()) return;
  if (left.height != right.height || left.width != right.width) {
    throw ShapeError(fmt::format("network {} needs both patches of a pair in one size, found {} and {}", spec().name,
                                 size_text(left.height, left.width), size_text(right.height, right.width)));
  }
  if (left.pixels != nullptr && right.pixels != nullptr && left.type != right.type) {
    throw InvalidArgument("left and right patches must both be grey levels or both be raw floats");
  }
}

void Engine::State::check_windows(const PhotographView& photograph) const {
  check_has_descriptors(spec());
  if (resident == nullptr || !resident->cuts()) throw InvalidArgument("the device does not cut patches");
  const auto count = std::ssize(photograph.windows);
  check_patches({PixelType::u8, nullptr, count, photograph.side, photograph.side}, "described");
  std::vector<Extent> levels = {{photograph.height, photograph.width}};
  while (std::ssize(levels) < photograph.levels && (levels.back().height > 1 || levels.back().width > 1)) {
    levels.push_back({(levels.back().height + 1) / 2, (levels.back().width + 1) / 2});
  }
  const auto lies_in = [&](const LevelWindow& window, std::int64_t level) {
    const Extent size = levels[static_cast<std::size_t>(std::min(level, std::ssize(levels) - 1))];
    return window.origin_x >= 0 && window.origin_x < size.width && window.origin_y >= 0 &&
           window.origin_y < size.height;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const PatchWindow& window = photograph.windows[static_cast<std::size_t>(i)];
    if (window.level >= 0 && window.level < std::ssize(levels) && lies_in(window.fine, window.level) &&
        lies_in(window.coarse, window.level + 1)) {
      continue;
    }
    throw InvalidArgument(fmt::format("window {} lies outside the levels of an image of {}×{} pixels", i,
                                      photograph.width, photograph.height));
  }
}

void Engine::State::check_side(const GridSide& side, Side which) const {
  if (const PatchView* patches = side.patches()) return check_patches(*patches, to_string(which));
  if (const RowChunks* rows = side.rows()) {
    return twinpatch::check_side(spec().name, which, rows->side);
  }
  if (two_channel()) {
    throw InvalidArgument(
        fmt::format("network {} takes both patches of a pair at once: the {} side cannot be descriptors", spec().name,
                    to_string(which)));
  }
  if (side.descriptors()->columns != branch->descriptor_size()) {
    throw ShapeError(fmt::format("descriptors of network {} have {} values, the {} ones have {}", spec().name,
                                 branch->descriptor_size(), to_string(which), side.descriptors()->columns));
  }
}

void Engine::State::check_sides(const GridSide& left, const GridSide& right) const {
  check_side(left, Side::left);
  check_side(right, Side::right);
  if (two_channel()) check_pair_of_sets(patches_of(left), patches_of(right));
}

}  // namespace twinpatch
