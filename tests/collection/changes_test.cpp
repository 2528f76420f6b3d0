// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>

#include "collection/rig.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("a block file that is cut off or has a flipped bit is found and made again") {
  Rig rig(Tiny::head, 11);
  rig.run(rig.folder / "run");
  const auto expected = block_files(rig.folder / "run");
  Random random(5);
  for (int round = 0; round < 12; ++round) {
    auto victim = expected.begin();
    std::advance(victim, random.below(std::ssize(expected)));
    const auto path = rig.folder / "run" / "blocks" / victim->first;
    const std::int64_t at = random.below(std::ssize(victim->second));
    if (round % 2 == 0) {
      std::filesystem::resize_file(path, static_cast<std::uintmax_t>(at));
    } else {
      damage(path, at);
    }
    CHECK(CollectionMatches(rig.folder / "run").missing().size() == 1);
    CHECK_THROWS_AS(merge_runs({rig.folder / "run"}, rig.folder / "run"), IncompleteRun);
    CHECK_THROWS_AS(matches_of(rig.folder / "run"), FormatError);
    Watch watch;
    const auto statistics = rig.run(rig.folder / "run", {}, {}, &watch);
    CHECK(watch.damaged.size() == 1);
    CHECK(statistics.blocks - statistics.blocks_found == 1);
    CHECK(block_files(rig.folder / "run") == expected);
  }
}

TEST_CASE("descriptors are kept, read back, and made again where they are damaged") {
  Rig rig(Tiny::head, 9);
  const auto first = rig.run(rig.folder / "run");
  CHECK(first.described == rig.plan.keypoints());
  const auto expected = block_files(rig.folder / "run");
  std::filesystem::remove_all(rig.folder / "run" / "blocks");
  const auto again = rig.run(rig.folder / "run");
  CHECK(again.described == 0);
  CHECK(again.descriptors_read > 0);
  CHECK(block_files(rig.folder / "run") == expected);

  std::int64_t damaged = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rig.folder / "run" / "descriptors")) {
    if (!entry.is_regular_file()) continue;
    const auto size = static_cast<std::int64_t>(entry.file_size());
    if (damaged % 2 == 0) {
      damage(entry.path(), size - 3);
    } else {
      std::filesystem::resize_file(entry.path(), static_cast<std::uintmax_t>(size / 2));
    }
    ++damaged;
  }
  std::filesystem::remove_all(rig.folder / "run" / "blocks");
  Watch watch;
  const auto third = rig.run(rig.folder / "run", {}, {}, &watch);
  CHECK(std::ssize(watch.damaged_descriptors) >= damaged);
  CHECK(third.described == rig.plan.keypoints());
  CHECK(block_files(rig.folder / "run") == expected);
}

TEST_CASE("an image that changed since the plan is refused by name") {
  Rig rig;
  struct Changed final : WrappedSource {
    using WrappedSource::WrappedSource;
    std::string content_key(std::int64_t image) const override {
      return WrappedSource::content_key(image) + (image == 3 ? "x" : "");
    }
  };
  const Changed changed(rig.source);
  try {
    run_collection({rig.engine, changed, rig.pairs, rig.plan}, {rig.folder / "run", {}});
    FAIL("image 3 changed");
  } catch (const ImageChanged& error) {
    CHECK(error.image() == rig.source.name(3));
  }
  rig.run(rig.folder / "run");
  const auto other = make_plan(rig.engine, changed, rig.pairs, {.tile_keypoints = 90});
  CHECK_THROWS_AS(run_collection({rig.engine, changed, rig.pairs, other}, {rig.folder / "run", {}}), ImageChanged);
}

namespace {

/// Patches of an image are the bytes of a file.
struct Files final : WrappedSource {
  Files(const ImageSource& inner, std::filesystem::path folder) : WrappedSource(inner), in(std::move(folder)) {
    for (std::int64_t i = 0; i < inner.size(); ++i) {
      const PatchSet set = inner.patches(i);
      std::ofstream out(path(i), std::ios::binary);
      out.write(static_cast<const char*>(set.view().pixels), set.size() * set.view().patch_bytes());
    }
  }
  std::filesystem::path path(std::int64_t image) const { return in / (std::to_string(image) + ".image"); }
  std::string content_key(std::int64_t image) const override { return file_content_hash(path(image)); }
  PatchSet patches(std::int64_t image) const override {
    const auto bytes = std::make_shared<const std::vector<std::byte>>(read_file(path(image)));
    PatchView view = WrappedSource::patches(image).view();
    view.pixels = bytes->data();
    return {view, bytes};
  }
  std::filesystem::path in;
};

/// Does something to an image when the first block is done.
struct Meddle final : RunEvents {
  explicit Meddle(std::function<void()> what) : act(std::move(what)) {}
  void block_done(const Block& /*block*/, const std::string& /*id*/, std::int64_t /*matches*/,
                  double /*seconds*/) override {
    if (done++ == 0) act();
  }
  std::function<void()> act;
  int done = 0;
};

}  // namespace

TEST_CASE("a file that is gone or another one since the plan is named") {
  Rig rig;
  const Files files(rig.source, rig.folder.path());
  const std::int64_t victim = 6;
  REQUIRE(files.keypoint_count(victim) > 0);
  const auto plan = make_plan(rig.engine, files, rig.pairs, {.tile_keypoints = 90});
  const auto run = [&](const CollectionPlan& with) {
    return run_collection({rig.engine, files, rig.pairs, with}, {rig.folder / "run", {}});
  };
  damage(files.path(victim), 2);
  CHECK_THROWS_AS(run(plan), ImageChanged);
  CHECK_THROWS_WITH(run(plan), Contains(one_line(rig.source.name(victim))));
  CHECK_THROWS_AS(run(make_plan(rig.engine, files, rig.pairs, {.tile_keypoints = 90})), ImageChanged);
  damage(files.path(victim), 2);  // as it was
  std::filesystem::rename(files.path(victim), rig.folder / "away");
  CHECK_THROWS_AS(run(plan), IoError);
  CHECK_THROWS_WITH(run(plan), Contains(files.path(victim).string()));
  std::filesystem::rename(rig.folder / "away", files.path(victim));
  run(plan);
  CHECK(matches_of(rig.folder / "run") == expected_matches(rig.engine, rig.source, rig.pairs, {}));
}

TEST_CASE(
    "an image that goes or changes in the middle of a run stops it by name, and the run goes on once it is back") {
  Rig rig;
  const Files files(rig.source, rig.folder.path());
  std::int64_t victim = files.size() - 1;  // comes last
  while (files.keypoint_count(victim) == 0) --victim;
  const auto plan = make_plan(rig.engine, files, rig.pairs, {.tile_keypoints = 60});
  REQUIRE(plan.blocks.size() > 12);  // blocks are told of one later, and images are read ahead
  const auto run = [&](const std::string& name, RunEvents* events) {
    return run_collection({rig.engine, files, rig.pairs, plan}, {rig.folder / name, {}}, {}, events);
  };
  run("straight", nullptr);
  const auto expected = block_files(rig.folder / "straight");

  Meddle change([&] { damage(files.path(victim), 2); });
  CHECK_THROWS_AS(run("changed", &change), ImageChanged);
  CHECK(change.done >= 1);
  CHECK(block_files(rig.folder / "changed").size() == static_cast<std::size_t>(change.done));
  CHECK(change.done < std::ssize(expected));
  damage(files.path(victim), 2);  // as it was
  CHECK(run("changed", nullptr).blocks_found == change.done);
  CHECK(block_files(rig.folder / "changed") == expected);

  Meddle remove([&] { std::filesystem::rename(files.path(victim), rig.folder / "away"); });
  CHECK_THROWS_WITH(run("gone", &remove), Contains(files.path(victim).string()));
  CHECK(remove.done >= 1);
  CHECK(remove.done < std::ssize(expected));
  std::filesystem::rename(rig.folder / "away", files.path(victim));
  CHECK(run("gone", nullptr).blocks_found == remove.done);
  CHECK(block_files(rig.folder / "gone") == expected);
}

TEST_CASE("a folder of another run is refused with what differs") {
  Rig rig;
  rig.run(rig.folder / "run");
  const auto expect = [&](const CollectionPlan& plan, const std::string& what) {
    CHECK_THROWS_WITH(run_collection({rig.engine, rig.source, rig.pairs, plan}, {rig.folder / "run", {}}),
                      Contains(what));
  };
  PlanRequest request{.tile_keypoints = 90};
  request.numerics = "fp16";
  expect(make_plan(rig.engine, rig.source, rig.pairs, request), "precision");
  request = {.tile_keypoints = 91};
  expect(make_plan(rig.engine, rig.source, rig.pairs, request), "tile size");
  request = {.tile_keypoints = 90};
  request.rules.match.mutual = false;
  expect(make_plan(rig.engine, rig.source, rig.pairs, request), "rules");
  expect(make_plan(tiny_engine(Tiny::l2, 0, 9), rig.source, rig.pairs, {.tile_keypoints = 90}), "model");
}

TEST_CASE("a plan file comes back as it was, names of any bytes too") {
  Rig rig;
  const auto path = rig.folder / "plan.json";
  write_plan(path, rig.plan);
  const CollectionPlan read = read_plan(path);
  CHECK(read.id == rig.plan.id);
  for (std::size_t i = 0; i < read.images.size(); ++i) CHECK(read.images[i].name == rig.plan.images[i].name);
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  for (const std::size_t keep : {std::size_t{0}, std::size_t{1}, text.size() / 2, text.size() - 3}) {
    CHECK_THROWS_AS(read_plan(rig.folder.file("cut.json", text.substr(0, keep))), FormatError);
  }
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const auto at = other.find(from);
    REQUIRE(at != std::string::npos);
    return rig.folder.file("changed.json", other.replace(at, from.size(), to));
  };
  const std::string tile = "\"tile_keypoints\": " + std::to_string(read.tile_keypoints);
  for (const char* number : {"1e300", "9223372036854775808", "-1", "4.0", "null"}) {
    CAPTURE(number);
    CHECK_THROWS_WITH(read_plan(changed(tile, std::string("\"tile_keypoints\": ") + number)),
                      Contains("expected an integer from 0"));
  }
  CHECK_THROWS_WITH(read_plan(changed("\"images\": [", "\"images\": [[\"x\", 4294967297, \"k\"],")),
                    Contains("from 0 to 2147483647, found 4294967297"));
  CHECK_THROWS_WITH(read_plan(changed("\"twinpatch.plan/1\"", std::string(100'000, '[') + std::string(100'000, ']'))),
                    Contains("nested deeper"));
  CHECK_THROWS_WITH(read_plan(changed("\"images\": [", "\"images\": [[{\"bytes\": \"0\"}, 1, \"k\"],")),
                    Contains("hex digits"));
  const auto at = text.find("\"mutual\": true");
  REQUIRE(at != std::string::npos);
  text.replace(at, 14, "\"mutual\": false");
  CHECK_THROWS_WITH(read_plan(rig.folder.file("other.json", text)), Contains("damaged"));
}
