// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

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
  CHECK_THAT(mended.err, Contains("6 finished blocks are kept"));
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
  CHECK(changed.code == 1);
  CHECK_THAT(changed.err, Contains("image c.png changed since the run") && Contains("--accept-changes"));
  const auto accepted = run({"--accept-changes"});
  CHECK(accepted.code == 0);
  CHECK_THAT(accepted.err, Contains("6 finished blocks are kept"));
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

TEST_CASE("an image that changes while a run is under way stops it") {
  const Collection collection({"a.png", "b.png", "c.png", "d.png"});
  REQUIRE(collection.run({"--extract", "--shard", "1/2", "--block-keypoints", "130"}).code == 0);
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 0);
  GrayImage image = read_image(collection.photograph(1));
  image.row(90)[100] ^= 255;
  write_image(collection.photograph(1), image);
  const auto changed = collection.run({"--shard", "2/2", "--block-keypoints", "130"});
  CHECK(changed.code == 1);
  CHECK_THAT(changed.err, Contains("b.png"));
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 0);
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
