// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace twinpatch::app {

/// Turns Ctrl-C (and SIGTERM, and SIGHUP of a terminal that closes) into a stop request: the first asks the run to end
/// at its next clean point, the second ends the process at once with exit code 130. One object at a time.
class InterruptWatch {
 public:
  /// `announce` is called once, on a thread of its own, when the first signal has arrived.
  explicit InterruptWatch(std::function<void()> announce);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;             // owns the process's signal handlers
  InterruptWatch& operator=(const InterruptWatch&) = delete;  // likewise
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::thread watcher_;
};

}  // namespace twinpatch::app
