// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "sfm/colmap_fixtures.hpp"
#include "twinpatch/sfm/colmap_ids.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

constexpr int kWidth = 240;
constexpr int kHeight = 180;
constexpr int kShift = 17;

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::int64_t key(std::uint32_t a, std::uint32_t b) {
  return colmap_pair_id(static_cast<ColmapImageId>(a), static_cast<ColmapImageId>(b));
}

/// Photographs of one scene, each shifted by 17 pixels more, and a database that knows them: ids 3, 4, 5, …, no
/// keypoints yet.
struct Collection {
  explicit Collection(const std::vector<std::string>& file_names, const std::string& release = "3.8")
      : names(file_names) {
    std::filesystem::create_directory(scene.folder() / "photo graphs");
    TestDatabase database(path(), release, true);
    database.camera(1, 0, kWidth, kHeight, {300, 120, 90}, true);
    for (std::size_t i = 0; i < names.size(); ++i) {
      (void)scene.photograph("photo graphs/" + names[i], kWidth, kHeight, kShift * static_cast<int>(i));
      database.image(static_cast<int>(i) + 3, names[i], 1, 0, {});
    }
  }
  [[nodiscard]] std::string path() const { return scene.path("my data.db"); }
  [[nodiscard]] std::string images() const { return scene.path("photo graphs"); }
  [[nodiscard]] std::string photograph(std::size_t i) const { return images() + "/" + names[i]; }

  [[nodiscard]] ProcessResult run(const std::vector<std::string>& more, const std::string& network = "siam-l2",
                                  const ProcessOptions& how = {}) const {
    std::vector<std::string> arguments{"colmap",          path(), "--images",  images(), "-m", scene.model(network),
                                       "--max-keypoints", "120",  "--threads", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments, how);
  }
  /// Of the pair's stored matches, how many there are and how many lie at the shift between the two.
  [[nodiscard]] std::pair<int, int> right_ones(std::uint32_t a, std::uint32_t b) const {
    TestDatabase database(path());
    const auto row = database.row("matches", "pair_id", key(a, b));
    if (!row) return {0, 0};
    const auto pairs = integers(row->data);
    const auto left = floats(database.row("keypoints", "image_id", a)->data);
    const auto right = floats(database.row("keypoints", "image_id", b)->data);
    int correct = 0;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const float dx = right.at(6 * pairs[i + 1]) - left.at(6 * pairs[i]);
      const float dy = right.at(6 * pairs[i + 1] + 1) - left.at(6 * pairs[i] + 1);
      const auto shift = static_cast<float>(kShift * static_cast<int>(b - a));
      correct += std::abs(dx - shift) < 3 && std::abs(dy) < 3 ? 1 : 0;
    }
    return {static_cast<int>(pairs.size() / 2), correct};
  }

  Scene scene;
  std::vector<std::string> names;
};

/// The stored matches of every pair.
std::map<std::int64_t, std::vector<std::uint32_t>> matches_of(const Collection& collection) {
  std::map<std::int64_t, std::vector<std::uint32_t>> all;
  TestDatabase database(collection.path());
  const auto count = static_cast<std::uint32_t>(collection.names.size());
  for (std::uint32_t a = 3; a < 3 + count; ++a) {
    for (std::uint32_t b = a + 1; b < 3 + count; ++b) {
      if (const auto row = database.row("matches", "pair_id", key(a, b))) all[key(a, b)] = integers(row->data);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a database is filled with keypoints, matches and the way on from there") {
  const Collection collection({"it's \"1\".png", "zwei drei.png", "été.png"});
  std::string before = TestDatabase(collection.path()).schema();
  const auto result = collection.run({"--extract"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  for (const auto& [a, b] : {std::pair{3U, 4U}, {3U, 5U}, {4U, 5U}}) {
    const auto [count, correct] = collection.right_ones(a, b);
    CHECK(count > 20);
    CHECK(correct > count * 7 / 10);
  }
  TestDatabase database(collection.path());
  CHECK(database.schema() == before);
  CHECK(database.number("SELECT count(*) FROM matches") == 3);
  CHECK(database.number("SELECT count(*) FROM two_view_geometries") == 0);
  // A list with tabs where names have spaces, which COLMAP 3.8 cannot read: so the way on is another.
  CHECK(read(collection.path() + ".twinpatch/pairs.txt").find("it's \"1\".png\tzwei drei.png\n") != std::string::npos);
  CHECK_THAT(result.err, Contains("cannot read a list of names with spaces") && Contains("--verify"));

  // The same again: nothing is matched, nothing changes; and verified, nothing is matched either.
  const auto again = collection.run({});
  INFO(again.err);
  REQUIRE(again.code == 0);
  CHECK_THAT(again.err, Contains("3 pairs already had the same matches"));
  const auto verified = collection.run({"--verify", "--json"});
  INFO(verified.err);
  REQUIRE(verified.code == 0);
  const auto object = verified.json();
  CHECK(object["schema"] == "twinpatch.colmap/1");
  CHECK(object["pairs_unchanged"] == 3);
  CHECK(object["verified"]["planar_or_panoramic"] == 3);  // a shift is a homography
  CHECK(object["next"].size() == 2);
  CHECK_THAT(object["next"][1].get<std::string>(), Contains("colmap mapper --database_path '") && Contains("sparse"));
  const auto geometry = database.geometry(key(3, 4));
  REQUIRE(geometry);
  CHECK(geometry->config == 6);
  CHECK(geometry->rows > 15);
  REQUIRE(geometry->matrices[2]);
  const auto h = doubles(*geometry->matrices[2]);
  CHECK(h[2] / h[8] == Approx(kShift).margin(1.5));  // row-major, from the first to the second
}

TEST_CASE("a list of pairs that names unknown images is done as far as it goes, and says so") {
  const Collection collection({"a.png", "b.png", "c.png"});
  REQUIRE(collection.run({"--extract", "--pairs", "sequential:1"}).code == 0);
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 2);
  const auto list =
      collection.scene.folder().file("list.txt", "# pairs\nnobody.png a.png\nc.png a.png\nb.png ghost.png\n");
  const auto result = collection.run({"--pairs", list.string(), "--run", collection.scene.path("other")});
  INFO(result.err);
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("nobody.png") && Contains("ghost.png"));
  CHECK(collection.right_ones(3, 5).first > 0);
  CHECK(read(collection.scene.path("other/pairs.txt")) == "a.png c.png\n");
  CHECK_THAT(result.err, Contains("colmap matches_importer") && Contains("--match_type pairs"));
  CHECK_THAT(collection.run({"--pairs", "absent.txt", "--run", collection.scene.path("third")}).err,
             Contains("expected exhaustive, sequential:N, retrieval:N or an existing file"));
  CHECK(collection.run({"--pairs", "retrieval:0", "--run", collection.scene.path("third")}).code == 2);
}

TEST_CASE("pairs are found by pooled descriptors") {
  const Collection collection({"a.png", "b.png", "c.png", "d.png", "e.png"}, "4.2.dev");
  const auto result = collection.run({"--extract", "--pairs", "retrieval:2"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto pairs = TestDatabase(collection.path()).number("SELECT count(*) FROM matches");
  CHECK(pairs >= 5);
  CHECK(pairs < 10);
  CHECK_THAT(result.err, Contains("colmap geometric_verifier"));
  const auto refused = collection.run({"--pairs", "retrieval:2", "--run", collection.scene.path("r")}, "2ch");
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("no descriptors") && Contains("--rerank"));
}

TEST_CASE("keypoints without scale need the size of their patches") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  {
    // What hloc would have stored of them.
    TestDatabase database(collection.path());
    std::vector<std::vector<float>> places;
    for (const int id : {3, 4}) {
      const auto six = floats(database.row("keypoints", "image_id", id)->data);
      places.emplace_back();
      for (std::size_t i = 0; i < six.size(); i += 6) places.back().insert(places.back().end(), {six[i], six[i + 1]});
    }
    database.run("DELETE FROM keypoints");
    database.run("DELETE FROM matches");
    database.run("DELETE FROM images");
    for (const std::size_t i : {0U, 1U}) {
      database.image(static_cast<int>(i) + 3, collection.names[i], 1, 2, places[i]);
    }
  }
  const auto refused = collection.run({"--run", collection.scene.path("r")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("two columns") && Contains("--patch-size") && Contains("\"a.png\", \"b.png\""));
  const auto result = collection.run({"--run", collection.scene.path("r"), "--patch-size", "40"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  TestDatabase database(collection.path());
  CHECK(database.row("matches", "pair_id", key(3, 4))->rows > 20);
}

TEST_CASE("keypoints of one scale need a size like those without, and a size that changes nothing is named") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto useless = collection.run({"--patch-size", "40", "--max-error", "3"});
  CHECK(useless.code == 0);
  CHECK_THAT(useless.err, Contains("warning: --patch-size has no effect: all keypoints have a scale") &&
                              Contains("--max-error has no effect: it needs --verify") &&
                              Contains("--max-keypoints has no effect"));
  {
    TestDatabase database(collection.path());
    std::vector<std::vector<float>> rows;
    for (const int id : {3, 4}) {
      auto six = floats(database.row("keypoints", "image_id", id)->data);
      for (std::size_t i = 0; i < six.size(); i += 6) {
        six[i + 2] = six[i + 5] = id == 3 ? 1.0F : 0.0F;  // an identity shape, as for ALIKED; and nothing
        six[i + 3] = six[i + 4] = 0;
      }
      rows.push_back(std::move(six));
    }
    for (const char* table : {"keypoints", "matches", "images"}) database.run(std::string("DELETE FROM ") + table);
    for (const std::size_t i : {0U, 1U}) {
      database.image(static_cast<int>(i) + 3, collection.names[i], 1, 6, rows[i]);
    }
  }
  const auto run = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--run", collection.scene.path(name), "--replace"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return collection.run(arguments);
  };
  const auto refused = run("r", {});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("the keypoints of 2 images have no scale") && Contains("--patch-size"));
  CHECK(run("r", {"--patch-size", "40"}).code == 0);
  const auto large = matches_of(collection).at(key(3, 4));
  CHECK(large.size() > 40);
  CHECK(run("s", {"--patch-size", "1"}).code == 0);      // shifted pictures match at any size that shows something
  CHECK(matches_of(collection).at(key(3, 4)) != large);  // the size is taken
  CHECK_THAT(run("t", {"--patch-size", "40", "--patch-extent", "9"}).err, Contains("--patch-extent has no effect"));
}

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

TEST_CASE("an empty list of pairs is named") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto list = collection.scene.folder().file("pairs.txt", "# nothing yet\n").string();
  const auto refused = collection.run({"--pairs", list});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("pairs.txt: no pair of images in this list"));
}

TEST_CASE("images without keypoints, keypoints outside, photographs that are missing") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto none = collection.run({});
  CHECK(none.code == 1);
  CHECK_THAT(none.err, Contains("no image has keypoints") && Contains("--extract"));
  REQUIRE(collection.run({"--extract"}).code == 0);
  {
    TestDatabase database(collection.path());
    database.run("UPDATE keypoints SET rows = 0, data = x'' WHERE image_id = 4");
    database.run("DELETE FROM matches");
  }
  const auto two = collection.run({"--run", collection.scene.path("two")});
  INFO(two.err);
  CHECK(two.code == 0);
  CHECK_THAT(two.err, Contains("1 of 3 images have no keypoints") && Contains("b.png"));
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 1);

  // The first keypoint of c.png far to the right.
  TestDatabase database(collection.path());
  auto values = floats(database.row("keypoints", "image_id", 5)->data);
  database.run("DELETE FROM keypoints WHERE image_id = 5");
  database.run("DELETE FROM images WHERE image_id = 5");
  values[0] = 1000;
  database.image(5, "c.png", 1, 6, values);
  const auto outside = collection.run({"--run", collection.scene.path("three")});
  CHECK(outside.code == 1);
  CHECK_THAT(outside.err, Contains("c.png: keypoint 0") && Contains("outside the image of 240x180"));

  std::filesystem::remove(collection.photograph(0));
  std::filesystem::remove(collection.photograph(2));
  const auto missing = collection.run({});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("2 of 3 images are not in this folder: \"a.png\", \"c.png\""));
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

TEST_CASE("distances have a ratio unless told otherwise, learned scores have none") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto kept = [&](const std::string& network, std::vector<std::string> more) {
    more.insert(more.end(), {"--dry-run", "--json", "--run", collection.scene.path("none")});
    const auto result = collection.run(more, network);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.json().at("kept").get<std::string>();
  };
  CHECK(kept("siam-l2", {}) == "mutual best, ratio 0.75");
  CHECK(kept("siam-l2", {"--ratio", "0.5"}) == "mutual best, ratio 0.5");
  CHECK(kept("siam-l2", {"--ratio", "1", "--threshold", "-0.5"}) == "mutual best, score of at least -0.5");
  CHECK(kept("siam", {"--no-mutual"}) == "best of each left keypoint");
  CHECK(kept("siam", {"--ratio", "1"}) == "mutual best");
}

TEST_CASE("a second network decides about what the first left over") {
  const Collection collection({"a.png", "b.png", "c.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto first = matches_of(collection);
  const auto scores = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--rerank", collection.scene.model("2ch"), "--replace"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = collection.run(arguments);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return matches_of(collection);
  };
  // Without a threshold every survivor of the first stage stays; an unattainable one leaves nothing.
  CHECK(scores({"--run", collection.scene.path("all")}) == first);
  CHECK(scores({"--run", collection.scene.path("none"), "--rerank-threshold", "1e30"}).empty());
  const auto alone = collection.run({"--rerank-threshold", "0", "--run", collection.scene.path("alone")});
  CHECK(alone.code == 2);
  CHECK_THAT(alone.err, Contains("--rerank-threshold needs --rerank"));
}

TEST_CASE("a database that another program writes to is left alone") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  TestDatabase colmap(collection.path());
  colmap.run("BEGIN IMMEDIATE");
  const auto locked = collection.run({"--replace", "--lock-wait", "0.05"});
  CHECK(locked.code == 1);
  CHECK_THAT(locked.err, Contains("my data.db") && Contains("another program"));
  colmap.run("ROLLBACK");
  // A look at the plan writes nothing, and so needs no lock.
  colmap.run("BEGIN IMMEDIATE");
  const auto plan = collection.run({"--dry-run", "--run", collection.scene.path("none")});
  INFO(plan.err);
  CHECK(plan.code == 0);
  CHECK_FALSE(collection.scene.has("none"));
  colmap.run("ROLLBACK");
  CHECK(collection.run({"--replace"}).code == 0);
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
