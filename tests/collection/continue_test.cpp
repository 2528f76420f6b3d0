// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <numeric>

#include "collection/rig.hpp"
#include "support/message.hpp"

// A run goes on with more images, other ones, fewer, in another order, or with other pairs: what it ends with is what a
// run from nothing ends with.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Some images of another source, in any order. An image that was edited has the patches of the image after it.
struct Some final : ImageSource {
  Some(const ImageSource& from, std::vector<std::int32_t> which, std::vector<bool> has_changed)
      : inner(from), images(std::move(which)), edited(std::move(has_changed)) {}
  std::int32_t at(std::int64_t i) const { return images.at(static_cast<std::size_t>(i)); }
  std::int64_t content(std::int64_t i) const {
    return edited[static_cast<std::size_t>(at(i))] ? (at(i) + 1) % inner.size() : at(i);
  }
  std::int64_t size() const override { return std::ssize(images); }
  std::string name(std::int64_t i) const override { return inner.name(at(i)); }
  std::int64_t keypoint_count(std::int64_t i) const override { return inner.keypoint_count(content(i)); }
  std::string content_key(std::int64_t i) const override { return inner.content_key(content(i)); }
  std::string patch_settings() const override { return inner.patch_settings(); }
  Extent patch_size() const override { return inner.patch_size(); }
  PatchSet patches(std::int64_t i) const override { return inner.patches(content(i)); }
  const ImageSource& inner;
  std::vector<std::int32_t> images;
  std::vector<bool> edited;
};

using NamedMatches = std::map<std::pair<std::string, std::string>, std::vector<Match>>;
/// Takes matches by the names of a plan's images.
auto by_name(NamedMatches& result, const CollectionPlan& plan) {
  return [&](ImagePair pair, std::span<const Match> matches) {
    const auto name = [&](std::int32_t image) { return plan.images[static_cast<std::size_t>(image)].name; };
    const bool is_new =
        result.try_emplace({name(pair.first), name(pair.second)}, matches.begin(), matches.end()).second;
    CHECK(is_new);
  };
}

NamedMatches named_matches(const std::filesystem::path& folder) {
  const CollectionMatches run(folder);
  NamedMatches result;
  run.for_each(by_name(result, run.plan()));
  return result;
}

std::vector<std::int32_t> first_images(std::int32_t count) {
  std::vector<std::int32_t> images(static_cast<std::size_t>(count));
  std::iota(images.begin(), images.end(), 0);
  return images;
}

/// What the command of a run is given.
struct Given {
  Some source;
  PairSelection pairs;
  CollectionStatistics run(Engine& engine, const std::filesystem::path& folder, RunEvents* events = nullptr,
                           const RunControl& control = {}, const Shard& shard = {}) const {
    const auto plan = make_plan(engine, source, pairs, {.tile_keypoints = 90, .folder = folder});
    return run_collection({engine, source, pairs, plan}, {folder, folder / "descriptors"}, shard, events, control);
  }
  NamedMatches from_nothing(Engine& engine) const {
    const auto plan = make_plan(engine, source, pairs, {.tile_keypoints = 90});
    NamedMatches result;
    match_collection({engine, source, pairs, plan}, by_name(result, plan));
    return result;
  }
};

}  // namespace

TEST_CASE("images that are added cost their own pairs alone, and every byte from before stays") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::pseudo_head, Tiny::two_channel);
  TemporaryFolder folder;
  Engine engine = tiny_engine(kind);
  const auto all = random_images(17, 40, 11);
  const std::vector<bool> as_they_are(17);
  const Given few{{all, first_images(13), as_they_are}, PairSelection::exhaustive(13)};
  const Given more{{all, first_images(17), as_they_are}, PairSelection::exhaustive(17)};
  few.run(engine, folder / "run");
  const auto blocks = block_files(folder / "run");
  const std::string first_plan = read_plan(folder / "run" / "plan.json").id;

  const auto added = more.run(engine, folder / "run");
  CHECK(added.pairs == 17 * 16 / 2 - 13 * 12 / 2);
  CHECK(added.blocks_found == std::ssize(blocks));
  if (kind == Tiny::l2) {
    std::int64_t of_new_images = 0;
    for (std::int64_t i = 13; i < 17; ++i) of_new_images += all.keypoint_count(i);
    CHECK(added.described == of_new_images);
  }
  const auto plan = read_plan(folder / "run" / "plan.json");
  CHECK(plan.generations == std::vector{first_plan});
  const auto now = block_files(folder / "run");
  CHECK(now.size() == plan.blocks.size());
  for (const auto& [name, bytes] : blocks) CHECK(now.at(name) == bytes);

  CHECK(named_matches(folder / "run") == more.from_nothing(engine));
  CHECK(more.run(engine, folder / "run").blocks_found == std::ssize(plan.blocks));  // nothing is left to do
  CHECK(read_plan(folder / "run" / "plan.json").id == plan.id);
}

TEST_CASE("whatever happens to images and pairs, a run that goes on ends as one from nothing") {
  Engine engine = tiny_engine(Tiny::pseudo_head);  // the sides differ: a pair that was turned would show
  const auto all = random_images(14, 40, 5);
  const int kind = GENERATE(0, 1, 2);
  Random random(static_cast<std::uint64_t>(40 + kind));
  TemporaryFolder folder;
  std::int64_t matched = 0;
  std::int64_t of = 0;
  for (int round = 0; round < 9; ++round) {
    auto images = first_images(14);
    std::erase_if(images, [&](std::int32_t image) { return image > 0 && random.below(4) == 0; });
    if (round % 3 == 2) std::reverse(images.begin(), images.end());
    std::vector<bool> edited(14);
    for (std::size_t i = 1; i < 14; ++i) edited[i] = random.below(6) == 0;
    const auto count = std::ssize(images);
    PairSelection pairs = PairSelection::exhaustive(count);
    if (kind == 1) pairs = PairSelection::sequential(count, 3);
    if (kind == 2) {
      std::vector<ImagePair> list;
      for (std::int32_t i = 0; i < count; ++i) {
        for (std::int32_t j = i + 1; j < count; ++j) {
          if ((images[static_cast<std::size_t>(i)] * images[static_cast<std::size_t>(j)] + round / 4) % 3 > 0) {
            list.push_back({i, j});
          }
        }
      }
      pairs = PairSelection::listed(count, list);
    }
    const Given given{{all, images, edited}, pairs};
    Watch watch;  // stopped now and then
    watch.stop_after = round % 2 == 0 ? 3 : -1;
    try {
      matched += given.run(engine, folder / "run", &watch, {watch.stop.get_token(), nullptr}).pairs;
    } catch (const Interrupted&) {
      if (round % 4 == 0) continue;  // the next change finds it unfinished
      given.run(engine, folder / "run");
    }
    of += pairs.count();
    CHECK(named_matches(folder / "run") == given.from_nothing(engine));
  }
  CHECK(matched < of);
}

TEST_CASE("shards share out what is new, wherever they run, and merge into the run of before") {
  TemporaryFolder folder;
  Engine engine = tiny_engine(Tiny::l2);
  const auto all = random_images(17, 40, 11);
  const std::vector<bool> as_they_are(17);
  const Given few{{all, first_images(13), as_they_are}, PairSelection::exhaustive(13)};
  const Given more{{all, first_images(17), as_they_are}, PairSelection::exhaustive(17)};
  few.run(engine, folder / "run");
  std::filesystem::copy(folder / "run", folder / "other", std::filesystem::copy_options::recursive);
  const auto first = more.run(engine, folder / "run", nullptr, {}, {0, 2});
  const auto second = more.run(engine, folder / "other", nullptr, {}, {1, 2});
  CHECK(first.pairs > 0);
  CHECK(second.pairs > 0);
  CHECK(first.pairs + second.pairs == 17 * 16 / 2 - 13 * 12 / 2);
  few.run(engine, folder / "target");
  merge_runs({folder / "run", folder / "other"}, folder / "target");
  CHECK(named_matches(folder / "target") == more.from_nothing(engine));
}

TEST_CASE("a plan that continues another comes back from its file, and damage to it is named") {
  TemporaryFolder folder;
  Engine engine = tiny_engine(Tiny::l2);
  const auto all = random_images(6, 20, 3);
  std::vector<bool> edited(6);
  Given{{all, first_images(5), edited}, PairSelection::exhaustive(5)}.run(engine, folder / "run");
  edited[2] = true;
  Given{{all, {0, 2, 3, 4, 5}, edited}, PairSelection::exhaustive(5)}.run(engine, folder / "run");
  const auto path = folder / "run" / "plan.json";
  const CollectionPlan plan = read_plan(path);
  CHECK(plan.images.size() == 6);
  CHECK(plan.images[1].is_left_out());
  CHECK(plan.images[2].since == 1);
  CHECK(plan.images[5].since == 1);
  write_plan(folder / "again.json", plan);
  CHECK(read_file(folder / "again.json") == read_file(path));

  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const auto at = other.find(from);
    REQUIRE(at != std::string::npos);
    return message_of<FormatError>(
        [&] { (void)read_plan(folder.file("changed.json", other.replace(at, from.size(), to))); });
  };
  CHECK_THAT(changed("twinpatch.plan/2", "twinpatch.plan/3"), Contains("twinpatch.plan/1 or /2"));
  CHECK_THAT(changed("twinpatch.plan/2", "twinpatch.plan/1"), Contains("damaged"));
  CHECK_THAT(changed("\"tile_ends\": [", "\"tile_ends\": [0, "), Contains("expected an integer from 1"));
  CHECK_THAT(changed("\"generations\": [", "\"generations\": [\"x\", "), Contains("damaged"));
}
