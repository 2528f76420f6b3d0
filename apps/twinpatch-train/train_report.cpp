// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch-train/train_report.hpp"

#include <fmt/format.h>

#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

constexpr auto kInterval = std::chrono::seconds(10);

}  // namespace

std::string describe(const HistoryEntry& entry) {
  if (entry.scenes.empty()) return "no validation";
  std::string scenes;
  for (const SceneScore& scene : entry.scenes)
    scenes += fmt::format("{}{} {:.2f}", scenes.empty() ? "" : ", ", scene.scene, 100 * scene.fpr95);
  std::string text = fmt::format("FPR95 {:.2f} % ({})", 100 * entry.mean_fpr95(), scenes);
  if (entry.mean_matching() >= 0) text += fmt::format(", mutual matches {:.1f} %", 100 * entry.mean_matching());
  return text;
}

void TrainReport::on_step(const StepReport& report) {
  if (session_.options().progress == ProgressStyle::none) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < kInterval) return;
  shown_ = now;
  if (session_.options().progress == ProgressStyle::json) {
    session_.info("{{\"step\":{},\"seconds\":{:.1f},\"seconds_left\":{:.1f},\"loss\":{:.6g},\"rate\":{:.6g}}}",
                  report.step, report.seconds, report.seconds_left, report.loss, report.rate);
    return;
  }
  const std::string steps =
      report.steps > 0 ? fmt::format("{} of {}", report.step, report.steps) : std::to_string(report.step);
  session_.info("step {}, loss {:.4f}, rate {:.4g}, {} left", steps, report.loss, report.rate,
                format_seconds(report.seconds_left));
}

void TrainReport::on_validation(const HistoryEntry& entry, bool best) {
  session_.info("step {} after {}: loss {:.4f}, {}{}", entry.step, format_seconds(entry.seconds), entry.loss,
                describe(entry), best && !entry.scenes.empty() ? " *" : "");
}

}  // namespace twinpatch::app
