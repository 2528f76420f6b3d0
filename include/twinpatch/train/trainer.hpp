// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/train/options.hpp"

namespace twinpatch {

/// The loss became NaN or infinite. The message says at which step, and where the last good checkpoint is.
class TrainingDiverged : public Error {
 public:
  TrainingDiverged(std::int64_t step, const std::string& what) : Error(what), step_(step) {}
  [[nodiscard]] std::int64_t step() const noexcept { return step_; }

 private:
  std::int64_t step_;
};

struct SceneScore {
  std::string scene;
  double fpr95 = 0;  ///< HardNet's definition (evaluate/metrics.hpp)
  double auc = 0;
  double matching = -1;  ///< share of correct mutual nearest neighbours among its points; −1: not a grid network
};

/// One line of the learning curve.
struct HistoryEntry {
  std::int64_t step = 0;
  double seconds = 0;
  double loss = 0;  ///< mean since the entry before
  double rate = 0;
  std::vector<SceneScore> scenes;
  [[nodiscard]] double mean_fpr95() const;
  [[nodiscard]] double mean_matching() const;
};

struct StepReport {
  std::int64_t step = 0;
  std::int64_t steps = 0;  ///< 0 if the run is limited by time
  double seconds = 0;
  double seconds_left = 0;
  double loss = 0;  ///< running mean
  double rate = 0;
};

/// Observes a run; called from the training thread.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_step(const StepReport&) {}
  virtual void on_validation(const HistoryEntry&, bool best) { (void)best; }
  /// One line for the user: what was read, resumed, or failed without ending the run.
  virtual void on_message(std::string_view) {}
};

struct TrainResult {
  Model model;  ///< the best by mean FPR95 over the validation scenes, else the last; with calibration and history
  std::vector<HistoryEntry> history;
  std::int64_t steps = 0;
  std::int64_t best_step = 0;
  double seconds = 0;
  bool resumed = false;
};

/// Trains. A run with a checkpoint folder that was killed continues there. Throws InvalidArgument (options, data),
/// TrainingDiverged, Interrupted (after writing a checkpoint).
[[nodiscard]] TrainResult train_network(const TrainOptions& options, TrainObserver& observer,
                                        std::stop_token stop = {});

/// The curve as CSV (one row per validation, one column per scene) and as a picture (SVG).
[[nodiscard]] std::string history_csv(const std::vector<HistoryEntry>& history);
[[nodiscard]] std::string history_svg(const std::vector<HistoryEntry>& history, const std::string& title);

}  // namespace twinpatch
