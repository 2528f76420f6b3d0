// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "descriptor_disk_cache.hpp"
#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// Under which key the descriptors of an image are kept: its content, how patches were cut, the model, the numerics.
class DescriptorKeys {
 public:
  DescriptorKeys(const Engine& engine, std::string patch_settings, std::string numerics);
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
  std::shared_ptr<const CachedDescriptors> descriptors;
  std::string damage;  ///< what was wrong with the kept descriptors
  [[nodiscard]] std::int64_t bytes() const;
};

/// Reads images ahead of their use on a thread of its own, so that the engine does not wait for decoding. What waits is
/// bounded in bytes (one image is always let in).
class ImageReader {
 public:
  /// `images` and `keys` must outlive it; `disk_cache` may be null.
  ImageReader(const ImageSource& source, const std::vector<PlannedImage>& images, const DescriptorKeys& keys,
              DescriptorDiskCache* disk_cache, std::int64_t bytes_ahead);
  ~ImageReader();
  ImageReader(const ImageReader&) = delete;             // its thread points at it
  ImageReader& operator=(const ImageReader&) = delete;  // likewise

  /// These will be taken next, in this order; replaces what was expected before.
  void expect(std::deque<Wanted> next);
  /// Read ahead, or now. Throws what the source throws; ImageChanged.
  [[nodiscard]] LoadedImage take(const Wanted& wanted);
  /// Seconds in which take() waited.
  [[nodiscard]] double waited() const { return waited_; }

 private:
  struct Ready {
    Wanted wanted;
    LoadedImage image;
    std::exception_ptr error;
  };
  void serve();
  [[nodiscard]] LoadedImage load(const Wanted& wanted) const;

  const ImageSource& source_;
  const std::vector<PlannedImage>& images_;
  const DescriptorKeys& keys_;
  DescriptorDiskCache* disk_cache_;
  std::int64_t bytes_ahead_;
  double waited_ = 0;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<Wanted> next_;
  std::deque<Ready> ready_;
  std::optional<Wanted> loading_;
  std::int64_t ready_bytes_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace twinpatch
