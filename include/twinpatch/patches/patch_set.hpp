// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/core/buffer.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {

/// u8: grey levels, normalised by the network's rule. f32: fed to the network unchanged ("raw").
enum class PixelType { u8, f32 };

[[nodiscard]] constexpr std::int64_t pixel_bytes(PixelType type) { return type == PixelType::u8 ? 1 : 4; }

/// View of `count` grey patches of equal size, [count, height, width], contiguous. Owns nothing.
struct PatchView {
  PixelType type = PixelType::u8;
  const void* pixels = nullptr;
  std::int64_t count = 0;
  int height = 0;
  int width = 0;

  [[nodiscard]] std::int64_t patch_bytes() const { return std::int64_t{height} * width * pixel_bytes(type); }
  /// Patches [begin, begin + n).
  [[nodiscard]] PatchView slice(std::int64_t begin, std::int64_t n) const {
    return {type, static_cast<const std::byte*>(pixels) + begin * patch_bytes(), n, height, width};
  }
};

/// Owner of patches of equal size, in memory or in a mapped file.
class PatchSet {
 public:
  PatchSet() = default;
  PatchSet(std::int64_t count, int height, int width);  ///< uninitialised u8
  /// Patches stored elsewhere (a mapped file); `owner` keeps them alive.
  PatchSet(PatchView view, std::shared_ptr<const void> owner, std::shared_ptr<const MappedFile> mapping = nullptr);
  PatchSet(PatchSet&&) noexcept = default;
  PatchSet& operator=(PatchSet&&) noexcept = default;

  [[nodiscard]] PatchView view() const noexcept { return view_; }
  [[nodiscard]] std::int64_t size() const noexcept { return view_.count; }
  /// Pixels of patch i of a set made by the sizing constructor; null for a set in a mapped file.
  [[nodiscard]] std::uint8_t* mutable_patch(std::int64_t i) noexcept;
  /// Patches [begin, end) need not stay resident (for mapped files; otherwise does nothing).
  void release(std::int64_t begin, std::int64_t end) const noexcept;

 private:
  PatchView view_;
  Buffer<std::uint8_t> pixels_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const MappedFile> mapping_;
};

/// .npy [N,H,W] (or [N,1,H,W]) of uint8, or of float32 where `raw`. Float patches must be finite; a NaN is reported
/// with its patch. Throws FormatError (wrong type, shape, order), IoError.
[[nodiscard]] PatchSet read_npy_patches(const std::filesystem::path& path, bool raw);

}  // namespace twinpatch
