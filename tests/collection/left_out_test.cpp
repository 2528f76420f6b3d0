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
  /// Goes on with the run that the folder holds.
  CollectionStatistics run(const std::filesystem::path& to) {
    plan = make_plan(engine, source, pairs, {.tile_keypoints = 90, .images = listing.images, .folder = to});
    return run_collection({engine, source, pairs, plan}, {to, {}});
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
    CHECK(pairs.without(std::vector<bool>(9)).key() == pairs.key());
  }
}

TEST_CASE("an image that is left out and taken in again costs nothing") {
  Rig rig;
  const Troubled damaged(rig.source, Troubled::Kind::damaged);
  Attempt whole(rig, rig.source, false);
  Attempt without(rig, damaged, true);
  const auto folder = rig.folder / "run";
  whole.run(folder);
  const auto all = matches_of(folder);
  const auto files = block_files(folder);

  CHECK(without.run(folder).pairs == 0);  // the others' matches are taken from the blocks that had them
  CHECK(without.plan.generation() == 1);
  const auto changes = changes_between(whole.plan, without.plan);
  CHECK(changes.gone == std::vector{rig.source.name(kImage)});
  CHECK(changes.blocks == whole.concerned());
  AllMatches rest = all;
  std::erase_if(rest, [](const auto& entry) { return entry.first.first == kImage || entry.first.second == kImage; });
  CHECK(matches_of(folder) == rest);
  for (const auto& [name, bytes] : files) CHECK(block_files(folder).at(name) == bytes);

  CHECK(whole.run(folder).pairs == 0);
  CHECK(whole.plan.generation() == 2);
  CHECK(changes_between(without.plan, whole.plan).back == std::vector{rig.source.name(kImage)});
  CHECK(matches_of(folder) == all);
}

TEST_CASE("an image that was damaged at first is matched once it is repaired") {
  Rig rig;
  const Troubled damaged(rig.source, Troubled::Kind::damaged);
  Attempt without(rig, damaged, true);
  Attempt whole(rig, rig.source, false);
  const auto folder = rig.folder / "run";
  without.run(folder);
  CHECK(whole.run(folder).pairs == 16);  // with the other images
  whole.run(rig.folder / "straight");
  CHECK(matches_of(folder) == matches_of(rig.folder / "straight"));
}

TEST_CASE("an image that was replaced is matched again, and nothing else") {
  Rig rig;
  const Troubled replaced(rig.source, Troubled::Kind::replaced);
  Attempt before(rig, rig.source, false);
  Attempt after(rig, replaced, false);
  const auto folder = rig.folder / "run";
  before.run(folder);
  CHECK(after.run(folder).pairs == 16);
  CHECK(changes_between(before.plan, after.plan).changed == std::vector{rig.source.name(kImage)});
  CHECK(block_files(folder).size() == after.plan.blocks.size());  // what it was before is wanted no more
  after.run(rig.folder / "straight");
  CHECK(matches_of(folder) == matches_of(rig.folder / "straight"));
}

TEST_CASE("a run that holds none of the images, or has other rules, is not continued") {
  Rig rig;
  rig.run(rig.folder / "run");
  const PlanRequest request{.tile_keypoints = 90, .folder = rig.folder / "run"};
  struct Others final : WrappedSource {
    using WrappedSource::WrappedSource;
    std::string content_key(std::int64_t image) const override { return WrappedSource::content_key(image) + "x"; }
  };
  const Others others(rig.source);
  CHECK_THAT(message_of<PlanMismatch>([&] { (void)make_plan(rig.engine, others, rig.pairs, request); }),
             Contains("a run of other images") && Contains("use another folder"));
  const auto elsewhere = random_images(5, 40, 77);
  CHECK_THROWS_AS(make_plan(rig.engine, Others(elsewhere), PairSelection::exhaustive(5), request), PlanMismatch);
  PlanRequest one_way = request;
  one_way.rules.match.mutual = false;
  CHECK_THAT(message_of<PlanMismatch>([&] { (void)make_plan(rig.engine, rig.source, rig.pairs, one_way); }),
             Contains("rules"));
  PlanRequest tiles = request;
  tiles.tile_keypoints = 91;
  CHECK_THROWS_AS(make_plan(rig.engine, rig.source, rig.pairs, tiles), PlanMismatch);
}
