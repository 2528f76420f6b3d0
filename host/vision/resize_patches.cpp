// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "opencv.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {
namespace {

/// Patches [count, side, side] of a type, and a pointer to write them through.
struct Target {
  PatchSet patches;
  std::byte* pixels = nullptr;
};

Target make_target(PixelType type, std::int64_t count, int side) {
  Target target;
  if (type == PixelType::u8) {
    target.patches = PatchSet(count, side, side);
    if (count > 0) target.pixels = reinterpret_cast<std::byte*>(target.patches.mutable_patch(0));
    return target;
  }
  const auto memory = std::make_shared<Buffer<float>>(checked_multiply(count, std::int64_t{side} * side));
  target.pixels = reinterpret_cast<std::byte*>(memory->data());
  target.patches = PatchSet(PatchView{type, memory->data(), count, side, side}, memory);
  return target;
}

}  // namespace

PatchSet resize_patches(PatchView patches, int side) {
  if (side < 1) throw InvalidArgument(fmt::format("patch side {}, expected at least 1", side));
  Target target = make_target(patches.type, patches.count, side);
  const int type = patches.type == PixelType::u8 ? CV_8UC1 : CV_32FC1;
  const std::int64_t bytes = std::int64_t{side} * side * pixel_bytes(patches.type);
  const bool shrinks = patches.width > side || patches.height > side;
  for (std::int64_t i = 0; i < patches.count; ++i) {
    const cv::Mat source(patches.height, patches.width, type, const_cast<void*>(patches.slice(i, 1).pixels));
    cv::Mat result(side, side, type, target.pixels + i * bytes);
    cv::resize(source, result, result.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_CUBIC);
  }
  return std::move(target.patches);
}

}  // namespace twinpatch
