// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <utility>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

/// Values by key, bounded in what they cost together (their number, or their bytes); the least recently used go first.
/// For one thread. `Value` is copied out: a pointer, or something small.
template <class Key, class Value>
class LruCache {
 public:
  using Cost = std::function<std::int64_t(const Value&)>;

  /// Without a `cost` every value counts as one. Throws InvalidArgument for a negative capacity.
  explicit LruCache(
      std::int64_t capacity, Cost cost = [](const Value& /*value*/) { return std::int64_t{1}; })
      : capacity_(capacity), cost_(std::move(cost)) {
    if (capacity < 0) throw InvalidArgument("the capacity of a cache must not be negative");
  }

  /// The value under `key`; where there is none, make() gives it. A value that costs more than the capacity is handed
  /// out and not kept, and drives nothing out.
  template <class Make>
  Value get(const Key& key, const Make& make) {
    if (const auto found = entries_.find(key); found != entries_.end()) {
      ++hits_;
      by_use_.splice(by_use_.begin(), by_use_, found->second.position);
      return found->second.value;
    }
    ++misses_;
    Value value = make();
    const std::int64_t cost = cost_(value);
    if (cost > capacity_) return value;
    while (used_ + cost > capacity_) drop_oldest();
    by_use_.push_front(key);
    entries_.emplace(key, Entry{value, cost, by_use_.begin()});
    used_ += cost;
    return value;
  }

  [[nodiscard]] bool holds(const Key& key) const { return entries_.contains(key); }
  void clear() {
    entries_.clear();
    by_use_.clear();
    used_ = 0;
  }
  /// Cost of what is held.
  [[nodiscard]] std::int64_t used() const { return used_; }
  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  [[nodiscard]] std::int64_t hits() const { return hits_; }
  [[nodiscard]] std::int64_t misses() const { return misses_; }

 private:
  struct Entry {
    Value value;
    std::int64_t cost;
    typename std::list<Key>::iterator position;  ///< in by_use_
  };

  void drop_oldest() {
    const auto oldest = entries_.find(by_use_.back());
    used_ -= oldest->second.cost;
    entries_.erase(oldest);
    by_use_.pop_back();
  }

  std::map<Key, Entry> entries_;
  std::list<Key> by_use_;  ///< most recent first
  std::int64_t capacity_;
  Cost cost_;
  std::int64_t used_ = 0;
  std::int64_t hits_ = 0;
  std::int64_t misses_ = 0;
};

}  // namespace twinpatch
