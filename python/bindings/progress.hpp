// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "twinpatch/core/run_control.hpp"

namespace twinpatch::python {

inline constexpr std::chrono::milliseconds kListenEvery{100};

/// Progress from the threads that work, kept until the thread that called hands it to Python.
class Mailbox final : public Progress {
 public:
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override;
  void advance(std::int64_t units) override;
  void end() override {}

  /// Calls `callback(stage, done, total, unit)` for every stage that went on since the last call. Needs the
  /// interpreter's lock; does nothing for None. Throws python_error.
  void deliver(const nanobind::object& callback);

 private:
  struct Stage {
    std::string name, unit;
    std::int64_t done = 0;
    std::int64_t total = 0;  ///< 0: unknown
  };
  std::mutex mutex_;
  std::vector<Stage> stages_;  ///< those with news; the last one is the one that is going on
  bool has_news_ = false;
};

}  // namespace twinpatch::python
