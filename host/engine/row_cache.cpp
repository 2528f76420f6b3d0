// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/row_cache.hpp"

#include <utility>

namespace twinpatch {

struct DescriptorCache::Entry {
  std::promise<std::shared_ptr<const Rows>> promise;
  std::shared_future<std::shared_ptr<const Rows>> rows{promise.get_future()};
  std::int64_t bytes = -1;                    ///< −1 while being made: not to be evicted
  std::list<std::string>::iterator position;  ///< in by_use_
};

DescriptorCache::DescriptorCache(std::int64_t capacity_bytes) : capacity_(capacity_bytes) {
  if (capacity_bytes < 0) throw InvalidArgument("the capacity of a cache must not be negative");
}

std::shared_ptr<const Rows> DescriptorCache::get(const std::string& key, const Make& make) {
  std::shared_ptr<Entry> entry;
  {
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      ++statistics_.hits;
      by_use_.splice(by_use_.begin(), by_use_, found->second->position);
      const auto rows = found->second->rows;
      lock.unlock();
      return rows.get();  // waits for the thread that makes them; throws what that one met
    }
    ++statistics_.misses;
    entry = std::make_shared<Entry>();
    by_use_.push_front(key);
    entry->position = by_use_.begin();
    entries_.emplace(key, entry);
  }
  try {
    auto rows = make();
    if (rows == nullptr) throw InvalidArgument("nothing was made for \"" + key + "\"");
    const std::scoped_lock lock(mutex_);
    entry->bytes = rows->bytes();
    statistics_.bytes += entry->bytes;
    entry->promise.set_value(rows);
    trim();
    return rows;
  } catch (...) {
    // Forgotten before the others wake, so that whoever asks again makes it again.
    forget(key, entry);
    entry->promise.set_exception(std::current_exception());
    throw;
  }
}

void DescriptorCache::forget(const std::string& key, const std::shared_ptr<Entry>& entry) {
  const std::scoped_lock lock(mutex_);
  by_use_.erase(entry->position);
  entries_.erase(key);
}

/// Under the mutex: lets the least recently used go until the rest fits.
void DescriptorCache::trim() {
  auto at = by_use_.end();
  while (statistics_.bytes > capacity_ && at != by_use_.begin()) {
    --at;
    const auto found = entries_.find(*at);
    if (found->second->bytes < 0) continue;
    statistics_.bytes -= found->second->bytes;
    ++statistics_.evictions;
    entries_.erase(found);
    at = by_use_.erase(at);
  }
}

DescriptorCache::Statistics DescriptorCache::statistics() const {
  const std::scoped_lock lock(mutex_);
  return statistics_;
}

}  // namespace twinpatch
