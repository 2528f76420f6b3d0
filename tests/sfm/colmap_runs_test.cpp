// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// What every file under a folder holds, and when it was written.
std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> files_in(const std::string& folder) {
  std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().string()] = {read(entry.path()), entry.last_write_time()};
  }
  return files;
}

/// What verification stored, a line for each pair.
std::vector<std::string> geometry_rows(const std::string& database) {
  return lines_of(TestDatabase(database).text(
      "SELECT group_concat(pair_id || ' ' || config || hex(data) || quote(F) || quote(H), char(10)) FROM "
      "(SELECT * FROM two_view_geometries ORDER BY pair_id)"));
}

}  // namespace

TEST_CASE("in a Slurm job array runs are shared only where that is asked for") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const std::vector<std::string> array{"SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_MIN=2", "SLURM_ARRAY_TASK_MAX=3",
                                       "SLURM_ARRAY_TASK_STEP=1", "SLURM_ARRAY_TASK_COUNT=2"};
  const auto run = [&](const std::vector<std::string>& more, const std::vector<std::string>& environment) {
    return collection.run(more, "siam-l2", {.environment = environment});
  };
  const auto whole = run({"--extract"}, array);
  INFO(whole.err);
  CHECK(whole.code == 0);
  CHECK_THAT(whole.err, Contains("task 3 of a Slurm job array does its whole run by itself") &&
                            Contains("--shard slurm") && Contains("--shard 1/1"));
  CHECK(matches_of(collection).size() == 3);
  CHECK_THAT(run({"--shard", "1/1"}, array).err, !Contains("Slurm"));

  const auto share = run({"--shard", "slurm", "--run", collection.scene.path("shared")}, array);
  CHECK(share.code == 0);
  CHECK_THAT(share.err, Contains("shard 2/2 is done"));
  const auto gaps =
      run({"--shard", "slurm"}, {"SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_MAX=9",
                                 "SLURM_ARRAY_TASK_STEP=1", "SLURM_ARRAY_TASK_COUNT=3"});
  CHECK(gaps.code == 2);
  CHECK_THAT(gaps.err, Contains("3 tasks, numbered from 1 to 9 with gaps") && Contains("--array=1-3"));
  const auto outside = run({"--shard", "slurm"}, {});
  CHECK(outside.code == 2);
  CHECK_THAT(outside.err, Contains("no task of a Slurm job array"));
}

TEST_CASE("damaged photographs are named before the work, left out on request, and cost only their own blocks") {
  const Collection collection({"a.png", "b.png", "c.png", "d.png", "e.png"});
  REQUIRE(collection.run({"--extract", "--pairs", "sequential:1", "--run", collection.scene.path("first")}).code == 0);
  const std::string whole = read(collection.photograph(2));
  const auto write = [&](std::size_t i, const std::string& bytes) {
    std::ofstream(collection.photograph(i), std::ios::binary) << bytes;
  };
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--block-keypoints", "130", "--replace", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return collection.run(arguments);
  };
  const auto statistics = [&](const std::string& events) {
    const std::string text = read(events);
    return nlohmann::json::parse(lines_of(text.substr(text.rfind("{\"time\"")))[0]);
  };
  write(2, whole.substr(0, whole.size() - 20));
  const std::string other = read(collection.photograph(4));
  write(4, "");
  const auto refused = run({});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("\"c.png\" cannot be read") && Contains("truncated PNG file") &&
                              Contains("\"e.png\" cannot be read") && Contains("empty file") &&
                              Contains("2 of 5 images") && Contains("--leave-out-damaged"));
  CHECK_FALSE(collection.scene.has("my data.db.twinpatch/plan.json"));
  write(4, other);

  const auto partial = run({"--leave-out-damaged"});
  INFO(partial.err);
  CHECK(partial.code == 3);
  CHECK_THAT(partial.err, Contains("1 image left out, and so 4 pairs of images"));
  CHECK(partial.json()["left_out"] == nlohmann::json::array({"c.png"}));
  CHECK(matches_of(collection).contains(key(3, 4)));

  // Mended: only blocks with c.png are done, and the result is that of a run that was never disturbed.
  write(2, whole);
  const auto mended = run({"--events", collection.scene.path("events")});
  INFO(mended.err);
  CHECK(mended.code == 0);
  CHECK_THAT(mended.err, Contains("1 image is taken in again: \"c.png\"") && Contains("6 are as before"));
  CHECK(mended.json()["generation"] == 1);
  CHECK(mended.json()["changes"]["pairs"] == 4);
  CHECK(statistics(collection.scene.path("events"))["blocks_found"] == 6);
  const auto all = matches_of(collection);
  REQUIRE(run({"--run", collection.scene.path("straight")}).code == 0);
  CHECK(matches_of(collection) == all);

  // Damaged again after the run, and no longer wanted; or replaced by another picture.
  CHECK(run({"--leave-out", "c.png"}).code == 3);
  CHECK(run({"--leave-out", "nobody.png"}).code == 1);
  CHECK(run({}).code == 0);
  (void)collection.scene.photograph("photo graphs/c.png", kWidth, kHeight, 3);
  const auto changed = run({});
  CHECK(changed.code == 0);
  CHECK_THAT(changed.err, Contains("1 image has changed since the run was planned") && Contains("\"c.png\"") &&
                              Contains("6 are as before"));
  CHECK(changed.json()["changes"]["changed"] == nlohmann::json::array({"c.png"}));
}

TEST_CASE("images that are added are matched with all, and rows and blocks of before stay") {
  const Collection collection({"b.png", "d.png", "f.png"});
  const std::vector<std::string> same{"--extract", "--block-keypoints", "130", "--verify", "--json"};
  REQUIRE(collection.run(same).code == 0);
  const auto rows = [&] { return geometry_rows(collection.path()); };
  const auto before = rows();
  const auto blocks = files_in(collection.scene.path("my data.db.twinpatch/blocks"));
  const auto descriptors = files_in(collection.scene.path("my data.db.twinpatch/descriptors"));
  REQUIRE(before.size() == 3);

  // Another camera model: matching does not ask for it, verification takes the image's own.
  {
    TestDatabase database(collection.path());
    database.camera(2, 1, kWidth, kHeight, {300, 300, 120, 90}, true);
    database.image(6, "a.png", 2, 0, {});
    database.image(7, "e.png", 1, 0, {});
  }
  (void)collection.scene.photograph("photo graphs/a.png", kWidth, kHeight, 5);
  (void)collection.scene.photograph("photo graphs/e.png", kWidth, kHeight, 30);
  auto dry = collection.run({"--block-keypoints", "130", "--dry-run"});
  CHECK(dry.code == 0);
  CHECK_THAT(dry.err, Contains("2 images are new: \"a.png\", \"e.png\""));
  CHECK_THAT(dry.out, Contains("3 done"));
  const auto added = collection.run(same);
  INFO(added.err);
  REQUIRE(added.code == 0);
  CHECK_THAT(added.err, Contains("2 images are new") && Contains("7 of 10 blocks are new"));
  CHECK(added.json()["changes"]["added"] == nlohmann::json::array({"a.png", "e.png"}));
  CHECK(added.json()["pairs"] == 10);
  CHECK(added.json()["pairs_unchanged"] == 3);
  CHECK(added.json()["pairs_written"] == 7);
  const auto after = rows();
  CHECK(after.size() == 10);
  for (const auto& row : before) CHECK(std::ranges::count(after, row) == 1);
  for (const auto& [name, file] : blocks) {
    CHECK(files_in(collection.scene.path("my data.db.twinpatch/blocks"))[name] == file);
  }
  for (const auto& [name, file] : descriptors) {
    CHECK(files_in(collection.scene.path("my data.db.twinpatch/descriptors"))[name] == file);
  }

  // The same matches as from nothing.
  std::vector<std::string> straight = same;
  straight.insert(straight.end(), {"--replace", "--run", collection.scene.path("straight")});
  REQUIRE(collection.run(straight).code == 0);
  CHECK(rows() == after);

  // Killed before half of the geometries were written: the rest is verified, and the rows are the same bytes.
  TestDatabase(collection.path()).run("DELETE FROM two_view_geometries WHERE pair_id % 2 = 1");
  const auto left = rows();
  REQUIRE((!left.empty() && left.size() < after.size()));
  const auto resumed = collection.run(same);
  INFO(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(rows() == after);
  CHECK_THAT(resumed.err, Contains(fmt::format("and {} geometries", after.size() - left.size())));

  // An image goes; the run says so and has nothing to do.
  TestDatabase(collection.path()).run("DELETE FROM images WHERE name = 'd.png'");
  const auto fewer = collection.run(same);
  INFO(fewer.err);
  CHECK(fewer.code == 0);
  CHECK_THAT(fewer.err, Contains("1 image of the run is left out or no longer there: \"d.png\""));
  CHECK(fewer.json()["pairs"] == 6);
  CHECK(fewer.json()["pairs_unchanged"] == 6);
}

TEST_CASE("a database that was made anew, with images between the others, goes on with the run") {
  const Collection few({"b.png", "d.png", "f.png"});
  const Collection all({"a.png", "b.png", "c.png", "d.png", "f.png"});
  const auto run_of = [&](const std::string& name) {
    return std::vector<std::string>{"--extract", "--block-keypoints", "130", "--verify", "--json",
                                    "--run",     all.scene.path(name)};
  };
  for (std::size_t i = 0; i < 3; ++i) {  // the same photographs
    std::filesystem::copy_file(all.photograph(std::array{1U, 3U, 4U}[i]), few.photograph(i),
                               std::filesystem::copy_options::overwrite_existing);
  }
  REQUIRE(few.run(run_of("run")).code == 0);
  const auto added = all.run(run_of("run"));
  INFO(added.err);
  REQUIRE(added.code == 0);
  CHECK(added.json()["changes"]["blocks"] == 7);
  const auto matches = matches_of(all);
  CHECK(matches.size() == 10);
  // Ids of a.png and c.png are smaller than those of images that come before them in the run.
  const auto geometries = [&] { return geometry_rows(all.path()); };
  const auto verified = geometries();
  CHECK(verified.size() == 10);
  auto again = run_of("straight");
  again.push_back("--replace");
  REQUIRE(all.run(again).code == 0);
  CHECK(matches_of(all) == matches);
  CHECK(geometries() == verified);
}

TEST_CASE("the folder of another project is refused, though its photographs have the same names") {
  const Collection one({"a.png", "b.png"});
  const Collection other({"a.png", "b.png"});
  for (std::size_t i = 0; i < 2; ++i) {
    (void)other.scene.photograph("photo graphs/" + other.names[i], kWidth, kHeight, 60 + 9 * static_cast<int>(i));
  }
  const std::vector<std::string> run{"--extract", "--run", one.scene.path("run")};
  REQUIRE(one.run(run).code == 0);
  const auto refused = other.run(run);
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("a run of other images: none of its 2") && Contains("use another folder"));
  CHECK(matches_of(other).empty());
}

TEST_CASE("a damaged photograph is named before keypoints are detected in the others") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const std::string whole = read(collection.photograph(1));
  std::ofstream(collection.photograph(1), std::ios::binary) << whole.substr(0, 100);
  const auto refused = collection.run({"--extract"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("\"b.png\" cannot be read") && Contains("1 of 3 images"));
  const auto partial = collection.run({"--extract", "--leave-out-damaged"});
  INFO(partial.err);
  CHECK(partial.code == 3);
  CHECK(matches_of(collection).size() == 1);
}

TEST_CASE("an image that changes between two shards is said, and the run ends with it as it is") {
  const Collection collection({"a.png", "b.png", "c.png", "d.png"});
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--block-keypoints", "130"});
    return collection.run(more);
  };
  REQUIRE(run({"--extract", "--shard", "1/2"}).code == 0);
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 0);
  GrayImage image = read_image(collection.photograph(1));
  image.row(90)[100] ^= 255;
  write_image(collection.photograph(1), image);
  const auto second = run({"--shard", "2/2"});
  CHECK(second.code == 0);
  CHECK_THAT(second.err, Contains("1 image has changed") && Contains("b.png"));
  REQUIRE(run({}).code == 0);
  const auto all = matches_of(collection);
  REQUIRE(run({"--replace", "--run", collection.scene.path("straight")}).code == 0);
  CHECK(matches_of(collection) == all);
}

TEST_CASE("Ctrl-C stops a run between two pairs, says what is kept, and the same command ends it") {
  const Collection collection({"a.png", "b.png", "c.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  TestDatabase(collection.path()).run("DELETE FROM matches");
  // Seconds of a 2-channel network, a block for every pair; blocks are checked before any work.
  const auto run = [&](const std::string& folder, const ProcessOptions& how) {
    return collection.run({"--block-keypoints", "130", "--progress", "plain", "--run", collection.scene.path(folder)},
                          "2ch", how);
  };
  const auto stopped = run("stopped", {.interrupt_after = "check: "});
  INFO(stopped.err);
  REQUIRE(stopped.code == 130);
  CHECK_THAT(stopped.err, Contains("stopping at the next clean point") && Contains("are kept in") &&
                              Contains("run the same command again to resume") && Contains("error: interrupted"));
  CHECK(stopped.out.empty());
  CHECK(matches_of(collection).empty());
  REQUIRE(run("stopped", {}).code == 0);
  const auto ended = matches_of(collection);
  CHECK(ended.size() == 3);
  TestDatabase(collection.path()).run("DELETE FROM matches");
  REQUIRE(run("straight", {}).code == 0);
  CHECK(matches_of(collection) == ended);
}

TEST_CASE("a plan counts the work and measures this host, shards of it, merged, make the database of one run") {
  const Collection collection({"a.png", "b.png", "c.png"});
  REQUIRE(collection.run({"--extract", "--pairs", "sequential:1"}).code == 0);
  const std::vector<std::string> same{collection.path(),
                                      "--images",
                                      collection.images(),
                                      "-m",
                                      collection.scene.model("siam-l2"),
                                      "--run",
                                      collection.scene.path("run"),
                                      "--block-keypoints",
                                      "60"};
  const auto with = [&](const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{command};
    arguments.insert(arguments.end(), same.begin(), same.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  const auto plan = with("plan", {"--json"});
  INFO(plan.err);
  REQUIRE(plan.code == 0);
  CHECK(plan.json().at("schema") == "twinpatch.plan-summary/1");
  CHECK(plan.json().at("images") == 3);
  CHECK(plan.json().at("pairs") == 3);
  CHECK(plan.json().at("comparisons_per_second") > 0);
  CHECK_FALSE(collection.scene.has("run"));

  CHECK(with("colmap", {"--shard", "3/2"}).code == 2);
  for (const char* shard : {"2/2", "1/2"}) CHECK(with("colmap", {"--shard", shard}).code == 0);
  CHECK(collection.right_ones(3, 5).first == 0);  // shards leave the database alone
  CHECK(run_twinpatch({"merge", collection.scene.path("run")}).code == 0);
  const auto written = with("colmap", {"--events", collection.scene.path("events"), "--replace"});
  CHECK(written.code == 0);
  CHECK_THAT(written.err, Contains("are already done and intact"));
  CHECK(collection.right_ones(3, 5).first > 0);
  const std::string events = read(collection.scene.path("events"));
  CHECK_THAT(events, Contains("\"event\":\"start\"") && Contains("\"event\":\"end\""));
}
