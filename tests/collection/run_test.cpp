// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "collection/rig.hpp"
#include "support/message.hpp"
#include "twinpatch/collection/estimate.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("a run gives each pair what the engine gives for it alone, in order") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::head, Tiny::pseudo_head, Tiny::two_channel);
  const std::int64_t memory = GENERATE(0, 64 << 10);
  Rig rig(kind, 13, memory);
  const auto expected = expected_matches(rig.engine, rig.source, rig.pairs, {});
  rig.run(rig.folder / "run");
  CHECK(matches_of(rig.folder / "run") == expected);

  AllMatches by_callback;
  match_collection({rig.engine, rig.source, rig.pairs, rig.plan}, [&](ImagePair pair, std::span<const Match> matches) {
    by_callback.emplace(pair, std::vector<Match>(matches.begin(), matches.end()));
  });
  CHECK(by_callback == expected);
}

TEST_CASE("rules: ratio, threshold, one-sided") {
  Rig rig(Tiny::l2, 9);
  const MatchRules rules{.mutual = false, .ratio = 0.8F, .threshold = -0.4F};
  rig.plan = make_plan(rig.engine, rig.source, rig.pairs, {.rules = {rules}, .tile_keypoints = 60});
  rig.run(rig.folder / "run");
  CHECK(matches_of(rig.folder / "run") == expected_matches(rig.engine, rig.source, rig.pairs, rules));
}

/// By the definition: every pair by both networks, the k nearest of each side, the best of what is left.
std::vector<Match> in_two_stages(Engine& first, Engine& second, const TwoStageRule& rule, const PatchSet& left,
                                 const PatchSet& right) {
  std::vector<IndexPair> all;
  for (std::int32_t l = 0; l < left.size(); ++l)
    for (std::int32_t r = 0; r < right.size(); ++r) all.push_back({l, r});
  if (all.empty()) return {};
  const auto near = first.score(left.view(), right.view(), all);
  const auto network = second.score(left.view(), right.view(), all);
  const auto at = [&](std::int64_t l, std::int64_t r) { return static_cast<std::size_t>(l * right.size() + r); };
  const auto is_candidate = [&](std::int64_t l, std::int64_t r) {
    std::int64_t nearer_right = 0, nearer_left = 0;
    for (std::int64_t k = 0; k < right.size(); ++k) nearer_right += near[at(l, k)] > near[at(l, r)] ? 1 : 0;
    for (std::int64_t k = 0; k < left.size(); ++k) nearer_left += near[at(k, r)] > near[at(l, r)] ? 1 : 0;
    return nearer_right < rule.candidates || nearer_left < rule.candidates;
  };
  const float none = -std::numeric_limits<float>::infinity();
  std::vector<float> sums(all.size(), none);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (is_candidate(all[i].left, all[i].right))
      sums[i] = static_cast<float>(rule.similarity_weight * near[i] + rule.network_weight * network[i] - rule.none);
  std::vector<Match> result;
  for (std::int64_t l = 0; l < left.size(); ++l) {
    std::int64_t best = 0;
    for (std::int64_t r = 1; r < right.size(); ++r) best = sums[at(l, r)] > sums[at(l, best)] ? r : best;
    bool mutual = sums[at(l, best)] >= 0;
    for (std::int64_t k = 0; k < left.size(); ++k) mutual = mutual && sums[at(k, best)] <= sums[at(l, best)];
    if (mutual) result.push_back({static_cast<std::int32_t>(l), static_cast<std::int32_t>(best), sums[at(l, best)]});
  }
  return result;
}

TEST_CASE("two networks decide as one sum over the nearest of both directions, masks or not") {
  Rig rig(Tiny::l2, 9);
  const TwoStageRule rule{"tiny", 3, 2, 5, -3};
  Engine second = tiny_second(rule);
  PlanRequest request{.tile_keypoints = 60, .rerank = &second};
  request.rules.match.threshold = 0;
  rig.plan = make_plan(rig.engine, rig.source, rig.pairs, request);
  const auto statistics =
      run_collection({rig.engine, rig.source, rig.pairs, rig.plan, &second}, {rig.folder / "run", {}});
  std::int64_t kept = 0;
  const AllMatches found = matches_of(rig.folder / "run");
  for (const ImagePair pair : rig.pairs.within({0, 9}, {0, 9})) {
    const auto expected =
        in_two_stages(rig.engine, second, rule, rig.source.patches(pair.first), rig.source.patches(pair.second));
    const auto& matches = found.at(pair);
    REQUIRE(matches.size() == expected.size());
    for (std::size_t i = 0; i < matches.size(); ++i) {
      CHECK(matches[i].left == expected[i].left);
      CHECK(matches[i].right == expected[i].right);
      CHECK(matches[i].score == Approx(expected[i].score).epsilon(1e-4).margin(1e-4));
    }
    kept += std::ssize(matches);
  }
  CHECK(kept > 0);
  CHECK(statistics.matches == kept);
  CHECK(statistics.reranked > kept);
}

TEST_CASE("two stages need a rule for the first network, and no ratio") {
  Rig rig(Tiny::l2, 5);
  const auto refusal = [&](Engine& second, const MatchRules& rules) {
    PlanRequest request{.rules = {rules}, .rerank = &second};
    return message_of<InvalidArgument>([&] { (void)make_plan(rig.engine, rig.source, rig.pairs, request); });
  };
  Engine without = tiny_engine(Tiny::two_channel);
  CHECK_THAT(refusal(without, {}), Contains("has no weights for two stages"));
  Engine of_another = tiny_second({"other", 3, 1, 1, 0});
  CHECK_THAT(refusal(of_another, {}), Contains("candidates of other, not of tiny"));
  Engine descriptors = tiny_engine(Tiny::l2);
  CHECK_THAT(refusal(descriptors, {}), Contains("no decision part"));
  Engine good = tiny_second({"tiny", 3, 1, 1, 0});
  CHECK_THAT(refusal(good, {.ratio = 0.8F}), Contains("the sum of two stages is none"));
  // Another rule is another run.
  const PlanRequest request{.rerank = &good};
  const auto plan = make_plan(rig.engine, rig.source, rig.pairs, request);
  Engine other = tiny_second({"tiny", 3, 1, 1, 1e-7});
  const PlanRequest wanted{.rerank = &other};
  const auto another = make_plan(rig.engine, rig.source, rig.pairs, wanted);
  CHECK(plan.id != another.id);
  CHECK_THROWS_AS(check_same_plan(another, plan, "folder"), PlanMismatch);
  write_plan(rig.folder / "plan.json", plan);
  CHECK(read_plan(rig.folder / "plan.json").rules.two_stages == plan.rules.two_stages);
}

TEST_CASE("a run that was stopped goes on where it was, and ends in the same bytes") {
  Rig rig;
  REQUIRE(rig.plan.blocks.size() > 5);
  rig.run(rig.folder / "straight");
  const auto expected = block_files(rig.folder / "straight");
  CHECK(expected.size() == rig.plan.blocks.size());
  std::int64_t calls = 0;
  for (bool finished = false; !finished; ++calls) {
    Watch watch;
    watch.stop_after = 1;  // told of while the second one is matched, which is kept too
    try {
      const auto statistics = rig.run(rig.folder / "stopped", {}, {watch.stop.get_token(), nullptr}, &watch);
      CHECK(statistics.blocks_found == std::min<std::int64_t>(2 * calls, statistics.blocks));
      finished = true;
    } catch (const Interrupted&) {
      CHECK(watch.done == 2);
    }
    REQUIRE(calls < 100);
  }
  CHECK(calls > 2);
  CHECK(block_files(rig.folder / "stopped") == expected);
}

TEST_CASE("shards into one folder or into several give the same blocks, merging names what is missing") {
  Rig rig;
  rig.run(rig.folder / "whole");
  const auto expected = block_files(rig.folder / "whole");
  const auto part = [&](int i) { return rig.folder / ("part" + std::to_string(i)); };
  for (const int i : {2, 0, 1}) {
    rig.run(rig.folder / "together", {i, 3});
    rig.run(part(i), {i, 3});
  }
  CHECK(block_files(rig.folder / "together") == expected);
  const auto merged = merge_runs({part(0), part(1), part(2)}, rig.folder / "merged");
  CHECK(block_files(rig.folder / "merged") == expected);
  CHECK(merged.digest == merge_runs({rig.folder / "whole"}, rig.folder / "whole").digest);
  CHECK(merged.pairs == rig.pairs.count());
  CHECK(matches_of(rig.folder / "merged") == matches_of(rig.folder / "whole"));

  try {
    merge_runs({part(0), part(2)}, rig.folder / "incomplete");
    FAIL("a shard is missing");
  } catch (const IncompleteRun& error) {
    const auto shard = shard_blocks(rig.plan, {1, 3});
    REQUIRE(error.missing() == shard);
    CHECK_THAT(error.what(), Contains(rig.plan.block_id(rig.plan.blocks[static_cast<std::size_t>(shard.front())])));
  }
  CHECK(!std::filesystem::exists(rig.folder / "incomplete"));
  CHECK_THROWS_AS(matches_of(part(1)), IncompleteRun);
}

TEST_CASE("descriptors of a collection are those of the engine, and a run reads them back") {
  Rig rig(Tiny::head, 9);
  for (int round = 0; round < 2; ++round) {
    std::int64_t next = 0;
    describe_collection(rig.engine, rig.source, {.path = rig.folder / "run" / "descriptors"},
                        [&](std::int64_t image, MatrixView made) {
                          CHECK(image == next++);
                          const PatchSet patches = rig.source.patches(image);
                          const Matrix expected = rig.engine.describe(patches.view());
                          REQUIRE(made.rows == expected.rows());
                          CHECK(std::equal(expected.span().begin(), expected.span().end(), made.data));
                        });
    CHECK(next == rig.source.size());
  }
  CHECK(rig.run(rig.folder / "run").described == 0);
}

TEST_CASE("an estimate counts what the plan holds and measures this host") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::two_channel);
  Rig rig(kind, 12);
  const RunEstimate estimate = estimate_run({rig.engine, rig.source, rig.pairs, rig.plan}, shard_blocks(rig.plan, {}));
  const auto run = rig.run(rig.folder / "run");
  const std::int64_t loads = run.row_misses;
  CHECK(estimate.row_loads == loads);
  CHECK(estimate.hit_rate == Approx(static_cast<double>(run.row_hits) / static_cast<double>(run.row_hits + loads)));
  CHECK(estimate.comparisons_per_second > 0);
  CHECK(estimate.seconds > 0);
  std::int64_t on_disk = 0;
  if (kind == Tiny::l2) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rig.folder / "run" / "descriptors")) {
      if (entry.is_regular_file()) on_disk += static_cast<std::int64_t>(entry.file_size());
    }
  }
  CHECK(estimate.descriptor_bytes >= on_disk);  // the last image of all may be on no left side
  CHECK((on_disk > 0) == (kind == Tiny::l2));
}

TEST_CASE("collections of no image, of one, and without a keypoint") {
  Engine engine = tiny_engine(Tiny::head);
  for (const std::int64_t count : {0, 1, 4}) {
    const TemporaryFolder folder;
    MemoryImageSource source;
    for (std::int64_t i = 0; i < count; ++i) source.add(std::to_string(i), PatchSet(0, 6, 5));
    const auto pairs = PairSelection::exhaustive(count);
    const auto plan = make_plan(engine, source, pairs, {});
    run_collection({engine, source, pairs, plan}, {folder / "run", {}});
    const auto all = matches_of(folder / "run");
    CHECK(std::ssize(all) == count * (count - 1) / 2);
    for (const auto& [pair, matches] : all) CHECK(matches.empty());
  }
}
