// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "apps/frame/screen.hpp"
#include "twinpatch/core/run_control.hpp"

namespace twinpatch::app {

/// automatic: a bar on a terminal, else a line every 30 seconds. plain: lines. json: one JSON object a line.
enum class ProgressStyle { automatic, plain, json, none };

/// Shows the advance of long work on standard error, with rate and time left.
class ProgressReport : public Progress {
 public:
  ProgressReport(Screen& screen, ProgressStyle style);
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override;
  void advance(std::int64_t units) override;
  void end() override;

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool last);
  [[nodiscard]] std::string text(std::int64_t done, double seconds, bool last) const;
  [[nodiscard]] std::string bar(std::int64_t done, double seconds) const;
  [[nodiscard]] std::string json(std::int64_t done, double seconds, bool last) const;

  Screen& screen_;
  ProgressStyle style_;
  bool draws_bar_ = false;
  Clock::duration interval_{};
  std::mutex mutex_;  ///< guards the stage; `done_` is counted without it
  std::string stage_;
  std::string unit_;
  std::int64_t total_ = 0;
  Clock::time_point started_;
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<Clock::rep> next_ = 0;
  bool active_ = false;
};

}  // namespace twinpatch::app
