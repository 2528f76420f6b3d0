// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "svg_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "twinpatch/evaluate/metrics.hpp"

namespace twinpatch::evaluate {
namespace {

constexpr double kRightMargin = 30;  // half the last label under the axis

/// Pixels of the plotting area inside a picture with room for labels.
struct Frame {
  double left = 58, top = 14, width = 470, height = 320;
  [[nodiscard]] double x(double share) const { return left + share * width; }
  [[nodiscard]] double y(double share) const { return top + (1 - share) * height; }
};

std::string open_picture(const Frame& frame) {
  return fmt::format(
      "<svg viewBox='0 0 {:.0f} {:.0f}' role='img'>"
      "<rect x='{}' y='{}' width='{}' height='{}' class='area'/>",
      frame.left + frame.width + kRightMargin, frame.top + frame.height + 46, frame.left, frame.top, frame.width,
      frame.height);
}

std::string x_tick(const Frame& frame, double share, const std::string& label) {
  return fmt::format(
      "<line x1='{0:.1f}' y1='{1:.1f}' x2='{0:.1f}' y2='{2:.1f}' class='grid'/>"
      "<text x='{0:.1f}' y='{3:.1f}' text-anchor='middle'>{4}</text>",
      frame.x(share), frame.y(0), frame.y(1), frame.y(0) + 17, label);
}

std::string y_tick(const Frame& frame, double share, const std::string& label) {
  return fmt::format(
      "<line x1='{0:.1f}' y1='{2:.1f}' x2='{1:.1f}' y2='{2:.1f}' class='grid'/>"
      "<text x='{3:.1f}' y='{4:.1f}' text-anchor='end'>{5}</text>",
      frame.x(0), frame.x(1), frame.y(share), frame.x(0) - 7, frame.y(share) + 4, label);
}

std::string x_title(const Frame& frame, const std::string& title) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle' class='title'>{}</text>", frame.x(0.5),
                     frame.y(0) + 38, title);
}

/// Colours and names at the lower right, where good curves leave room.
std::string legend(const Frame& frame, std::span<const VerificationResult> results) {
  constexpr double kLine = 18;
  std::string svg;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double y = frame.y(0) - 14 - kLine * static_cast<double>(results.size() - 1 - i);
    svg += fmt::format(
        "<line x1='{0:.1f}' y1='{1:.1f}' x2='{2:.1f}' y2='{1:.1f}' stroke='{3}' stroke-width='3'/>"
        "<text x='{4:.1f}' y='{5:.1f}'>{6}</text>",
        frame.x(0.62), y, frame.x(0.67), palette(i), frame.x(0.685), y + 4, escape(results[i].name));
  }
  return svg;
}

/// The decade, as a power of ten, of the smallest false positive rate above 0 that this many pairs can show.
int lowest_power(std::span<const std::uint8_t> labels) {
  const auto others = static_cast<double>(std::max<std::ptrdiff_t>(std::count(labels.begin(), labels.end(), 0), 10));
  return static_cast<int>(-std::ceil(std::log10(others) - 1e-9));
}

/// Where a rate stands on a logarithmic axis from 10^power to 1.
double log_share(double rate, int power) { return 1 - std::log10(std::max(rate, std::pow(10.0, power))) / power; }

float threshold_at_95(const VerificationResult& result, std::span<const std::uint8_t> labels) {
  for (const RocPoint& point : roc_curve(result.scores, labels)) {
    if (point.true_positive_rate >= 0.95) return point.threshold;
  }
  return 0;
}

}  // namespace

std::string palette(std::size_t i) {
  constexpr std::array<const char*, 8> kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                "#e69f00", "#56b4e9", "#000000", "#999933"};
  return kColours[i % kColours.size()];
}

std::string escape(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string roc_plot(std::span<const VerificationResult> results, std::span<const std::uint8_t> labels) {
  const Frame frame;
  std::string svg = open_picture(frame);
  const int lowest = lowest_power(labels);
  for (int power = lowest; power <= 0; ++power) {
    const double rate = std::pow(10.0, power);
    svg += x_tick(frame, log_share(rate, lowest), fmt::format("{:g} %", rate * 100));
  }
  for (int tenth = 0; tenth <= 10; tenth += 2) svg += y_tick(frame, tenth / 10.0, fmt::format("{} %", tenth * 10));
  svg += fmt::format(
      "<line x1='{0:.1f}' y1='{2:.1f}' x2='{1:.1f}' y2='{2:.1f}' class='mark'/>"
      "<text x='{3:.1f}' y='{4:.1f}' class='note'>95 %</text>",
      frame.x(0), frame.x(1), frame.y(0.95), frame.x(0) + 4, frame.y(0.95) - 4);
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string path;
    double last_x = -10, last_y = -10;
    const std::vector<RocPoint> curve = roc_curve(results[i].scores, labels);
    for (std::size_t p = 0; p < curve.size(); ++p) {
      const double x = frame.x(log_share(curve[p].false_positive_rate, lowest));
      const double y = frame.y(curve[p].true_positive_rate);
      // A page need not carry points nearer than half a pixel.
      if (p + 1 < curve.size() && std::abs(x - last_x) + std::abs(y - last_y) < 0.5) continue;
      path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : "L", x, y);
      last_x = x, last_y = y;
    }
    svg += fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='2'/>", path, palette(i));
  }
  svg += legend(frame, results);
  svg += x_title(frame, "pairs of different points accepted (false positive rate, logarithmic)");
  return svg + "</svg>";
}

std::string score_histogram(const VerificationResult& result, std::span<const std::uint8_t> labels) {
  constexpr int kBins = 60;
  Frame frame;
  frame.height = 150;
  const auto [lowest, highest] = std::minmax_element(result.scores.begin(), result.scores.end());
  const double low = static_cast<double>(*lowest);
  const double span = std::max(static_cast<double>(*highest) - low, 1e-9);
  const auto share = [&](double score) { return (score - low) / span; };

  std::array<std::array<double, kBins>, 2> bins{};
  std::array<double, 2> totals{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const int bin = std::min(kBins - 1, static_cast<int>(share(static_cast<double>(result.scores[i])) * kBins));
    bins[labels[i]][static_cast<std::size_t>(bin)] += 1;
    totals[labels[i]] += 1;
  }
  double peak = 0;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    for (double& bin : bins[kind]) peak = std::max(peak, bin /= std::max(totals[kind], 1.0));
  }

  std::string svg = open_picture(frame);
  for (int tick = 0; tick <= 4; ++tick) svg += x_tick(frame, tick / 4.0, fmt::format("{:.3g}", low + span * tick / 4));
  for (std::size_t kind = 0; kind < 2; ++kind) {
    std::string path = fmt::format("M{:.1f},{:.1f}", frame.x(0), frame.y(0));
    for (int bin = 0; bin < kBins; ++bin) {
      const double y = frame.y(bins[kind][static_cast<std::size_t>(bin)] / peak);
      path += fmt::format("L{:.1f},{:.1f}L{:.1f},{:.1f}", frame.x(bin / double{kBins}), y,
                          frame.x((bin + 1) / double{kBins}), y);
    }
    path += fmt::format("L{:.1f},{:.1f}Z", frame.x(1), frame.y(0));
    svg += fmt::format("<path d='{}' class='{}'/>", path, kind == 1 ? "matches" : "others");
  }
  const double mark = frame.x(share(static_cast<double>(threshold_at_95(result, labels))));
  svg += fmt::format(
      "<line x1='{0:.1f}' y1='{1:.1f}' x2='{0:.1f}' y2='{2:.1f}' class='mark'/>"
      "<text x='{3:.1f}' y='{4:.1f}' class='note'>95 % of matches are right of it</text>",
      mark, frame.y(0), frame.y(1), mark + 4, frame.y(1) + 12);
  svg += x_title(frame, "score");
  return svg + "</svg>";
}

}  // namespace twinpatch::evaluate
