// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/patch_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/patches/usable_pixels.hpp"

namespace twinpatch {

namespace {

std::int64_t checked_pixels(std::int64_t count, int height, int width) {
  if (count < 0 || height < 1 || width < 1) {
    throw InvalidArgument(fmt::format("no patches of {}x{} pixels, {} of them", height, width, count));
  }
  return checked_multiply(checked_multiply(count, height), width);
}

/// Count, height and width of [N,H,W] or [N,1,H,W].
PatchView shape_of(const NpyArray& array) {
  const auto& shape = array.shape();
  const bool has_channel = shape.size() == 4 && shape[1] == 1;
  if (shape.size() != 3 && !has_channel) {
    throw FormatError(
        array.path(), -1,
        fmt::format("expected patches of shape [N, H, W] or [N, 1, H, W], found [{}]", fmt::join(shape, ", ")));
  }
  const std::int64_t height = shape[shape.size() - 2];
  const std::int64_t width = shape[shape.size() - 1];
  constexpr std::int64_t kLongestSide = 1 << 15;
  if (height < 1 || width < 1 || height > kLongestSide || width > kLongestSide) {
    throw FormatError(array.path(), -1,
                      fmt::format("expected patches of 1 to {} pixels a side, found {}x{} (shape [{}])", kLongestSide,
                                  height, width, fmt::join(shape, ", ")));
  }
  return {PixelType::u8, nullptr, shape[0], static_cast<int>(height), static_cast<int>(width)};
}

void check_type(const NpyArray& array, bool raw) {
  const NpyType found = array.type();
  if (found == (raw ? NpyType::f32 : NpyType::u8)) return;
  if (raw && found == NpyType::u8) {
    throw FormatError(array.path(), -1,
                      "expected float32 patches with --raw, found uint8 (without --raw grey levels are normalised by "
                      "the network's own rule)");
  }
  if (!raw && found == NpyType::f32) {
    throw FormatError(array.path(), -1,
                      "expected uint8 grey levels, found float32 (--raw feeds float32 patches to the network as they "
                      "are)");
  }
  throw FormatError(array.path(), -1,
                    fmt::format("expected patches of {}, found {}", raw ? "float32" : "uint8", npy_type_name(found)));
}

void check_usable(const PatchSet& patches, const std::string& path) {
  const std::int64_t block = std::max<std::int64_t>(1, (4 << 20) / patches.view().patch_bytes());
  for (std::int64_t begin = 0; begin < patches.size(); begin += block) {
    const std::int64_t count = std::min(block, patches.size() - begin);
    const std::int64_t bad = first_unusable_patch(patches.view().slice(begin, count));
    if (bad >= 0) {
      throw FormatError(path, -1,
                        fmt::format("patch {}: expected finite values of at most {:g} in magnitude, found others",
                                    begin + bad, kLargestPixel));
    }
    // The check alone must not make a file of many gigabytes resident.
    patches.release(begin, begin + count);
  }
}

}  // namespace

PatchSet::PatchSet(std::int64_t count, int height, int width) : pixels_(checked_pixels(count, height, width)) {
  view_ = {PixelType::u8, pixels_.data(), count, height, width};
}

PatchSet::PatchSet(PatchView view, std::shared_ptr<const void> owner, std::shared_ptr<const MappedFile> mapping)
    : view_(view), owner_(std::move(owner)), mapping_(std::move(mapping)) {}

std::uint8_t* PatchSet::mutable_patch(std::int64_t i) noexcept {
  return pixels_.data() == nullptr ? nullptr : pixels_.data() + i * view_.patch_bytes();
}

void PatchSet::release(std::int64_t begin, std::int64_t end) const noexcept {
  if (mapping_ == nullptr || begin >= end) return;
  const auto first = static_cast<const std::byte*>(view_.pixels) - mapping_->bytes().data();
  mapping_->release(first + begin * view_.patch_bytes(), first + end * view_.patch_bytes());
}

PatchSet read_npy_patches(const std::filesystem::path& path, bool raw) {
  const NpyArray array = read_npy(path);
  check_type(array, raw);
  PatchView view = shape_of(array);
  if (!raw) {
    view.pixels = array.values<std::uint8_t>().data();
    return {view, array.owner(), array.mapping()};
  }
  view.type = PixelType::f32;
  view.pixels = array.values<float>().data();
  PatchSet patches(view, array.owner(), array.mapping());
  check_usable(patches, array.path());
  return patches;
}

}  // namespace twinpatch
