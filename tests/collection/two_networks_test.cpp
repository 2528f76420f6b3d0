// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <map>

#include "collection/rig.hpp"

// Two networks where a guide leaves some pairs of keypoints, and where a sample decides about pairs of images.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr std::int64_t kImages = 9;

/// Hides every fourth keypoint, in half of the images.
struct HalfMasked final : WrappedSource {
  using WrappedSource::WrappedSource;
  std::vector<bool> masked_keypoints(std::int64_t image) const override {
    std::vector<bool> mask(image % 2 == 0 ? static_cast<std::size_t>(keypoint_count(image)) : 0);
    for (std::size_t k = 0; k < mask.size(); ++k) mask[k] = k % 4 == 1;
    return mask;
  }
  std::vector<std::int32_t> left(std::int64_t image) const {
    const auto mask = masked_keypoints(image);
    std::vector<std::int32_t> numbers;
    for (std::int32_t k = 0; k < keypoint_count(image); ++k) {
      if (mask.empty() || !mask[static_cast<std::size_t>(k)]) numbers.push_back(k);
    }
    return numbers;
  }
};

enum class Known { nothing, from_matches, beforehand };
Known known(std::int64_t first, std::int64_t second) { return static_cast<Known>((first + 2 * second) % 3); }
/// The least sum of a match: where geometry follows from matches, a guide may ask for more than "none".
float least_sum(std::int64_t first, std::int64_t second) {
  return known(first, second) == Known::from_matches ? 2.5F : 0.0F;
}
/// Of keypoints by their numbers among those that are matched.
bool in_band(std::int32_t i, std::int32_t j) { return (5 * i + 3 * j) % 7 < 3; }

struct OddGuide final : MatchGuide {
  explicit OddGuide(const ImageSource& source) {
    for (std::int64_t i = 0; i < source.size(); ++i) numbers.emplace(source.name(i), i);
  }
  std::string rule() const override { return "odd"; }
  bool needs_matches(const std::string& first, const std::string& second) const override {
    return known(numbers.at(first), numbers.at(second)) != Known::beforehand;
  }
  std::vector<std::optional<PairGuidance>> guide(const GuidedImage& first,
                                                 std::span<const GuidedPartner> partners) const override {
    std::vector<std::optional<PairGuidance>> result;
    for (const GuidedPartner& partner : partners) {
      result.emplace_back();
      if (known(numbers.at(first.name), numbers.at(partner.image.name)) == Known::nothing) continue;
      const std::int32_t columns = matched(partner.image);
      result.back() =
          PairGuidance{GridMask(columns), least_sum(numbers.at(first.name), numbers.at(partner.image.name))};
      for (std::int32_t i = 0; i < matched(first); ++i) {
        std::vector<ColumnInterval> row;
        for (std::int32_t j = 0; j < columns; ++j) {
          if (in_band(i, j)) row.push_back({j, j + 1});
        }
        result.back()->mask.add_row(row);
      }
    }
    return result;
  }
  std::int32_t matched(const GuidedImage& image) const {
    return static_cast<std::int32_t>(image.numbers ? std::ssize(*image.numbers) : counts.at(image.name));
  }
  std::map<std::string, std::int64_t> numbers;
  std::map<std::string, std::int64_t> counts;
};

/// Both networks on every pair of keypoints: those in the band are candidates, or the nearest of each where there is
/// none.
std::vector<Match> by_the_definition(Engine& first, Engine& second, const TwoStageRule& rule, const HalfMasked& source,
                                     ImagePair images) {
  const auto left = source.left(images.first);
  const auto right = source.left(images.second);
  if (left.empty() || right.empty()) return {};
  std::vector<IndexPair> all;
  for (const std::int32_t l : left)
    for (const std::int32_t r : right) all.push_back({l, r});
  const PatchSet left_patches = source.patches(images.first);
  const PatchSet right_patches = source.patches(images.second);
  const auto near = first.score(left_patches.view(), right_patches.view(), all);
  const auto network = second.score(left_patches.view(), right_patches.view(), all);
  const auto at = [&](std::size_t l, std::size_t r) { return l * right.size() + r; };
  const auto is_candidate = [&](std::size_t l, std::size_t r) {
    if (known(images.first, images.second) != Known::nothing) {
      return in_band(static_cast<std::int32_t>(l), static_cast<std::int32_t>(r));
    }
    std::int64_t nearer_right = 0, nearer_left = 0;
    for (std::size_t k = 0; k < right.size(); ++k) nearer_right += near[at(l, k)] > near[at(l, r)] ? 1 : 0;
    for (std::size_t k = 0; k < left.size(); ++k) nearer_left += near[at(k, r)] > near[at(l, r)] ? 1 : 0;
    return nearer_right < rule.candidates || nearer_left < rule.candidates;
  };
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::vector<float> sums(all.size(), kNone);
  for (std::size_t l = 0; l < left.size(); ++l) {
    for (std::size_t r = 0; r < right.size(); ++r) {
      if (!is_candidate(l, r)) continue;
      sums[at(l, r)] = static_cast<float>(rule.similarity_weight * near[at(l, r)] +
                                          rule.network_weight * network[at(l, r)] - rule.none);
    }
  }
  std::vector<Match> result;
  for (std::size_t l = 0; l < left.size(); ++l) {
    std::size_t best = 0;
    for (std::size_t r = 1; r < right.size(); ++r) best = sums[at(l, r)] > sums[at(l, best)] ? r : best;
    bool mutual = sums[at(l, best)] >= least_sum(images.first, images.second);
    for (std::size_t k = 0; k < left.size(); ++k) mutual = mutual && sums[at(k, best)] <= sums[at(l, best)];
    if (mutual) result.push_back({left[l], right[best], sums[at(l, best)]});
  }
  return result;
}

struct TwoNetworks {
  TwoNetworks() : second(tiny_second(rule)), source(images) {}
  CollectionPlan plan(const std::string& guide, const std::string& early_exit) {
    PlanRequest request{.tile_keypoints = 60, .rerank = &second};
    request.rules.match.threshold = 0;
    request.rules.guide = guide;
    request.rules.early_exit = early_exit;
    return make_plan(first, source, pairs, request);
  }
  TwoStageRule rule{"tiny", 3, 2, 5, -3};
  Engine first = tiny_engine(Tiny::l2);
  Engine second;
  MemoryImageSource images = random_images(kImages, 40, 11);
  HalfMasked source;
  PairSelection pairs = PairSelection::exhaustive(kImages);
  TemporaryFolder folder;
};

/// Keeps pairs with at least three matches of a sample.
struct ThreeMatches final : EarlyExit {
  std::string rule() const override { return "three"; }
  KeypointSample sample() const override { return {9, 4}; }
  std::vector<bool> keeps(const GuidedImage& first, std::span<const GuidedPartner> partners) const override {
    std::vector<bool> kept;
    for (const GuidedPartner& partner : partners) {
      found[{first.name, partner.image.name}] = {partner.matches.begin(), partner.matches.end()};
      kept.push_back(partner.matches.size() >= 3);
    }
    return kept;
  }
  mutable std::map<std::pair<std::string, std::string>, std::vector<Match>> found;
};

}  // namespace

TEST_CASE("with a guide two networks decide about all that it leaves, masks or not") {
  TwoNetworks rig;
  OddGuide guide(rig.source);
  for (std::int64_t i = 0; i < kImages; ++i) guide.counts.emplace(rig.source.name(i), rig.source.keypoint_count(i));
  const CollectionPlan plan = rig.plan(guide.rule(), "");
  const auto statistics =
      run_collection({rig.first, rig.source, rig.pairs, plan, &rig.second, &guide}, {rig.folder / "run", {}});
  const AllMatches found = matches_of(rig.folder / "run");
  std::map<Known, std::int64_t> kept;
  for (const ImagePair pair : rig.pairs.within({0, kImages}, {0, kImages})) {
    const auto expected = by_the_definition(rig.first, rig.second, rig.rule, rig.source, pair);
    const auto& matches = found.at(pair);
    INFO(pair.first << " and " << pair.second);
    REQUIRE(matches.size() == expected.size());
    for (std::size_t i = 0; i < matches.size(); ++i) {
      CHECK(matches[i].left == expected[i].left);
      CHECK(matches[i].right == expected[i].right);
      CHECK(matches[i].score == Approx(expected[i].score).epsilon(1e-4).margin(1e-4));
    }
    kept[known(pair.first, pair.second)] += std::ssize(matches);
  }
  for (const auto& [kind, count] : kept) CHECK(count > 10);
  CHECK(kept.size() == 3);
  CHECK(statistics.guided > 0);
  CHECK(statistics.reranked > statistics.guided_comparisons);  // and the candidates of other pairs
}

TEST_CASE("with two networks a sample is matched by the first one alone") {
  TwoNetworks rig;
  const ThreeMatches early_exit;
  const auto run = [&](const EarlyExit* exit, const char* name) {
    const CollectionPlan plan = rig.plan("", exit == nullptr ? "" : exit->rule());
    (void)run_collection({rig.first, rig.source, rig.pairs, plan, &rig.second, nullptr, exit}, {rig.folder / name, {}});
    return matches_of(rig.folder / name);
  };
  const AllMatches all = run(nullptr, "all");
  const AllMatches some = run(&early_exit, "some");
  std::int64_t dropped = 0, tried = 0;
  for (const ImagePair pair : rig.pairs.within({0, kImages}, {0, kImages})) {
    const auto asked = early_exit.found.find({rig.source.name(pair.first), rig.source.name(pair.second)});
    if (asked == early_exit.found.end()) {
      CHECK(some.at(pair) == all.at(pair));
      continue;
    }
    ++tried;
    const auto left = rig.source.left(pair.first);
    const auto sampled = early_exit.sample().of(std::ssize(left));
    const PatchSet all_left = rig.source.patches(pair.first);
    const PatchSet all_right = rig.source.patches(pair.second);
    const auto gather = [](const PatchSet& from, const std::vector<std::int32_t>& numbers) {
      PatchSet gathered(std::ssize(numbers), from.view().height, from.view().width);
      for (std::size_t k = 0; k < numbers.size(); ++k) {
        std::memcpy(gathered.mutable_patch(static_cast<std::int64_t>(k)), from.view().slice(numbers[k], 1).pixels,
                    static_cast<std::size_t>(from.view().patch_bytes()));
      }
      return gathered;
    };
    std::vector<std::int32_t> of_sample;
    for (const std::int32_t n : sampled) of_sample.push_back(left[static_cast<std::size_t>(n)]);
    const MatchRules usual{.mutual = true, .ratio = kSampleRatio};
    auto expected =
        rig.first.match(gather(all_left, of_sample), gather(all_right, rig.source.left(pair.second)), usual);
    for (Match& match : expected) match.left = sampled[static_cast<std::size_t>(match.left)];
    CHECK(asked->second == expected);
    if (expected.size() >= 3) {
      CHECK(some.at(pair) == all.at(pair));
    } else {
      CHECK(some.at(pair).empty());
      ++dropped;
    }
  }
  CHECK(dropped > 0);
  CHECK(dropped < tried);
}
