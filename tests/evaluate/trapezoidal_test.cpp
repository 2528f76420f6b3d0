// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/trapezoidal.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "evaluate/hpatches_reference.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

struct Sample {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  [[nodiscard]] std::vector<double> exact_scores() const { return {scores.begin(), scores.end()}; }
  [[nodiscard]] std::vector<int> exact_labels() const { return {labels.begin(), labels.end()}; }
};

/// Scores of few values, so that many are equal; both labels are there.
Sample sample(Random& random, std::int64_t count) {
  Sample made{{0.5F, 0.5F}, {1, 0}};
  for (std::int64_t i = 2; i < count; ++i) {
    made.scores.push_back(static_cast<float>(random.below(count)) / 4);
    made.labels.push_back(static_cast<std::uint8_t>(random.below(2)));
  }
  return made;
}

}  // namespace

TEST_CASE("trapezoidal areas are those of the curves written out") {
  Random random(4);
  for (const std::int64_t count : {2, 3, 17, 64, 257}) {
    const Sample made = sample(random, count);
    const auto right = static_cast<std::int64_t>(std::count(made.labels.begin(), made.labels.end(), 1));
    CAPTURE(count, right);
    for (const std::int64_t positives : {right, right + 5}) {
      CHECK(trapezoidal_average_precision(made.scores, made.labels, positives) ==
            Approx(reference_precision(made.exact_scores(), made.exact_labels(), static_cast<double>(positives)))
                .epsilon(1e-9));
    }
    CHECK(trapezoidal_roc_area(made.scores, made.labels) ==
          Approx(reference_roc(made.exact_scores(), made.exact_labels())).epsilon(1e-12));
  }
}

TEST_CASE("the area by ranks is that by scores") {
  const std::vector<float> scores{9, 8, 7, 6, 5, 4, 3, 2};
  const std::vector<std::uint8_t> labels{0, 1, 1, 0, 0, 0, 1, 0};
  CHECK(trapezoidal_average_precision(std::vector<std::int64_t>{1, 1, 4}) ==
        Approx(trapezoidal_average_precision(scores, labels, 3)));
  CHECK(trapezoidal_average_precision(std::vector<std::int64_t>{0, 0}) == 1.0);
}

TEST_CASE("trapezoidal areas of nothing are refused") {
  const std::vector<std::uint8_t> labels{0, 1};
  const std::vector<std::uint8_t> ones{1, 1};
  const std::vector<float> scores{1, 2};
  const std::vector<float> bad{1, std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS_AS(trapezoidal_average_precision(bad, labels, 1), InvalidArgument);
  CHECK_THROWS_AS(trapezoidal_average_precision(scores, std::vector<std::uint8_t>{1}, 1), InvalidArgument);
  CHECK_THROWS_AS(trapezoidal_average_precision(scores, ones, 1), InvalidArgument);
  CHECK_THROWS_AS(trapezoidal_average_precision(std::vector<std::int64_t>{}), InvalidArgument);
  CHECK_THROWS_AS(trapezoidal_roc_area(scores, ones), InvalidArgument);
}
