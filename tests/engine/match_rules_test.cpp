// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/match_rules.hpp"

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/reference.hpp"

namespace twinpatch {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Matrix tied_scores(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  test::Random random(seed);
  Matrix scores(rows, columns);
  for (float& score : scores.span()) score = -static_cast<float>(random.below(20)) / 10;
  return scores;
}

Selected select(const Matrix& scores, const MatchRules& rules) {
  return reference::select(
      scores.view(),
      {.rows = scores.rows(), .columns = scores.columns(), .top_k = rules.needed_top_k(), .column_best = rules.mutual});
}

NetworkSpec spec_of(Decision decision) {
  NetworkSpec spec;
  spec.name = "tried";
  spec.decision = std::move(decision);
  return spec;
}

}  // namespace

TEST_CASE("mutual matches are each other's best") {
  for (const float threshold : {-kInfinity, -0.05F}) {
    const Matrix scores = tied_scores(37, 53, 1);
    const MatchRules rules{.mutual = true, .ratio = {}, .threshold = threshold};
    CHECK(matches(select(scores, rules), rules) == reference::mutual_best(scores.view(), threshold));
  }
}

TEST_CASE("without a mutual check every row has its best") {
  const Matrix scores = tied_scores(10, 3, 2);
  const MatchRules rules{.mutual = false, .ratio = {}};
  CHECK(matches(select(scores, rules), rules).size() == 10);
}

TEST_CASE("the ratio compares distances") {
  Matrix scores(5, 2);
  const std::vector<std::pair<float, float>> distances = {{0.4F, 0.5F}, {0.41F, 0.5F}, {0, 0}, {0, 0.5F}, {0.5F, 0.4F}};
  for (std::size_t i = 0; i < distances.size(); ++i) {
    scores.row(static_cast<std::int64_t>(i))[0] = -distances[i].first;
    scores.row(static_cast<std::int64_t>(i))[1] = -distances[i].second;
  }
  const MatchRules rules{.mutual = false, .ratio = 0.8F};
  const auto found = matches(select(scores, rules), rules);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == Match{0, 0, -0.4F});
  CHECK(found[1] == Match{3, 0, 0.0F});
  CHECK(found[2] == Match{4, 1, -0.4F});
  // One column has no rival.
  const Matrix single = tied_scores(4, 1, 3);
  CHECK(matches(select(single, rules), rules).size() == 4);
}

TEST_CASE("matches of nothing") {
  for (const auto& [rows, columns] : {std::pair{0, 4}, {4, 0}, {0, 0}}) {
    const Matrix scores(rows, columns);
    const MatchRules rules{.mutual = true, .ratio = 0.8F};
    CHECK(matches(select(scores, rules), rules).empty());
  }
}

TEST_CASE("rules that do not fit are refused with the reason") {
  const NetworkSpec learned = spec_of(DecisionLayers{});
  const NetworkSpec l2 = spec_of(DecisionMetric{DecisionMetric::Kind::l2, true});
  const NetworkSpec cosine = spec_of(DecisionMetric{DecisionMetric::Kind::cosine, true});
  const MatchRules ratio{.mutual = true, .ratio = 0.8F};
  check(ratio, l2);
  check(MatchRules{}, learned);
  CHECK_THROWS_WITH(check(ratio, learned), Catch::Contains("tried are learned"));
  CHECK_THROWS_WITH(check(ratio, cosine), Catch::Contains("cosine"));
  for (const float bad : {0.0F, -1.0F, 1.5F, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THROWS_WITH(check(MatchRules{.ratio = bad}, l2), Catch::Contains("(0, 1]"));
  }
  CHECK_THROWS_WITH(check(MatchRules{.ratio = {}, .threshold = std::numeric_limits<float>::quiet_NaN()}, l2),
                    Catch::Contains("threshold"));

  const Matrix scores = tied_scores(4, 4, 4);
  const Selected plain = select(scores, MatchRules{.mutual = false, .ratio = {}});
  CHECK_THROWS_WITH(matches(plain, MatchRules{}), Catch::Contains("mutual"));
  CHECK_THROWS_WITH(matches(plain, MatchRules{.mutual = false, .ratio = 0.8F}), Catch::Contains("two best"));
}

}  // namespace twinpatch
