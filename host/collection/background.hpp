// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace twinpatch {

/// Does tasks on a thread of its own, in the order given: files are written beside the work on what comes next.
class Background {
 public:
  /// At most `most` tasks wait or are under way: what they hold is bounded.
  explicit Background(std::size_t most);
  /// Finishes what was given. What a task throws is lost here: call finish() where it matters.
  ~Background();
  Background(const Background&) = delete;             // its thread points at it
  Background& operator=(const Background&) = delete;  // likewise

  /// Waits for room. Throws what an earlier task threw; no task was begun after that one.
  void run(std::function<void()> task);
  /// Waits until all tasks are done. Throws what one of them threw.
  void finish();
  /// Seconds spent in tasks.
  [[nodiscard]] double busy() const;

 private:
  void serve();

  std::size_t most_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  ///< the first may be under way
  std::exception_ptr error_;
  double busy_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace twinpatch
