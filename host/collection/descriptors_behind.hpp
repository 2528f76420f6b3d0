// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "background.hpp"
#include "descriptor_disk_cache.hpp"

namespace twinpatch {

/// A cache of descriptors that stores beside the work of whoever gives them. May be used from several threads.
class DescriptorsBehind {
 public:
  explicit DescriptorsBehind(std::unique_ptr<DescriptorDiskCache> cache) : cache_(std::move(cache)) {}

  /// As DescriptorDiskCache::find(); what is not on the disk yet is found too.
  [[nodiscard]] std::shared_ptr<const CachedDescriptors> find(const std::string& key, std::int64_t rows,
                                                              std::int64_t columns, std::string& damage) const;
  /// Waits where two images wait for the disk. Throws what storing an earlier one threw.
  void store(const std::string& key, std::shared_ptr<const CachedDescriptors> descriptors);
  /// Waits until all are stored. Throws what storing one of them threw.
  void finish() { writer_.finish(); }
  /// Seconds spent storing.
  [[nodiscard]] double busy() const { return writer_.busy(); }

 private:
  std::unique_ptr<DescriptorDiskCache> cache_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const CachedDescriptors>> waiting_;  ///< guarded by mutex_
  Background writer_{2};                                                     ///< last: its tasks use what is above
};

}  // namespace twinpatch
