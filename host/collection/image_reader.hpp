// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ahead.hpp"
#include "descriptors_behind.hpp"
#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// Under which key the descriptors of an image are kept: its content, how patches were cut, the model, the numerics,
/// and the bits that this host computes.
class DescriptorKeys {
 public:
  DescriptorKeys(const Engine& engine, const std::string& patch_settings, const std::string& numerics,
                 const std::string& bits);
  [[nodiscard]] std::string key(const PlannedImage& image, Side side) const;
  [[nodiscard]] std::int64_t descriptor_size() const { return descriptor_size_; }

 private:
  std::string made_with_;
  bool sides_differ_;
  std::int64_t descriptor_size_;
};

/// What is wanted of an image: its patches, or what was kept of its descriptors (its patches where nothing was).
struct Wanted {
  std::int32_t image = 0;
  Side side = Side::left;
  bool patches = false;
  friend auto operator<=>(const Wanted&, const Wanted&) = default;
};

struct LoadedImage {
  std::shared_ptr<const PatchSet> patches;
  std::optional<Photograph> photograph;  ///< instead of patches
  std::shared_ptr<const CachedDescriptors> descriptors;
  std::string damage;  ///< what was wrong with the kept descriptors
};

/// Reads images ahead of their use on threads of its own, so that the engine does not wait for decoding. What waits is
/// bounded in bytes (one image is always let in).
class ImageReader {
 public:
  /// What is read, and where descriptors may be kept (null: nowhere). All must outlive the reader.
  struct From {
    const ImageSource& source;
    const std::vector<PlannedImage>& images;
    const DescriptorKeys& keys;
    const DescriptorsBehind* descriptors = nullptr;
    bool photographs = false;  ///< in place of patches that nobody asked for, where the source has them
  };
  /// `threads`: 0: half of what the process has, at most eight.
  ImageReader(const From& from, std::int64_t bytes_ahead, int threads = 0);

  /// These will be taken next, about in this order; replaces what was expected before.
  void expect(std::span<const Wanted> next) { (void)ahead_.expect(next); }
  /// Read ahead, or now. Throws what the source throws; ImageChanged.
  [[nodiscard]] LoadedImage take(const Wanted& wanted) { return ahead_.take(wanted); }
  /// Seconds in which take() waited, and in which images were read: decoded, patches cut, hashed.
  [[nodiscard]] double waited() const { return ahead_.waited(); }
  [[nodiscard]] double busy() const { return ahead_.busy() / threads_; }

 private:
  [[nodiscard]] LoadedImage load(const Wanted& wanted) const;
  [[nodiscard]] std::int64_t cost(const Wanted& wanted) const;

  From from_;
  int threads_;
  Ahead<Wanted, LoadedImage> ahead_;
};

}  // namespace twinpatch
