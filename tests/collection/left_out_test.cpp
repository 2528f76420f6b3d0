// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "collection/rig.hpp"
#include "support/message.hpp"

// Images that are damaged, replaced or left out: what does not need them is neither lost nor done again.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

constexpr std::int64_t kImage = 3;

/// Image 3 is damaged, or has become another one.
struct Troubled final : WrappedSource {
  enum class Kind { damaged, replaced };
  Troubled(const ImageSource& inner, Kind trouble) : WrappedSource(inner), kind(trouble) {}
  std::string content_key(std::int64_t image) const override {
    const std::string key = WrappedSource::content_key(image);
    if (image != kImage) return key;
    if (kind == Kind::damaged) throw FormatError("three.jpg", 7, "JPEG file is cut off");
    return key + "x";
  }
  PatchSet patches(std::int64_t image) const override {
    if (image == kImage && kind == Kind::damaged) throw FormatError("three.jpg", 7, "JPEG file is cut off");
    PatchSet set = WrappedSource::patches(image);
    if (image != kImage) return set;
    PatchSet other(set.size(), set.view().height, set.view().width);  // others' pixels
    std::memset(other.mutable_patch(0), 90, static_cast<std::size_t>(set.size() * set.view().patch_bytes()));
    return other;
  }
  Kind kind;
};

/// A run of a source with pairs and a plan of its own.
struct Attempt {
  Attempt(Rig& rig, const ImageSource& from, bool leave_out)
      : source(from),
        engine(rig.engine),
        listing(list_images(from)),
        pairs(leave_out ? rig.pairs.without(left_out()) : rig.pairs),
        plan(make_plan(rig.engine, from, pairs, {.tile_keypoints = 90, .images = listing.images})) {}
  std::vector<bool> left_out() const {
    std::vector<bool> out;
    for (const auto& image : listing.images) out.push_back(image.is_left_out());
    return out;
  }
  CollectionStatistics run(const std::filesystem::path& to, bool accept = false, RunEvents* events = nullptr) {
    return run_collection({engine, source, pairs, plan}, {to, {}, accept}, {}, events);
  }
  /// Blocks that have a pair with image 3.
  std::int64_t concerned() const {
    std::int64_t count = 0;
    for (const Block& block : plan.blocks) {
      const auto within = pairs.within(block.rows, block.columns);
      count += std::any_of(within.begin(), within.end(),
                           [](ImagePair pair) { return pair.first == kImage || pair.second == kImage; });
    }
    return count;
  }
  const ImageSource& source;
  Engine& engine;
  ImageListing listing;
  PairSelection pairs;
  CollectionPlan plan;
};

}  // namespace

TEST_CASE("damaged images are found while listing, all of them, and a plan is not made with one") {
  Rig rig;
  const Troubled damaged(rig.source, Troubled::Kind::damaged);
  const auto listing = list_images(damaged);
  REQUIRE(listing.damaged.size() == 1);
  CHECK(listing.damaged[0].image == kImage);
  CHECK(listing.damaged[0].name == rig.source.name(kImage));
  CHECK_THAT(listing.damaged[0].what, Contains("three.jpg"));
  CHECK(listing.images[kImage].is_left_out());
  CHECK(listing.images[kImage].keypoints == rig.source.keypoint_count(kImage));
  CHECK_FALSE(listing.images[0].is_left_out());
  CHECK_THAT(message_of<DamagedImages>([&] { (void)make_plan(rig.engine, damaged, rig.pairs, {}); }),
             Contains("1 of 17 images") && Contains("three.jpg"));
  CHECK_THROWS_AS(make_plan(rig.engine, damaged, rig.pairs, {.images = listing.images}), InvalidArgument);

  const std::vector<std::string> named{rig.source.name(0)};
  CHECK(list_images(rig.source, named).images[0].is_left_out());
  const std::vector<std::string> unknown{"nobody"};
  CHECK_THROWS_AS(list_images(rig.source, unknown), InvalidArgument);
}

TEST_CASE("pairs without some images are the others, and their key says so") {
  for (const auto& pairs : {PairSelection::exhaustive(9), PairSelection::sequential(9, 3),
                            PairSelection::listed(9, {{0, 1}, {1, 2}, {3, 8}, {7, 8}})}) {
    std::vector<bool> out(9);
    out[1] = out[8] = true;
    const PairSelection rest = pairs.without(out);
    std::set<ImagePair> expected;
    for (const ImagePair pair : pairs.within({0, 9}, {0, 9})) {
      if (pair.first != 1 && pair.second != 1 && pair.second != 8) expected.insert(pair);
    }
    const auto found = rest.within({0, 9}, {0, 9});
    CHECK(std::set(found.begin(), found.end()) == expected);
    CHECK(rest.count() == std::ssize(expected));
    CHECK_FALSE(rest.uses(1));
    CHECK(pairs.uses(1));
    CHECK(rest.key() != pairs.key());
    CHECK(same_but_left_out(rest.key(), pairs.key()));
    CHECK(pairs.without(std::vector<bool>(9)).key() == pairs.key());
  }
  CHECK_FALSE(same_but_left_out(PairSelection::exhaustive(9).key(), PairSelection::sequential(9, 2).key()));
}

TEST_CASE("an image that is left out and taken in again costs its own blocks alone") {
  Rig rig;
  const Troubled damaged(rig.source, Troubled::Kind::damaged);
  Attempt whole(rig, rig.source, false);
  Attempt without(rig, damaged, true);
  const auto folder = rig.folder / "run";
  whole.run(folder);
  const auto all = block_files(folder);

  const auto left_out = without.run(folder);
  CHECK(left_out.blocks_found ==
        left_out.blocks - (whole.concerned() - (std::ssize(whole.plan.blocks) - std::ssize(without.plan.blocks))));
  CHECK(block_files(folder).size() == without.plan.blocks.size());  // nothing is left of the other plan
  CHECK(read_plan(folder / "plan.json").id == without.plan.id);
  without.run(rig.folder / "straight");
  CHECK(block_files(folder) == block_files(rig.folder / "straight"));
  for (const auto& [pair, matches] : matches_of(folder)) CHECK((pair.first != kImage && pair.second != kImage));

  struct Adopted final : RunEvents {
    void blocks_adopted(std::int64_t blocks) override { count = blocks; }
    std::int64_t count = -1;
  } events;
  const auto again = whole.run(folder, false, &events);
  CHECK(again.blocks - again.blocks_found == whole.concerned());
  CHECK(events.count == again.blocks_found);
  CHECK(block_files(folder) == all);
}

TEST_CASE("an image that was replaced is refused, or accepted at the price of its blocks") {
  Rig rig;
  const Troubled replaced(rig.source, Troubled::Kind::replaced);
  Attempt before(rig, rig.source, false);
  Attempt after(rig, replaced, false);
  const auto folder = rig.folder / "run";
  before.run(folder);
  CHECK_THROWS_AS(after.run(folder), ImageChanged);
  const auto run = after.run(folder, true);
  CHECK(run.blocks - run.blocks_found == after.concerned());
  CHECK(run.blocks_found > 0);
  after.run(rig.folder / "straight");
  CHECK(block_files(folder) == block_files(rig.folder / "straight"));

  // Another selection of pairs: blocks with the same pairs are kept.
  Rig list;
  auto some = list.pairs.within({0, 17}, {0, 17});
  std::erase_if(some, [](ImagePair pair) { return pair.first == kImage || pair.second == kImage; });
  before.run(list.folder / "run");
  list.pairs = PairSelection::listed(17, some);
  list.plan = make_plan(list.engine, list.source, list.pairs, {.tile_keypoints = 90});
  CHECK_THROWS_AS(list.run(list.folder / "run"), PlanMismatch);
  const auto kept =
      run_collection({list.engine, list.source, list.pairs, list.plan}, {list.folder / "run", {}, true}, {}, nullptr);
  CHECK(kept.blocks_found > 0);
  CHECK(kept.blocks_found < kept.blocks);

  PairRules one_way;
  one_way.match.mutual = false;
  // Other rules are another run, accepted or not.
  list.plan = make_plan(list.engine, list.source, list.pairs, {.rules = one_way, .tile_keypoints = 90});
  CHECK_THROWS_AS(
      run_collection({list.engine, list.source, list.pairs, list.plan}, {list.folder / "run", {}, true}, {}, nullptr),
      PlanMismatch);
}
