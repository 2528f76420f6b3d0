// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pair_sampling.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "support/random.hpp"

using namespace twinpatch;
using namespace twinpatch::dataset;

namespace {

/// Groups of the given sizes; point g lies at x = 1000·g in every image.
struct Sample {
  std::vector<PatchRecord> records;
  Groups groups;

  explicit Sample(const std::vector<int>& sizes, float distance = 1000) {
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      groups.begins.push_back(static_cast<std::int64_t>(records.size()));
      for (int i = 0; i < sizes[g]; ++i) {
        records.push_back({static_cast<std::int64_t>(g), i, {.x = distance * static_cast<float>(g), .sigma = 2}});
      }
    }
    groups.begins.push_back(static_cast<std::int64_t>(records.size()));
    groups.records = records;
  }
};

std::size_t group_of(const Sample& sample, std::int32_t row) {
  return static_cast<std::size_t>(sample.records[static_cast<std::size_t>(row)].point);
}

}  // namespace

TEST_CASE("matches come from all points before any point gives a second one") {
  const Sample sample({2, 9, 3, 2, 40});
  CHECK(count_matches(sample.groups) == 1 + 36 + 3 + 1 + 780);
  Random random(5);
  const auto five = sample_matches(sample.groups, 5, random);
  std::set<std::size_t> points;
  for (const auto& pair : five) points.insert(group_of(sample, pair.left));
  CHECK(points.size() == 5);
  const auto all = sample_matches(sample.groups, 100000, random);
  CHECK(all.size() == 821);
  for (const auto& pair : all) CHECK(group_of(sample, pair.left) == group_of(sample, pair.right));
}

TEST_CASE("a very large group gives many different pairs, not all of them") {
  const Sample sample({500, 2});
  Random random(6);
  const auto pairs = sample_matches(sample.groups, 1'000'000, random);
  CHECK(pairs.size() == 4096 + 1);
  std::set<std::pair<int, int>> seen;
  for (const auto& pair : pairs) CHECK(seen.emplace(std::minmax(pair.left, pair.right)).second);
}

TEST_CASE("non-matches are of two points whose windows do not overlap by much") {
  Random random(7);
  // Windows of 24 pixels, points 10 apart: neighbours overlap, next but one do not by more than half.
  const Sample sample({2, 2, 2, 2, 2}, 10);
  const auto pairs = draw_non_matches(sample.groups, 1000, random);
  CHECK(pairs.size() == 4 * (10 - 4));  // all of 10 pairs of points but the 4 of neighbours, 4 pairs of patches each
  for (const auto& pair : pairs) {
    const auto a = static_cast<int>(group_of(sample, pair.left));
    const auto b = static_cast<int>(group_of(sample, pair.right));
    CHECK(std::abs(a - b) >= 2);
  }
  const Sample alone({5});
  CHECK(draw_non_matches(alone.groups, 10, random).empty());
}

TEST_CASE("hard pairs look the other way than their label says") {
  constexpr int kPoints = 60;
  const Sample sample(std::vector<int>(kPoints, 4));
  const auto pixels = twinpatch::test::structured_patches(kPoints, 64, 64, 11);
  const auto wrong = twinpatch::test::structured_patches(kPoints, 64, 64, 12);
  std::vector<GradientHistogram> histograms;
  for (int p = 0; p < kPoints; ++p) {
    for (int v = 0; v < 4; ++v) {
      // Every fifth point has one view that looks like something else.
      const auto& source = p % 5 == 0 && v == 3 ? wrong : pixels;
      histograms.push_back(gradient_histogram(source.data() + p * 4096));
    }
  }
  Random random(8);
  const HardPairs hard = draw_hard_pairs(sample.groups, histograms, 20, random);
  REQUIRE(hard.matches.size() == 20);
  REQUIRE(hard.non_matches.size() == 20);
  for (const auto& pair : hard.matches) CHECK(group_of(sample, pair.left) % 5 == 0);
  const auto mean = [&](const std::vector<IndexPair>& pairs) {
    float sum = 0;
    for (const auto& pair : pairs) {
      sum +=
          similarity(histograms[static_cast<std::size_t>(pair.left)], histograms[static_cast<std::size_t>(pair.right)]);
    }
    return sum / static_cast<float>(pairs.size());
  };
  CHECK(mean(hard.non_matches) > mean(draw_non_matches(sample.groups, 200, random)) + 0.1F);
}

TEST_CASE("similarity of gradients: one with itself, little changed by light, low for another patch") {
  auto patch = twinpatch::test::structured_patches(2, 64, 64, 13);
  const auto first = gradient_histogram(patch.data());
  const auto other = gradient_histogram(patch.data() + 4096);
  CHECK(similarity(first, first) == Approx(1.0).margin(1e-5));
  for (int i = 0; i < 4096; ++i)
    patch[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(patch[static_cast<std::size_t>(i)] / 2 + 20);
  CHECK(similarity(first, gradient_histogram(patch.data())) > 0.97F);
  CHECK(similarity(first, other) < 0.9F);
  const std::vector<std::uint8_t> flat(4096, 9);
  CHECK(contrast(flat.data()) == 0.0);
  CHECK(similarity(gradient_histogram(flat.data()), first) < 1e-3F);
}
