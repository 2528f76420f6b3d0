// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twinpatch {

/// The four definitions of FPR95; they differ in the second digit, so a figure must name its definition.
enum class Fpr95 {
  deepcompare_lua,      ///< FPR at the threshold whose TPR is nearest to 0.95
  deepcompare_pytorch,  ///< ROC curve, FPR interpolated linearly at TPR = 0.95
  matchnet,             ///< first threshold with TP ≥ 0.95·P; FP / (TP + FP), a false discovery rate
  hardnet               ///< the same threshold; FP / (FP + TN) over the prefix before it
};
[[nodiscard]] std::string to_string(Fpr95 definition);

/// Scores (higher = more similar) against labels (1 match, 0 not). All functions throw InvalidArgument if either
/// class is empty, lengths differ or a score is NaN. Ties are handled as one threshold (order of input never matters).
[[nodiscard]] double fpr95(std::span<const float> scores, std::span<const std::uint8_t> labels, Fpr95 definition);
[[nodiscard]] double roc_auc(std::span<const float> scores, std::span<const std::uint8_t> labels);
[[nodiscard]] double average_precision(std::span<const float> scores, std::span<const std::uint8_t> labels);

struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  float threshold = 0;
};
/// One point for each distinct score, from (0,0) to (1,1).
[[nodiscard]] std::vector<RocPoint> roc_curve(std::span<const float> scores, std::span<const std::uint8_t> labels);

/// Logistic calibration p = 1/(1+exp(−(scale·s + offset))) by maximum likelihood with Platt's smoothed targets (Platt
/// 1999; Lin, Lin & Weng 2007).
struct Calibration {
  double scale = 1;
  double offset = 0;
  [[nodiscard]] double probability(double score) const;
};
[[nodiscard]] Calibration calibrate(std::span<const float> scores, std::span<const std::uint8_t> labels);
[[nodiscard]] std::string to_json(const Calibration& calibration);
[[nodiscard]] Calibration calibration_from_json(const std::string& text);

}  // namespace twinpatch
