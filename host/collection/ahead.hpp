// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "twinpatch/core/stopwatch.hpp"

namespace twinpatch {

/// Makes values by key ahead of their use, on threads of its own. What waits or is being made is bounded in what it
/// costs; one value is always let in. Values do not depend on the number of threads, nor on when they are made.
template <class Key, class Value>
class Ahead {
 public:
  struct Maker {
    std::function<Value(const Key&)> make;         ///< called by several threads at once
    std::function<std::int64_t(const Key&)> cost;  ///< an upper bound, known before
  };

  Ahead(Maker maker, std::int64_t most, int threads) : maker_(std::move(maker)), most_(most) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~Ahead() {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Ahead(const Ahead&) = delete;             // its threads point at it
  Ahead& operator=(const Ahead&) = delete;  // likewise

  /// These will be taken next, about in this order; replaces what was expected before. Returns those that nobody has
  /// begun to make.
  std::vector<Key> expect(std::span<const Key> next) {
    std::vector<Key> waiting;
    {
      const std::scoped_lock lock(mutex_);
      std::list<Slot> slots;
      for (const Key& key : next) {
        const auto found = find(key);
        if (found == slots_.end()) {
          slots.push_back({.key = key});
        } else {
          slots.splice(slots.end(), slots_, found);
        }
        if (slots.back().state == State::waiting) waiting.push_back(key);
      }
      for (auto slot = slots_.begin(); slot != slots_.end();) {
        const auto now = slot++;
        if (now->taken || now->state == State::being_made) slots.splice(slots.end(), slots_, now);
      }
      for (const Slot& slot : slots_) used_ -= slot.cost;
      slots_ = std::move(slots);
    }
    changed_.notify_all();
    return waiting;
  }

  /// Made ahead, or now where its turn has not come. Throws what making it throws.
  [[nodiscard]] Value take(const Key& key) {
    const Stopwatch watch;
    std::unique_lock lock(mutex_);
    const auto slot = find(key);
    if (slot == slots_.end() || slot->state == State::waiting) {
      if (slot != slots_.end()) {
        make_way(slot);
        slots_.erase(slot);
      }
      lock.unlock();
      changed_.notify_all();
      Value value = maker_.make(key);
      lock.lock();
      busy_ += watch.seconds();
      waited_ += watch.seconds();
      return value;
    }
    slot->taken = true;
    changed_.wait(lock, [&] { return slot->state == State::made; });
    waited_ += watch.seconds();
    Slot taken = std::move(*slot);
    used_ -= taken.cost;
    slots_.erase(slot);
    lock.unlock();
    changed_.notify_all();
    if (taken.error != nullptr) std::rethrow_exception(taken.error);
    return std::move(taken.value);
  }

  /// Seconds in which take() waited, and seconds spent making values, of all threads.
  [[nodiscard]] double waited() const {
    const std::scoped_lock lock(mutex_);
    return waited_;
  }
  [[nodiscard]] double busy() const {
    const std::scoped_lock lock(mutex_);
    return busy_;
  }

 private:
  enum class State { waiting, being_made, made };
  struct Slot {
    Key key;
    State state = State::waiting;
    bool taken = false;     ///< somebody waits for it
    std::int64_t cost = 0;  ///< once begun
    Value value{};
    std::exception_ptr error{};
  };
  using Slots = std::list<Slot>;

  typename Slots::iterator find(const Key& key) {
    return std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.key == key && !slot.taken; });
  }

  /// Values before `until` that were made and then not needed would keep out what is needed now.
  void make_way(typename Slots::iterator until) {
    for (auto slot = slots_.begin(); slot != until;) {
      const auto now = slot++;
      if (now->state != State::made || now->taken) continue;
      used_ -= now->cost;
      slots_.erase(now);
    }
  }

  /// The first that nobody has begun to make, if there is room for it.
  typename Slots::iterator next_to_make() {
    const auto slot =
        std::find_if(slots_.begin(), slots_.end(), [](const Slot& s) { return s.state == State::waiting; });
    if (slot == slots_.end() || used_ == 0 || used_ + maker_.cost(slot->key) <= most_) return slot;
    return slots_.end();
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      auto slot = slots_.end();
      changed_.wait(lock, [&] { return stop_ || (slot = next_to_make()) != slots_.end(); });
      if (stop_) return;
      slot->state = State::being_made;
      slot->cost = maker_.cost(slot->key);
      used_ += slot->cost;
      lock.unlock();
      const Stopwatch watch;
      Value value{};
      std::exception_ptr error;
      try {
        value = maker_.make(slot->key);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      busy_ += watch.seconds();
      slot->value = std::move(value);
      slot->error = error;
      slot->state = State::made;
      changed_.notify_all();
    }
  }

  Maker maker_;
  std::int64_t most_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  Slots slots_;            ///< in the order of their use
  std::int64_t used_ = 0;  ///< cost of those that were begun
  double waited_ = 0;
  double busy_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace twinpatch
