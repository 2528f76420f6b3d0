// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pair_sampling.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace twinpatch::dataset {

namespace {

constexpr std::int64_t kMaxPairsOfGroup = 4096;

IndexPair index_pair(std::int64_t left, std::int64_t right) {
  return {static_cast<std::int32_t>(left), static_cast<std::int32_t>(right)};
}

std::int64_t pairs_of(std::int64_t patches) { return patches * (patches - 1) / 2; }

/// All pairs of the patches [begin, end) in random order; of very large groups a random part.
std::vector<IndexPair> pairs_of_group(std::int64_t begin, std::int64_t end, Random& random) {
  std::vector<IndexPair> pairs;
  if (pairs_of(end - begin) <= kMaxPairsOfGroup) {
    for (std::int64_t left = begin; left < end; ++left) {
      for (std::int64_t right = left + 1; right < end; ++right) pairs.push_back(index_pair(left, right));
    }
  } else {
    std::unordered_set<std::int64_t> seen;
    while (static_cast<std::int64_t>(pairs.size()) < kMaxPairsOfGroup) {
      auto left = begin + random.below(end - begin);
      auto right = begin + random.below(end - begin);
      if (left > right) std::swap(left, right);
      if (left != right && seen.insert((left - begin) * (end - begin) + right - begin).second) {
        pairs.push_back(index_pair(left, right));
      }
    }
  }
  random.shuffle(pairs);
  for (IndexPair& pair : pairs) {
    if (random.chance(0.5)) std::swap(pair.left, pair.right);
  }
  return pairs;
}

bool overlap(const PatchRecord& a, const PatchRecord& b, float extent) {
  if (a.image != b.image) return false;
  const float reach = 0.5F * extent * std::max(a.keypoint.sigma, b.keypoint.sigma);
  return std::hypot(a.keypoint.x - b.keypoint.x, a.keypoint.y - b.keypoint.y) < reach;
}

bool groups_overlap(const Groups& groups, std::int64_t a, std::int64_t b) {
  const auto begins = std::span(groups.begins);
  for (std::int64_t i = begins[a]; i < begins[a + 1]; ++i) {
    for (std::int64_t j = begins[b]; j < begins[b + 1]; ++j) {
      if (overlap(groups.records[i], groups.records[j], groups.extent)) return true;
    }
  }
  return false;
}

struct ScoredPair {
  float similarity;
  IndexPair pair;
};

std::vector<ScoredPair> scored(const std::vector<IndexPair>& pairs, std::span<const GradientHistogram> histograms) {
  std::vector<ScoredPair> result;
  result.reserve(pairs.size());
  for (const IndexPair& pair : pairs) {
    result.push_back(
        {similarity(histograms[static_cast<std::size_t>(pair.left)], histograms[static_cast<std::size_t>(pair.right)]),
         pair});
  }
  return result;
}

}  // namespace

std::int64_t count_matches(const Groups& groups) {
  std::int64_t count = 0;
  for (std::int64_t g = 0; g < groups.size(); ++g) count += pairs_of(groups.begins[g + 1] - groups.begins[g]);
  return count;
}

std::vector<IndexPair> sample_matches(const Groups& groups, std::int64_t count, Random& random) {
  std::vector<std::vector<IndexPair>> of_group;
  of_group.reserve(static_cast<std::size_t>(groups.size()));
  for (std::int64_t g = 0; g < groups.size(); ++g) {
    of_group.push_back(pairs_of_group(groups.begins[g], groups.begins[g + 1], random));
  }
  random.shuffle(of_group);
  std::vector<IndexPair> drawn;
  for (std::size_t round = 0; static_cast<std::int64_t>(drawn.size()) < count; ++round) {
    const auto before = drawn.size();
    for (const auto& pairs : of_group) {
      if (round < pairs.size() && static_cast<std::int64_t>(drawn.size()) < count) drawn.push_back(pairs[round]);
    }
    if (drawn.size() == before) break;
  }
  return drawn;
}

std::vector<IndexPair> draw_non_matches(const Groups& groups, std::int64_t count, Random& random) {
  std::vector<IndexPair> drawn;
  std::unordered_set<std::int64_t> seen;
  const auto patches = static_cast<std::int64_t>(groups.records.size());
  // Small sets have few different pairs: the number of attempts is bounded, not the hope.
  for (std::int64_t attempt = 0; attempt < 20 * count + 1000; ++attempt) {
    if (static_cast<std::int64_t>(drawn.size()) >= count || groups.size() < 2) break;
    const std::int64_t a = random.below(groups.size());
    const std::int64_t b = random.below(groups.size());
    if (a == b || groups_overlap(groups, a, b)) continue;
    const std::int64_t left = groups.begins[a] + random.below(groups.begins[a + 1] - groups.begins[a]);
    const std::int64_t right = groups.begins[b] + random.below(groups.begins[b + 1] - groups.begins[b]);
    if (seen.insert(std::min(left, right) * patches + std::max(left, right)).second) {
      drawn.push_back(index_pair(left, right));
    }
  }
  return drawn;
}

HardPairs draw_hard_pairs(const Groups& groups, std::span<const GradientHistogram> histograms, std::int64_t count,
                          Random& random) {
  auto matches = scored(sample_matches(groups, 10 * count, random), histograms);
  std::stable_sort(matches.begin(), matches.end(), [](auto& a, auto& b) { return a.similarity < b.similarity; });
  auto others = scored(draw_non_matches(groups, 40 * count, random), histograms);
  std::stable_sort(others.begin(), others.end(), [](auto& a, auto& b) { return a.similarity > b.similarity; });

  const std::size_t left_out = matches.size() / 100;
  // Half of all there are is not "the hard ones" any more.
  const std::size_t length = std::min({static_cast<std::size_t>(count), matches.size() / 2, others.size() / 4});
  HardPairs hard;
  for (std::size_t i = 0; i < length; ++i) {
    hard.matches.push_back(matches[left_out + i].pair);
    hard.non_matches.push_back(others[i].pair);
  }
  return hard;
}

}  // namespace twinpatch::dataset
