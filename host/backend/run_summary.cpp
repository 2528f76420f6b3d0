// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/units.hpp"

namespace twinpatch {
namespace {

double rate(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

std::string of_ceiling(double reached, double ceiling, const char* unit) {
  if (ceiling <= 0) return fmt::format("{:.3g} {}", reached, unit);
  return fmt::format("{:.3g} of {:.3g} {} ({:.0f} %)", reached, ceiling, unit, 100 * reached / ceiling);
}

}  // namespace

const RunSummary::Stage* RunSummary::slowest() const {
  const auto longest = std::max_element(stages.begin(), stages.end(),
                                        [](const Stage& a, const Stage& b) { return a.seconds < b.seconds; });
  return longest == stages.end() || longest->seconds <= 0 ? nullptr : &*longest;
}

double RunSummary::seconds(const std::string& name) const {
  double sum = 0;
  for (const Stage& stage : stages) sum += stage.name == name ? stage.seconds : 0;
  return sum;
}

double RunSummary::tflops() const { return rate(operations, seconds("compute")) * 1e-12; }

double RunSummary::gigabytes() const {
  double bytes = 0;
  for (const Stage& stage : stages) {
    if (stage.name == "compute" || stage.name == "select") bytes += static_cast<double>(stage.bytes);
  }
  return rate(bytes, seconds("compute") + seconds("select")) * 1e-9;
}

std::string RunSummary::saturation() const {
  if (rounded == 0) return {};
  return fmt::format("int8: {} of {} activations ({:.2g} %) lay beyond their calibrated range", saturated, rounded,
                     100.0 * static_cast<double>(saturated) / static_cast<double>(rounded));
}

std::vector<std::string> RunSummary::text() const {
  std::vector<std::string> lines;
  if (screened > 0) {
    lines.push_back(fmt::format("{}: {} pairs searched in 8 bits ({}), {:.2f} % of them scored again in full", device,
                                format_count(static_cast<double>(screened)), screening,
                                100.0 * static_cast<double>(rescored) / static_cast<double>(screened)));
  }
  const Stage* const longest = slowest();
  if (longest == nullptr) return lines;
  std::string busy;
  for (const Stage& stage : stages) {
    busy += fmt::format("{}{} {}", busy.empty() ? "" : ", ", stage.name, format_seconds(stage.seconds));
  }
  lines.push_back(fmt::format("{}: slowest stage {} ({})", device, longest->name, busy));
  std::string rates;
  const auto add = [&](std::int64_t count, const char* what) {
    if (count == 0) return;
    rates += fmt::format("{}/s {}, ", format_count(rate(static_cast<double>(count), longest->seconds)), what);
  };
  add(patches, "patches");
  add(pairs, "pairs");
  lines.push_back(fmt::format("{}: {}{}, {}", device, rates, of_ceiling(tflops(), tflops_ceiling, "TFLOP/s"),
                              of_ceiling(gigabytes(), gigabytes_ceiling, "GB/s")));
  return lines;
}

}  // namespace twinpatch
