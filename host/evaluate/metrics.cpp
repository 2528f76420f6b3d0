// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

struct Counts {
  std::int64_t positives = 0;
  std::int64_t negatives = 0;
};

Counts check_input(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  if (scores.size() != labels.size()) {
    throw InvalidArgument(fmt::format("{} scores but {} labels", scores.size(), labels.size()));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) throw InvalidArgument(fmt::format("score {} is not a number", i));
  }
  Counts counts;
  counts.positives = std::count(labels.begin(), labels.end(), std::uint8_t{1});
  counts.negatives = std::ssize(labels) - counts.positives;
  if (counts.positives == 0) throw InvalidArgument("no matching pair among the labels; a ROC curve needs both kinds");
  if (counts.negatives == 0)
    throw InvalidArgument("no pair of different points among the labels; a ROC curve needs both kinds");
  return counts;
}

/// Cumulative counts after each distinct score, from the highest score down.
struct Step {
  std::int64_t true_positives = 0;
  std::int64_t false_positives = 0;
  float threshold = 0;
};

std::vector<Step> cumulative_steps(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<Step> steps;
  Step running;
  for (std::size_t i = 0; i < order.size(); ++i) {
    (labels[order[i]] == 1 ? running.true_positives : running.false_positives) += 1;
    const bool last_of_tie = i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]];
    running.threshold = scores[order[i]];
    if (last_of_tie) steps.push_back(running);
  }
  return steps;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double fpr_nearest(const std::vector<Step>& steps, Counts counts) {
  const auto distance = [&](const Step& step) { return std::abs(ratio(step.true_positives, counts.positives) - 0.95); };
  const auto nearest = std::min_element(steps.begin(), steps.end(),
                                        [&](const Step& a, const Step& b) { return distance(a) < distance(b); });
  return ratio(nearest->false_positives, counts.negatives);
}

double fpr_interpolated(const std::vector<Step>& steps, Counts counts) {
  double previous_tpr = 0;
  double previous_fpr = 0;
  for (const Step& step : steps) {
    const double tpr = ratio(step.true_positives, counts.positives);
    const double fpr = ratio(step.false_positives, counts.negatives);
    if (tpr >= 0.95) {
      const double share = tpr > previous_tpr ? (0.95 - previous_tpr) / (tpr - previous_tpr) : 1.0;
      return previous_fpr + share * (fpr - previous_fpr);
    }
    previous_tpr = tpr;
    previous_fpr = fpr;
  }
  return 1.0;
}

const Step& first_reaching_95(const std::vector<Step>& steps, Counts counts) {
  return *std::find_if(steps.begin(), steps.end(), [&](const Step& step) {
    return static_cast<double>(step.true_positives) >= 0.95 * static_cast<double>(counts.positives);
  });
}

/// Newton's method on the log-likelihood with backtracking, as Lin, Lin & Weng (2007) give it.
struct Logistic {
  std::span<const float> scores;
  std::vector<double> targets;

  [[nodiscard]] double loss(double scale, double offset) const {
    double sum = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double z = scale * static_cast<double>(scores[i]) + offset;
      // −t·log p − (1−t)·log(1−p), without overflow for either sign of z.
      sum += z >= 0 ? (1 - targets[i]) * z + std::log1p(std::exp(-z)) : -targets[i] * z + std::log1p(std::exp(z));
    }
    return sum;
  }
};

}  // namespace

std::string to_string(Fpr95 definition) {
  switch (definition) {
    case Fpr95::deepcompare_lua:
      return "deepcompare-lua";
    case Fpr95::deepcompare_pytorch:
      return "deepcompare-pytorch";
    case Fpr95::matchnet:
      return "matchnet";
    case Fpr95::hardnet:
      return "hardnet";
  }
  return "unknown";
}

double fpr95(std::span<const float> scores, std::span<const std::uint8_t> labels, Fpr95 definition) {
  const Counts counts = check_input(scores, labels);
  const std::vector<Step> steps = cumulative_steps(scores, labels);
  switch (definition) {
    case Fpr95::deepcompare_lua:
      return fpr_nearest(steps, counts);
    case Fpr95::deepcompare_pytorch:
      return fpr_interpolated(steps, counts);
    case Fpr95::matchnet: {
      const Step& step = first_reaching_95(steps, counts);
      return ratio(step.false_positives, step.true_positives + step.false_positives);
    }
    case Fpr95::hardnet:
      return ratio(first_reaching_95(steps, counts).false_positives, counts.negatives);
  }
  throw InvalidArgument("unknown definition of FPR95");
}

std::vector<RocPoint> roc_curve(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  const Counts counts = check_input(scores, labels);
  const std::vector<Step> steps = cumulative_steps(scores, labels);
  std::vector<RocPoint> curve{{0, 0, steps.front().threshold}};
  for (const Step& step : steps) {
    curve.push_back(
        {ratio(step.false_positives, counts.negatives), ratio(step.true_positives, counts.positives), step.threshold});
  }
  return curve;
}

double roc_auc(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  const std::vector<RocPoint> curve = roc_curve(scores, labels);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  }
  return area;
}

double average_precision(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  const Counts counts = check_input(scores, labels);
  double sum = 0;
  std::int64_t previous = 0;
  for (const Step& step : cumulative_steps(scores, labels)) {
    const double precision = ratio(step.true_positives, step.true_positives + step.false_positives);
    sum += precision * ratio(step.true_positives - previous, counts.positives);
    previous = step.true_positives;
  }
  return sum;
}

double Calibration::probability(double score) const { return 1.0 / (1.0 + std::exp(-(scale * score + offset))); }

Calibration calibrate(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  const Counts counts = check_input(scores, labels);
  const auto positives = static_cast<double>(counts.positives);
  const auto negatives = static_cast<double>(counts.negatives);
  Logistic problem{scores, {}};
  for (const std::uint8_t label : labels) {
    problem.targets.push_back(label == 1 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2));
  }
  double scale = 0;
  double offset = std::log((positives + 1) / (negatives + 1));
  double loss = problem.loss(scale, offset);
  for (int iteration = 0; iteration < 100; ++iteration) {
    double gradient_scale = 0, gradient_offset = 0;
    double h_ss = 1e-12, h_so = 0, h_oo = 1e-12;  // a ridge keeps the Hessian invertible for constant scores
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto s = static_cast<double>(scores[i]);
      const double p = 1 / (1 + std::exp(-(scale * s + offset)));
      const double difference = p - problem.targets[i];
      const double weight = p * (1 - p);
      gradient_scale += difference * s;
      gradient_offset += difference;
      h_ss += weight * s * s;
      h_so += weight * s;
      h_oo += weight;
    }
    if (std::abs(gradient_scale) < 1e-7 * positives && std::abs(gradient_offset) < 1e-7 * positives) break;
    const double determinant = h_ss * h_oo - h_so * h_so;
    const double step_scale = -(h_oo * gradient_scale - h_so * gradient_offset) / determinant;
    const double step_offset = -(h_ss * gradient_offset - h_so * gradient_scale) / determinant;
    double step = 1;
    const double slope = gradient_scale * step_scale + gradient_offset * step_offset;
    double next_loss = problem.loss(scale + step_scale, offset + step_offset);
    while (next_loss > loss + 1e-4 * step * slope && step > 1e-10) {
      step /= 2;
      next_loss = problem.loss(scale + step * step_scale, offset + step * step_offset);
    }
    if (step <= 1e-10) break;
    scale += step * step_scale;
    offset += step * step_offset;
    loss = next_loss;
  }
  return {scale, offset};
}

std::string to_json(const Calibration& calibration) {
  return nlohmann::json{{"scale", calibration.scale}, {"offset", calibration.offset}}.dump();
}

Calibration calibration_from_json(const std::string& text) {
  try {
    const JsonValue json = parse_json(text, "calibration", 1);
    return {json.at("scale").number(), json.at("offset").number()};
  } catch (const FormatError& error) {
    throw InvalidArgument(fmt::format("{}; expected {{\"scale\": number, \"offset\": number}}", error.what()));
  }
}

}  // namespace twinpatch
