// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "descriptors_behind.hpp"

#include <utility>

namespace twinpatch {

std::shared_ptr<const CachedDescriptors> DescriptorsBehind::find(const std::string& key, std::int64_t rows,
                                                                 std::int64_t columns, std::string& damage) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = waiting_.find(key); found != waiting_.end()) return found->second;
  }
  return cache_->find(key, rows, columns, damage);
}

void DescriptorsBehind::store(const std::string& key, std::shared_ptr<const CachedDescriptors> descriptors) {
  {
    const std::scoped_lock lock(mutex_);
    if (!waiting_.emplace(key, descriptors).second) return;  // two images of the same content
  }
  writer_.run([this, key, descriptors = std::move(descriptors)] {
    cache_->store(key, descriptors->view());
    const std::scoped_lock lock(mutex_);
    waiting_.erase(key);
  });
}

}  // namespace twinpatch
