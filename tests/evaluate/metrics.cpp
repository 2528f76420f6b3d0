// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/metrics.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "twinpatch/core/error.hpp"

namespace {

using namespace twinpatch;

struct Sample {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

/// Two overlapping normal distributions; rounded scores make ties.
Sample overlapping(std::uint64_t seed, int count, bool ties) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Sample sample;
  for (int i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % 2);
    const float score = normal(random) + 2.0F * static_cast<float>(label);
    sample.scores.push_back(ties ? std::round(score * 4) / 4 : score);
    sample.labels.push_back(label);
  }
  return sample;
}

/// Probability that a match scores above a non-match, ties counting half: what the area under the curve means.
double auc_by_counting(const Sample& sample) {
  double wins = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < sample.scores.size(); ++i) {
    for (std::size_t j = 0; j < sample.scores.size(); ++j) {
      if (sample.labels[i] != 1 || sample.labels[j] != 0) continue;
      pairs += 1;
      if (sample.scores[i] > sample.scores[j]) wins += 1;
      if (sample.scores[i] == sample.scores[j]) wins += 0.5;
    }
  }
  return wins / pairs;
}

TEST_CASE("ROC AUC is the probability that a match scores higher") {
  for (const bool ties : {false, true}) {
    const Sample sample = overlapping(7, 601, ties);
    CHECK(roc_auc(sample.scores, sample.labels) == Approx(auc_by_counting(sample)).epsilon(1e-12));
  }
}

TEST_CASE("FPR95 by its four definitions on a case counted by hand") {
  // 20 matches, 10 others; sorted scores: 18 matches, 1 other, 1 match (19 of 20 = 95 %), 4 others, 1 match, 5 others.
  Sample sample;
  float score = 100;
  const auto add = [&](int count, std::uint8_t label) {
    for (int i = 0; i < count; ++i) {
      sample.scores.push_back(score--);
      sample.labels.push_back(label);
    }
  };
  add(18, 1), add(1, 0), add(1, 1), add(4, 0), add(1, 1), add(5, 0);
  CHECK(fpr95(sample.scores, sample.labels, Fpr95::deepcompare_lua) == Approx(0.1));
  CHECK(fpr95(sample.scores, sample.labels, Fpr95::deepcompare_pytorch) == Approx(0.1));
  CHECK(fpr95(sample.scores, sample.labels, Fpr95::matchnet) == Approx(1.0 / 20.0));
  CHECK(fpr95(sample.scores, sample.labels, Fpr95::hardnet) == Approx(0.1));
}

TEST_CASE("metrics do not depend on the order of the pairs, ties included") {
  const Sample sample = overlapping(11, 400, true);
  Sample reversed = sample;
  std::reverse(reversed.scores.begin(), reversed.scores.end());
  std::reverse(reversed.labels.begin(), reversed.labels.end());
  for (const auto definition : {Fpr95::deepcompare_lua, Fpr95::deepcompare_pytorch, Fpr95::matchnet, Fpr95::hardnet}) {
    CHECK(fpr95(sample.scores, sample.labels, definition) == fpr95(reversed.scores, reversed.labels, definition));
  }
  CHECK(average_precision(sample.scores, sample.labels) == average_precision(reversed.scores, reversed.labels));
}

TEST_CASE("perfect and useless scores") {
  const std::vector<std::uint8_t> labels{1, 1, 0, 0};
  const std::vector<float> perfect{4, 3, 2, 1};
  const std::vector<float> constant{1, 1, 1, 1};
  CHECK(roc_auc(perfect, labels) == 1.0);
  CHECK(average_precision(perfect, labels) == 1.0);
  CHECK(fpr95(perfect, labels, Fpr95::deepcompare_pytorch) == 0.0);
  CHECK(roc_auc(constant, labels) == 0.5);
  CHECK(average_precision(constant, labels) == 0.5);
  CHECK(fpr95(constant, labels, Fpr95::hardnet) == 1.0);
  CHECK(fpr95(constant, labels, Fpr95::deepcompare_pytorch) == Approx(0.95));
}

TEST_CASE("calibration recovers the logistic that drew the labels") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<float> uniform(-4, 4);
  std::uniform_real_distribution<double> chance;
  const Calibration truth{1.7, -0.6};
  Sample sample;
  for (int i = 0; i < 40000; ++i) {
    sample.scores.push_back(uniform(random));
    sample.labels.push_back(chance(random) < truth.probability(static_cast<double>(sample.scores.back())) ? 1 : 0);
  }
  const Calibration found = calibrate(sample.scores, sample.labels);
  CHECK(found.scale == Approx(truth.scale).margin(0.06));
  CHECK(found.offset == Approx(truth.offset).margin(0.06));
  const Calibration again = calibration_from_json(to_json(found));
  CHECK(again.scale == found.scale);
}

TEST_CASE("calibration of separable scores stays finite") {
  const std::vector<float> scores{-2, -1, 1, 2};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const Calibration found = calibrate(scores, labels);
  CHECK(std::isfinite(found.scale));
  CHECK(found.probability(2) > 0.5);
  CHECK(found.probability(-2) < 0.5);
}

TEST_CASE("metrics refuse input that has no answer") {
  const std::vector<float> scores{1, 2};
  const std::vector<std::uint8_t> ones{1, 1};
  const std::vector<std::uint8_t> zeros{0, 0};
  const std::vector<std::uint8_t> one_label{1};
  const std::vector<float> with_nan{1, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<std::uint8_t> both{0, 1};
  CHECK_THROWS_AS(roc_auc(scores, ones), InvalidArgument);
  CHECK_THROWS_AS(roc_auc(scores, zeros), InvalidArgument);
  CHECK_THROWS_AS(roc_auc(scores, one_label), InvalidArgument);
  CHECK_THROWS_AS(roc_auc(with_nan, both), InvalidArgument);
  CHECK_THROWS_AS(roc_auc({}, {}), InvalidArgument);
  CHECK_THROWS_AS(calibration_from_json("{}"), InvalidArgument);
}

}  // namespace
