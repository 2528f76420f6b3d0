// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace twinpatch {

/// Fixed set of threads for data-parallel loops. The calling thread works too: a pool of 1 starts no thread.
class ThreadPool {
 public:
  /// `threads` ≥ 1; 0: all that the host has (respecting the process's CPU affinity).
  /// `begin(worker)` is called first on each started thread, worker in [1, threads()): to name it, for example.
  explicit ThreadPool(int threads, std::function<void(int worker)> begin = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;             // workers hold a pointer to it
  ThreadPool& operator=(const ThreadPool&) = delete;  // likewise

  [[nodiscard]] int threads() const noexcept;

  /// Calls `body(begin, end, worker)` for disjoint ranges of at most `grain` that cover [0, count); worker is in
  /// [0, threads()). Returns when all are done and rethrows the first exception of a body. Ranges are assigned
  /// dynamically but do not depend on the number of threads. Calls from several threads take turns.
  void for_ranges(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end, int worker)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
