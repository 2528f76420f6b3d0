// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/two_stage.hpp"
#include "twinpatch/net/spec.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;

std::unique_ptr<Comparer> by_pixels() { return descriptor_comparer("pixels", 64, normalised_pixels); }
std::unique_ptr<Comparer> sift() { return std::move(baselines().back()); }

struct Patches {
  Patches(int count, std::uint64_t seed) : pixels(test::structured_patches(count, 64, 64, seed)), size(count) {}
  [[nodiscard]] PatchView view() const { return {PixelType::u8, pixels.data(), size, 64, 64}; }
  std::vector<std::uint8_t> pixels;
  std::int64_t size;
};

TEST_CASE("candidates are the union of both directions' nearest", "[evaluate]") {
  const Patches left(13, 1), right(9, 2);
  const auto comparer = by_pixels();
  const Candidates found = find_candidates(*comparer, left.view(), right.view(), 2);
  std::set<std::pair<int, int>> expected;
  const Selected rows = comparer->best(left.view(), right.view(), {.top_k = 2});
  const Selected columns = comparer->best(right.view(), left.view(), {.top_k = 2});
  for (int i = 0; i < 13; ++i)
    for (int k = 0; k < 2; ++k) expected.emplace(i, rows.indices[2 * i + k]);
  for (int j = 0; j < 9; ++j)
    for (int k = 0; k < 2; ++k) expected.emplace(columns.indices[2 * j + k], j);
  REQUIRE(found.pairs.size() == expected.size());
  REQUIRE(found.similarities.size() == expected.size());
  std::size_t at = 0;
  for (const auto& [i, j] : expected) {  // a set is ordered as the candidates are
    CHECK(found.pairs[at] == IndexPair{i, j});
    CHECK(found.similarities[at] ==
          Approx(comparer->score(left.view(), right.view(), std::vector<IndexPair>{{i, j}}).front()).epsilon(1e-5));
    const bool mutual = rows.indices[2 * i] == j && columns.indices[2 * j] == i;
    CHECK((found.mutual[at] != 0) == mutual);
    ++at;
  }
  const Candidates none = find_candidates(*comparer, left.view(), {PixelType::u8, nullptr, 0, 64, 64}, 2);
  CHECK(none.pairs.empty());
}

TEST_CASE("two stages score by the rule, in grids and lists alike", "[evaluate]") {
  const Patches left(11, 3), right(7, 4);
  const TwoStageRule rule{"pixels", 3, 2.0, -0.5, -40.0};
  const auto both = two_stage_comparer(by_pixels(), sift(), rule);
  CHECK(both->name() == "pixels + root-SIFT");
  const Candidates candidates = find_candidates(*by_pixels(), left.view(), right.view(), 3);
  const auto network = sift()->score(left.view(), right.view(), candidates.pairs);
  const auto sums = both->score(left.view(), right.view(), candidates.pairs);
  std::vector<float> best(11, -1e30F);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    CHECK(sums[i] == Approx(2.0 * candidates.similarities[i] - 0.5 * network[i] + 40).epsilon(1e-4));
    auto& row = best[static_cast<std::size_t>(candidates.pairs[i].left)];
    row = std::max(row, sums[i]);
  }
  const Selected selected = both->best(left.view(), right.view(), {.column_best = true});
  for (int i = 0; i < 11; ++i) CHECK(selected.scores[i] == Approx(best[static_cast<std::size_t>(i)]).epsilon(1e-4));
  CHECK_THROWS_AS(two_stage_comparer(by_pixels(), sift(), {"pixels", 0}), InvalidArgument);
  CHECK_THROWS_AS(two_stage_comparer(by_pixels(), descriptor_comparer("small", 32, normalised_pixels), rule),
                  ShapeError);
}

TEST_CASE("the nearest within 3 pixels is right, others near are ignored", "[evaluate]") {
  const Candidates candidates{{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 3}, {4, 1}}, {1, 2, 3, 4, 5, 6}, {}};
  const std::vector<float> scores{7, 8, 9, 10, 11, 12};
  const std::vector<double> errors{2.5, 1.0, 80, 4.0, 60, 30};
  const auto labelled = label_candidates(candidates, scores, errors);
  using enum CandidateTruth;
  const CandidateTruth expected[] = {ignored, right, wrong, ignored, ignored, wrong};
  REQUIRE(labelled.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(labelled[i].truth == expected[i]);
    CHECK(labelled[i].network == scores[i]);
    CHECK(labelled[i].left == candidates.pairs[i].left);
  }
}

/// Lists whose right answer is drawn by the softmax of known weights: those are what the fit must find.
std::vector<LabelledCandidate> drawn_lists(int lists, const TwoStageRule& truth, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<LabelledCandidate> all;
  for (std::int32_t left = 0; left < lists; ++left) {
    std::vector<LabelledCandidate> list(5);
    std::vector<double> weights{std::exp(truth.none)};
    double sum = weights.front();
    for (auto& candidate : list) {
      candidate = {left, static_cast<float>(random.normal()), static_cast<float>(3 * random.normal())};
      weights.push_back(
          std::exp(truth.similarity_weight * candidate.similarity + truth.network_weight * candidate.network));
      sum += weights.back();
    }
    double at = random.uniform() * sum;
    std::size_t chosen = 0;
    while (chosen < 5 && at >= weights[chosen]) at -= weights[chosen++];
    if (chosen > 0) list[chosen - 1].truth = CandidateTruth::right;
    list.push_back({left, 100, 100, CandidateTruth::ignored});
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

TEST_CASE("the fit finds the weights that made the answers", "[evaluate]") {
  const TwoStageRule truth{"hard128", 8, 1.5, 0.4, 0.7};
  const std::vector<std::vector<LabelledCandidate>> lists{drawn_lists(9000, truth, 1), drawn_lists(11000, truth, 2)};
  const TwoStageRule fitted = fit_two_stage(lists, {.first = "hard128", .candidates = 8});
  CHECK(fitted.first == "hard128");
  CHECK(fitted.candidates == 8);
  // Standard errors of 20,000 lists are 0.01 to 0.03.
  CHECK(fitted.similarity_weight == Approx(truth.similarity_weight).margin(0.1));
  CHECK(fitted.network_weight == Approx(truth.network_weight).margin(0.05));
  CHECK(fitted.none == Approx(truth.none).margin(0.1));
}

TEST_CASE("a fit needs keypoints with and without a match", "[evaluate]") {
  using enum CandidateTruth;
  std::vector<std::vector<LabelledCandidate>> lists{{{0, 1, 1, wrong}, {1, 1, 1, wrong}}};
  CHECK_THROWS_WITH(fit_two_stage(lists, {}), Contains("no keypoint has its match"));
  lists = {{{0, 1, 1, right}, {1, 1, 1, right}}};
  CHECK_THROWS_WITH(fit_two_stage(lists, {}), Contains("every keypoint has its match"));
  CHECK_THROWS_AS(fit_two_stage({}, {}), InvalidArgument);
  // Told apart perfectly: weights stay finite.
  lists = {{{0, 1, 5, right}, {0, 1, -5, wrong}, {1, 1, -5, wrong}}};
  const TwoStageRule rule = fit_two_stage(lists, {});
  CHECK(std::isfinite(rule.network_weight));
  CHECK(rule.network_weight > 0);
}

TEST_CASE("the rule is in the model, and a model without one or without a decision is refused", "[evaluate]") {
  Model model;
  model.spec = find_network("2ch");
  CHECK_THROWS_WITH(two_stage_rule(model, "hard128"),
                    Contains("2ch has no weights for two stages") && Contains("--fit"));
  const TwoStageRule rule{"hard128", 8, 12.25, 0.5, -3};
  store_two_stage_rule(model, rule);
  CHECK(two_stage_rule(model, "hard128") == rule);
  CHECK_THROWS_WITH(two_stage_rule(model, "siam-l2"), Contains("candidates of hard128, not of siam-l2"));
  for (const char* bad :
       {"", "[]", "{}",
        R"({"first":"hard128","candidates":0,"similarity_weight":1,)"
        R"("network_weight":1,"none":0})",
        R"({"first":"hard128","candidates":8,"similarity_weight":"much","network_weight":1,"none":0})"}) {
    model.metadata["two_stage"] = bad;
    CHECK_THROWS_WITH(two_stage_rule(model, "hard128"), Contains("two_stage"));
  }
  Model descriptors;
  descriptors.spec = find_network("hard128");
  CHECK_THROWS_WITH(two_stage_rule(descriptors, "hard128"), Contains("no decision part"));
  CHECK_THROWS_WITH(store_two_stage_rule(descriptors, rule), Contains("no decision part"));
}

}  // namespace
