// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "apps/frame/session.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::app {

/// Shows a run on standard error: a line now and then with the time left, one for every validation.
class TrainReport : public TrainObserver {
 public:
  explicit TrainReport(Session& session) : session_(session) {}
  void on_step(const StepReport& report) override;
  void on_validation(const HistoryEntry& entry, bool best) override;
  void on_message(std::string_view text) override { session_.info("{}", text); }

 private:
  Session& session_;
  std::chrono::steady_clock::time_point shown_{};
};

/// "FPR95 1.23 % (boat 0.9, trees 1.5), mutual matches 78.1 %"
[[nodiscard]] std::string describe(const HistoryEntry& entry);

}  // namespace twinpatch::app
