// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <utility>

namespace twinpatch {

/// Values by key, bounded in bytes, least recently used out first. For one thread. A value that is larger than the
/// bound is handed out and not kept.
template <class Key, class Value>
class ByteCache {
 public:
  explicit ByteCache(std::int64_t capacity) : capacity_(capacity) {}

  /// make() returns {value, bytes}.
  template <class Make>
  Value get(const Key& key, const Make& make) {
    if (const auto found = entries_.find(key); found != entries_.end()) {
      ++hits_;
      by_use_.splice(by_use_.begin(), by_use_, found->second.position);
      return found->second.value;
    }
    ++misses_;
    std::pair<Value, std::int64_t> made = make();
    by_use_.push_front(key);
    entries_.emplace(key, Entry{made.first, made.second, by_use_.begin()});
    bytes_ += made.second;
    while (bytes_ > capacity_) {
      const auto last = entries_.find(by_use_.back());
      bytes_ -= last->second.bytes;
      entries_.erase(last);
      by_use_.pop_back();
    }
    return made.first;
  }
  [[nodiscard]] bool holds(const Key& key) const { return entries_.contains(key); }
  [[nodiscard]] std::int64_t hits() const { return hits_; }
  [[nodiscard]] std::int64_t misses() const { return misses_; }

 private:
  struct Entry {
    Value value;
    std::int64_t bytes;
    typename std::list<Key>::iterator position;
  };
  std::map<Key, Entry> entries_;
  std::list<Key> by_use_;  ///< most recent first
  std::int64_t capacity_;
  std::int64_t bytes_ = 0;
  std::int64_t hits_ = 0;
  std::int64_t misses_ = 0;
};

}  // namespace twinpatch
