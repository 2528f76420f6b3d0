// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch {
namespace {

struct Preset {
  std::string_view name;
  float extent;  // side of the window in sigma
};

// Where each figure comes from stands beside patch_extent_preset() in the header.
constexpr std::array kPresets = {Preset{"colmap", 12.0F}, Preset{"opencv", 13.5F}, Preset{"kornia", 12.0F},
                                 Preset{"hpatches", 10.0F}, Preset{"photo-tour", 13.5F}};

}  // namespace

float patch_extent_preset(std::string_view name) {
  std::string known;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return preset.extent;
    known += known.empty() ? "" : ", ";
    known += preset.name;
  }
  throw InvalidArgument(
      fmt::format("unknown patch extent '{}', expected a number of sigmas or one of {}", name, known));
}

std::vector<std::string> patch_extent_presets() {
  std::vector<std::string> names;
  names.reserve(kPresets.size());
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

}  // namespace twinpatch
