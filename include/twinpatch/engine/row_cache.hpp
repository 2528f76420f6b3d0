// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

/// Rows per image (or block of patches), bounded in bytes, least recently used out first, each made once even if
/// several threads ask for it together. Entries still held by a caller stay alive after they leave the cache.
class DescriptorCache {
 public:
  explicit DescriptorCache(std::int64_t capacity_bytes);
  using Make = std::function<std::shared_ptr<const Rows>()>;
  /// The rows under `key` (image, model hash, side), made by `make` where they are not there. An exception of `make`
  /// reaches every thread that waits for it, and the key can be tried again.
  [[nodiscard]] std::shared_ptr<const Rows> get(const std::string& key, const Make& make);

  struct Statistics {
    std::int64_t hits = 0, misses = 0, evictions = 0, bytes = 0;
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Entry;
  void trim();
  void forget(const std::string& key, const std::shared_ptr<Entry>& entry);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::list<std::string> by_use_;  ///< most recent first
  std::int64_t capacity_ = 0;
  Statistics statistics_;
};

}  // namespace twinpatch
