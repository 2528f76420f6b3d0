// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "twinpatch/train/trainer.hpp"

namespace twinpatch {
namespace {

constexpr double kWidth = 760, kHeight = 420, kLeft = 60, kRight = 170, kTop = 40, kBottom = 50;
constexpr const char* kColors[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e",
                                   "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else
      result += c;
  }
  return result;
}

/// FPR95 from 0.1 % to 100 % on a logarithmic axis.
double height_of(double fpr95) {
  const double percent = std::clamp(100 * fpr95, 0.1, 100.0);
  return kTop + (kHeight - kTop - kBottom) * (2 - std::log10(percent)) / 3;
}

std::string line(const std::vector<std::pair<double, double>>& points, const char* color, double width) {
  std::string path;
  for (const auto& [x, y] : points) path += fmt::format("{:.1f},{:.1f} ", x, y);
  return fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" points=\"{}\"/>\n", color, width, path);
}

std::string text(double x, double y, const char* anchor, const std::string& words, const char* color = "#333") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, anchor, color,
                     escaped(words));
}

}  // namespace

double HistoryEntry::mean_fpr95() const {
  double sum = 0;
  for (const SceneScore& scene : scenes) sum += scene.fpr95;
  return scenes.empty() ? 0 : sum / static_cast<double>(scenes.size());
}

double HistoryEntry::mean_matching() const {
  double sum = 0;
  for (const SceneScore& scene : scenes) {
    if (scene.matching < 0) return -1;
    sum += scene.matching;
  }
  return scenes.empty() ? -1 : sum / static_cast<double>(scenes.size());
}

std::string history_csv(const std::vector<HistoryEntry>& history) {
  std::string csv = "step,seconds,loss,rate";
  if (history.empty()) return csv + "\n";
  const bool validated = !history.front().scenes.empty();
  if (validated) csv += ",mean fpr95,mean matching";
  for (const SceneScore& scene : history.front().scenes)
    csv += fmt::format(",\"{0} fpr95\",\"{0} auc\",\"{0} matching\"", scene.scene);
  csv += "\n";
  for (const HistoryEntry& entry : history) {
    csv += fmt::format("{},{:.1f},{:.6g},{:.6g}", entry.step, entry.seconds, entry.loss, entry.rate);
    if (validated) csv += fmt::format(",{:.6f},{:.6f}", entry.mean_fpr95(), entry.mean_matching());
    for (const SceneScore& scene : entry.scenes)
      csv += fmt::format(",{:.6f},{:.6f},{:.6f}", scene.fpr95, scene.auc, scene.matching);
    csv += "\n";
  }
  return csv;
}

std::string history_svg(const std::vector<HistoryEntry>& history, const std::string& title) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, kHeight);
  svg += text(kLeft, 22, "start", title + ": FPR95 on scenes not trained on (%, logarithmic), and the loss");
  const double last = history.empty() ? 1 : std::max<double>(1, static_cast<double>(history.back().step));
  const auto x_of = [&](std::int64_t step) {
    return kLeft + (kWidth - kLeft - kRight) * static_cast<double>(step) / last;
  };
  for (const double percent : {0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0}) {
    const double y = height_of(percent / 100);
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", kLeft,
                       kWidth - kRight, y, y);
    svg += text(kLeft - 8, y + 4, "end", fmt::format("{:g}", percent));
  }
  svg += text(kLeft, kHeight - 18, "middle", "0");
  svg += text(kWidth - kRight, kHeight - 18, "middle", fmt::format("{} steps", last));

  double top_loss = 0;
  for (const HistoryEntry& entry : history) top_loss = std::max(top_loss, entry.loss);
  std::vector<std::pair<double, double>> points;
  for (const HistoryEntry& entry : history)
    points.emplace_back(x_of(entry.step),
                        kHeight - kBottom - (kHeight - kTop - kBottom) * entry.loss / std::max(top_loss, 1e-12));
  svg += line(points, "#bbbbbb", 1.5);
  double label = kTop + 10;
  svg += text(kWidth - kRight + 12, label, "start", fmt::format("loss (top: {:.3g})", top_loss), "#999");
  const std::size_t scenes = history.empty() ? 0 : history.front().scenes.size();
  for (std::size_t i = 0; i < scenes; ++i) {
    points.clear();
    for (const HistoryEntry& entry : history) points.emplace_back(x_of(entry.step), height_of(entry.scenes[i].fpr95));
    const char* color = kColors[i % std::size(kColors)];
    svg += line(points, color, 1.5);
    label += 18;
    svg += text(kWidth - kRight + 12, label, "start",
                fmt::format("{} {:.2f}", history.back().scenes[i].scene, 100 * history.back().scenes[i].fpr95), color);
  }
  if (scenes > 1) {
    points.clear();
    for (const HistoryEntry& entry : history) points.emplace_back(x_of(entry.step), height_of(entry.mean_fpr95()));
    svg += line(points, "#000000", 3);
    svg += text(kWidth - kRight + 12, label + 18, "start",
                fmt::format("mean {:.2f}", 100 * history.back().mean_fpr95()), "#000");
  }
  return svg + "</svg>\n";
}

}  // namespace twinpatch
