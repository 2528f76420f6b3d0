// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "keypoint_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "hash.hpp"

namespace twinpatch {
namespace {

constexpr std::string_view kMasked = " masked ";  // no content key has it

}  // namespace

std::string planned_key(const ImageSource& source, std::int64_t image) {
  std::string key = source.content_key(image);
  const std::vector<bool> masked = source.masked_keypoints(image);
  if (std::ranges::find(masked, true) == masked.end()) return key;
  Hash hash;
  hash.add(std::ssize(masked));
  for (std::size_t i = 0; i < masked.size(); ++i) {
    if (masked[i]) hash.add(static_cast<std::int64_t>(i));
  }
  return key.append(kMasked).append(hash.hex());
}

std::string_view content_of(std::string_view planned_key) { return planned_key.substr(0, planned_key.rfind(kMasked)); }

VisibleKeypoints visible_keypoints(const ImageSource& source, std::int64_t image, std::int64_t keypoints) {
  const std::vector<bool> masked = source.masked_keypoints(image);
  if (masked.empty()) return std::nullopt;
  if (std::ssize(masked) != keypoints) {
    throw InvalidArgument(fmt::format("image {}: a mask of {} keypoints, the image has {}", source.name(image),
                                      masked.size(), keypoints));
  }
  std::vector<std::int32_t> visible;
  for (std::int32_t i = 0; i < std::ssize(masked); ++i) {
    if (!masked[static_cast<std::size_t>(i)]) visible.push_back(i);
  }
  if (visible.size() == masked.size()) return std::nullopt;
  return visible;
}

Matrix gathered(MatrixView rows, std::span<const std::int32_t> numbers) {
  Matrix result(std::ssize(numbers), rows.columns);
  for (std::int64_t i = 0; i < result.rows(); ++i) {
    std::ranges::copy(rows.row(numbers[static_cast<std::size_t>(i)]), result.row(i).begin());
  }
  return result;
}

PatchSet gathered(PatchView patches, std::span<const std::int32_t> numbers) {
  const auto size = static_cast<std::size_t>(patches.patch_bytes());
  const auto pixels = std::make_shared<std::vector<std::byte>>(numbers.size() * size);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::memcpy(pixels->data() + i * size,
                static_cast<const std::byte*>(patches.pixels) + static_cast<std::size_t>(numbers[i]) * size, size);
  }
  patches.pixels = pixels->data();
  patches.count = std::ssize(numbers);
  return {patches, pixels};
}

}  // namespace twinpatch
