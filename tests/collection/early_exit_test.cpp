// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "block_file.hpp"
#include "collection/rig.hpp"
#include "support/message.hpp"

// Pairs whose sample of keypoints has too few matches are dropped; every other one has what it has without.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

constexpr KeypointSample kSample{9, 4};

/// Keeps pairs with at least so many matches of the sample.
struct FewMatches final : EarlyExit {
  explicit FewMatches(std::size_t matches) : least(matches) {}
  std::string rule() const override { return "at least " + std::to_string(least) + " of a sample"; }
  KeypointSample sample() const override { return kSample; }
  std::vector<bool> keeps(const GuidedImage& first, std::span<const GuidedPartner> partners) const override {
    std::vector<bool> kept;
    for (const GuidedPartner& partner : partners) {
      asked[first.name].insert(partner.image.name);
      for (const Match& match : partner.matches) numbers.insert(match.left);
      kept.push_back(partner.matches.size() >= least);
    }
    return kept;
  }
  std::size_t least;
  mutable std::map<std::string, std::set<std::string>> asked;
  mutable std::set<std::int32_t> numbers;
};

PatchSet some_of(const PatchSet& all, const std::vector<std::int32_t>& numbers) {
  PatchSet some(std::ssize(numbers), all.view().height, all.view().width);
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    std::memcpy(some.mutable_patch(static_cast<std::int64_t>(k)), all.view().slice(numbers[k], 1).pixels,
                static_cast<std::size_t>(all.view().patch_bytes()));
  }
  return some;
}

/// What is left of all matches, and how many pairs are dropped.
struct Expected {
  AllMatches matches;
  std::int64_t dropped = 0;
};
Expected expected_of(Rig& rig, std::size_t least, const MatchRules& rules = {}) {
  Expected expected{expected_matches(rig.engine, rig.source, rig.pairs, rules)};
  for (auto& [pair, matches] : expected.matches) {
    const PatchSet left = rig.source.patches(pair.first);
    const PatchSet right = rig.source.patches(pair.second);
    if (left.size() <= kSample.size || right.size() == 0) continue;
    if (rig.engine.match(some_of(left, kSample.of(left.size())), right, rules).size() >= least) continue;
    matches.clear();
    ++expected.dropped;
  }
  return expected;
}

CollectionPlan plan_with(const Rig& rig, const EarlyExit& early_exit, const std::filesystem::path& folder = {}) {
  PlanRequest request{.tile_keypoints = 90, .folder = folder};
  request.rules.early_exit = early_exit.rule();
  return make_plan(rig.engine, rig.source, rig.pairs, request);
}

CollectionStatistics run(Rig& rig, const EarlyExit& early_exit, const std::filesystem::path& to,
                         const Shard& shard = {}, const RunControl& control = {}, RunEvents* events = nullptr) {
  const auto plan = plan_with(rig, early_exit);
  return run_collection({rig.engine, rig.source, rig.pairs, plan, nullptr, nullptr, &early_exit},
                        {to, to / "descriptors"}, shard, events, control);
}

}  // namespace

TEST_CASE("a sample of keypoints is the same each time, ascending, and none where it would be all") {
  CHECK(KeypointSample{5, 1}.of(0).empty());
  CHECK(KeypointSample{5, 1}.of(5).empty());
  CHECK(KeypointSample{5, 1}.of(6).size() == 5);
  std::vector<int> chosen(40);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto numbers = KeypointSample{10, seed}.of(40);
    REQUIRE(numbers.size() == 10);
    CHECK(numbers == KeypointSample{10, seed}.of(40));
    CHECK(std::ranges::adjacent_find(numbers, std::greater_equal()) == numbers.end());
    CHECK((numbers.front() >= 0 && numbers.back() < 40));
    for (const std::int32_t number : numbers) ++chosen[static_cast<std::size_t>(number)];
  }
  // 500 each, standard deviation 19: a number that is never or always chosen would be far off.
  CHECK(*std::ranges::min_element(chosen) > 400);
  CHECK(*std::ranges::max_element(chosen) < 600);
}

TEST_CASE("pairs without enough matches of a sample are dropped, the others are matched as without") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::head, Tiny::pseudo_head, Tiny::two_channel);
  const std::int64_t memory = GENERATE(0, 64 << 10);
  Rig rig(kind, 13, memory);
  std::size_t least = 0;
  Expected expected;
  while (expected.dropped == 0) expected = expected_of(rig, ++least);
  const FewMatches early_exit(least);
  const auto statistics = run(rig, early_exit, rig.folder / "run");
  CHECK(matches_of(rig.folder / "run") == expected.matches);
  CHECK(statistics.dropped == expected.dropped);
  CHECK(statistics.sampled >= statistics.dropped);
  // A head of random weights may like one right patch best whatever is on the left: then all pairs have one match.
  if (kind == Tiny::l2) CHECK(statistics.sampled > statistics.dropped);
  CHECK(statistics.sampled_rows == statistics.sampled * kSample.size);
  CHECK(statistics.matches > 0);
  CHECK(merge_runs({rig.folder / "run"}, rig.folder / "run").dropped == expected.dropped);
  std::int64_t compared = 0;
  for (const auto& [pair, matches] : expected.matches) {
    const bool dropped = rig.source.keypoint_count(pair.first) > kSample.size && matches.empty();
    if (!dropped) compared += rig.source.keypoint_count(pair.first) * rig.source.keypoint_count(pair.second);
  }
  CHECK(statistics.comparisons == compared);

  AllMatches by_callback;
  const auto plan = plan_with(rig, early_exit);
  match_collection({rig.engine, rig.source, rig.pairs, plan, nullptr, nullptr, &early_exit},
                   [&](ImagePair pair, std::span<const Match> matches) {
                     by_callback.emplace(pair, std::vector<Match>(matches.begin(), matches.end()));
                   });
  CHECK(by_callback == expected.matches);
  // Images with few keypoints are never asked about, nor empty ones.
  for (std::int64_t i = 0; i < rig.source.size(); ++i) {
    if (rig.source.keypoint_count(i) <= kSample.size) CHECK(!early_exit.asked.contains(rig.source.name(i)));
    if (rig.source.keypoint_count(i) > 0) continue;
    for (const auto& [first, partners] : early_exit.asked) CHECK(!partners.contains(rig.source.name(i)));
  }
  CHECK(*early_exit.numbers.rbegin() > kSample.size);  // numbers of keypoints, not of sampled rows
}

TEST_CASE("where every pair is dropped, and where none is") {
  Rig rig(Tiny::l2, 7);
  const auto all = expected_matches(rig.engine, rig.source, rig.pairs, {});
  CHECK(run(rig, FewMatches(0), rig.folder / "none").dropped == 0);
  CHECK(matches_of(rig.folder / "none") == all);
  const auto statistics = run(rig, FewMatches(1000), rig.folder / "all");
  CHECK(statistics.dropped == statistics.sampled);
  for (const auto& [pair, matches] : matches_of(rig.folder / "all")) {
    if (rig.source.keypoint_count(pair.first) > kSample.size) {
      CHECK(matches.empty());
    } else {
      CHECK(matches == all.at(pair));
    }
  }
}

TEST_CASE("images of one keypoint and of none have nothing to sample") {
  Rig rig(Tiny::l2, 0);
  MemoryImageSource source;
  for (int i = 0; i < 4; ++i) source.add(std::to_string(i), PatchSet(i == 2 ? 0 : 1, 6, 5));
  const auto pairs = PairSelection::exhaustive(4);
  const FewMatches early_exit(1000);
  PlanRequest request;
  request.rules.early_exit = early_exit.rule();
  const auto plan = make_plan(rig.engine, source, pairs, request);
  const auto statistics =
      run_collection({rig.engine, source, pairs, plan, nullptr, nullptr, &early_exit}, {rig.folder / "run", {}});
  CHECK(statistics.sampled == 0);
  CHECK(statistics.dropped == 0);
  CHECK(statistics.pairs == 6);
}

TEST_CASE("stopped and resumed, or in shards, the same blocks come out of an early exit") {
  Rig rig;
  const FewMatches early_exit(7);
  const auto whole = run(rig, early_exit, rig.folder / "whole");
  REQUIRE(whole.dropped > 0);
  const auto expected = block_files(rig.folder / "whole");
  std::int64_t dropped = 0;
  for (bool finished = false; !finished;) {
    Watch watch;
    watch.stop_after = 1;
    try {
      dropped += run(rig, early_exit, rig.folder / "stopped", {}, {watch.stop.get_token(), nullptr}, &watch).dropped;
      finished = true;
    } catch (const Interrupted&) {
    }
  }
  CHECK(dropped <= whole.dropped);  // of the last call
  CHECK(block_files(rig.folder / "stopped") == expected);
  CHECK(merge_runs({rig.folder / "stopped"}, rig.folder / "stopped").dropped == whole.dropped);
  std::int64_t of_shards = 0;
  for (const int i : {2, 0, 1}) of_shards += run(rig, early_exit, rig.folder / "shards", {i, 3}).dropped;
  CHECK(of_shards == whole.dropped);
  CHECK(block_files(rig.folder / "shards") == expected);
}

TEST_CASE("pairs that were dropped stay dropped when images are added") {
  Rig few(Tiny::l2, 11);
  Rig rig(Tiny::l2, 17);
  const FewMatches early_exit(7);
  const auto folder = rig.folder / "run";
  const auto go_on = [&](Rig& images) {
    const auto plan = plan_with(images, early_exit, folder);
    return run_collection({images.engine, images.source, images.pairs, plan, nullptr, nullptr, &early_exit},
                          {folder, folder / "descriptors"});
  };
  const auto first = go_on(few);
  const auto second = go_on(rig);
  CHECK(second.pairs == rig.pairs.count() - few.pairs.count());
  const Expected expected = expected_of(rig, 7);
  CHECK(matches_of(folder) == expected.matches);
  CHECK(first.dropped + second.dropped == expected.dropped);
  CHECK(merge_runs({folder}, folder).dropped == expected.dropped);
}

TEST_CASE("the rule of an early exit is part of the plan, and another one is refused") {
  Rig rig(Tiny::l2, 7);
  const auto folder = rig.folder / "run";
  run(rig, FewMatches(7), folder);
  CHECK(read_plan(folder / "plan.json").rules.early_exit == "at least 7 of a sample");
  CHECK_THAT(message_of<PlanMismatch>([&] { (void)plan_with(rig, FewMatches(6), folder); }),
             Contains("another set of match rules: found mutual best, at least 7 of a sample, expected mutual best, at "
                      "least 6 of a sample"));
  CHECK_THAT(message_of<PlanMismatch>(
                 [&] { (void)make_plan(rig.engine, rig.source, rig.pairs, {.tile_keypoints = 90, .folder = folder}); }),
             Contains("another set of match rules"));
}

TEST_CASE("a block tells pairs that were dropped from pairs without a match, and refuses other counts") {
  Rig rig(Tiny::l2, 5);
  const Block& block = rig.plan.blocks.front();
  const auto pairs = rig.pairs.within(block.rows, block.columns);
  BlockResult result;
  for (const ImagePair pair : pairs) result.pairs.push_back({pair, result.pairs.empty() ? BlockResult::kDropped : 0});
  Block small = block;
  small.pairs = std::ssize(pairs);
  const auto path = rig.folder / "a.block";
  write_block(path, rig.plan, small, result);
  const auto read = read_block(path, rig.plan, small).result;
  CHECK(read.pairs.front().is_dropped());
  CHECK(read.pairs.front().count() == 0);
  CHECK(!read.pairs.back().is_dropped());
  result.pairs.front().matches = -2;
  write_block(path, rig.plan, small, result);
  CHECK_THAT(message_of<FormatError>([&] { (void)read_block(path, rig.plan, small); }),
             Contains("a count of -2 matches"));
}
