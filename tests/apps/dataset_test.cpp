// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "twinpatch/patches/candidate_lists.hpp"

using namespace twinpatch::test;
using Catch::Contains;
using twinpatch::CandidateLists;

namespace {

namespace fs = std::filesystem;

constexpr int kShift = 12;

/// Three views of one picture, moved to the right by kShift each time, and the homographies that say so.
std::string sequence(const Scene& scene) {
  fs::create_directories(scene.path("walls"));
  for (int i = 0; i < 3; ++i) {
    (void)scene.photograph("walls/img" + std::to_string(i + 1) + ".png", 260, 200, i * kShift);
    if (i == 0) continue;
    std::ofstream(scene.path("walls/H1to" + std::to_string(i + 1) + "p")) << "1 0 " << i * kShift << "\n0 1 0\n0 0 1\n";
  }
  return scene.path("walls");
}

std::vector<std::string> made(const Scene& scene, const std::string& name, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{
      "dataset", "from-homographies", scene.path("walls"), "-o", scene.path(name), "--lists", "20", "--hard", "10"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a dataset is made of a sequence, the same bytes for the same seed, and eval reads it") {
  const Scene scene;
  (void)sequence(scene);
  const auto first = run_twinpatch(made(scene, "set", {"--json", "--seed", "5"}));
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto object = first.json();
  CHECK(object["schema"] == "twinpatch.dataset/1");
  CHECK(object["images"] == 3);
  CHECK(object["patches"].get<int>() > 2 * object["points"].get<int>() - 1);
  CHECK(object["lists"].size() == 2);
  CHECK_THAT(first.err, Contains("patches of") && Contains("in 3 images"));

  // info.txt has a line a patch, and the sheets have room for them.
  const auto info = lines_of(content(scene.path("set/info.txt")));
  CHECK(info.size() == object["patches"].get<std::size_t>());
  CHECK(scene.has("set/patches0000.png"));
  CHECK(lines_of(content(scene.path("set/m50_20_20_0.txt"))).size() == 40);

  const auto again = run_twinpatch(made(scene, "again", {"--json", "--seed", "5"}));
  REQUIRE(again.code == 0);
  CHECK(again.json()["content_hash"] == object["content_hash"]);
  CHECK(content(scene.path("again/patches0000.png")) == content(scene.path("set/patches0000.png")));
  const auto other = run_twinpatch(made(scene, "other", {"--json", "--seed", "6"}));
  REQUIRE(other.code == 0);
  CHECK(other.json()["content_hash"] != object["content_hash"]);

  const auto eval = run_twinpatch({"eval", scene.path("set"), "-m", scene.model("siam-l2"), "--json"});
  INFO(eval.err);
  CHECK(eval.code == 0);
}

TEST_CASE("dataset says what is wrong and leaves nothing behind") {
  const Scene scene;
  (void)sequence(scene);
  const auto there = [&] { return scene.has("set") || scene.has("set.tmp"); };

  fs::rename(scene.path("walls/H1to3p"), scene.path("H1to3p"));
  const auto missing = run_twinpatch(made(scene, "set"));
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("H1to3p"));
  CHECK_FALSE(there());
  fs::rename(scene.path("H1to3p"), scene.path("walls/H1to3p"));

  const auto nowhere = run_twinpatch(made(scene, "no/folder/set"));
  CHECK(nowhere.code == 1);
  CHECK_THAT(nowhere.err, Contains("no/folder"));

  const auto threads = run_twinpatch(made(scene, "set", {"--threads", "-1"}));
  CHECK(threads.code == 2);
  const auto usage = run_twinpatch({"dataset", "from-homographies", scene.path("walls")});
  CHECK(usage.code == 2);
  CHECK_FALSE(there());

  const auto full = run_twinpatch(made(scene, "set"), {.largest_file = 1000});
  CHECK(full.code == 1);
  CHECK_THAT(full.err, Contains("cannot write"));
  CHECK_FALSE(there());

  REQUIRE(run_twinpatch(made(scene, "set")).code == 0);
  const auto twice = run_twinpatch(made(scene, "set"));
  CHECK(twice.code == 1);
  CHECK_THAT(twice.err, Contains("set") && Contains("--replace"));
  CHECK(run_twinpatch(made(scene, "set", {"--replace", "-q"})).err.empty());
}

TEST_CASE("a dataset is made of photographs alone") {
  const Scene scene;
  fs::create_directories(scene.path("pictures/inner"));
  (void)scene.photograph("pictures/a 1.png", 240, 180);
  (void)scene.photograph("pictures/inner/b.png", 200, 220, 31);
  const auto result = run_twinpatch({"dataset", "from-photographs", scene.path("pictures"), "-o", scene.path("set"),
                                     "--views", "2", "--lists", "10", "--hard", "0", "--json", "--threads", "1"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json()["images"].get<int>() >= 2);
  CHECK(result.json()["patches"].get<int>() > 20);
  CHECK(result.json()["lists"].size() == 1);

  std::ofstream(scene.path("pictures/cut.jpg")) << "\xff\xd8\xff nothing more";
  const auto partial = run_twinpatch({"dataset", "from-photographs", scene.path("pictures"), "-o", scene.path("set"),
                                      "--views", "2", "--lists", "10", "--hard", "0", "--replace", "--threads", "1"});
  CHECK(partial.code == 3);
  CHECK_THAT(partial.err, Contains("left out: pictures/cut.jpg"));
}

TEST_CASE("candidate lists are made of sequences and photographs, the same bytes for the same seed") {
  const Scene scene;
  (void)sequence(scene);
  const auto model = scene.model("siam-l2");
  const auto make = [&](const std::string& name, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"dataset",
                                       "candidates-from-homographies",
                                       scene.path("walls"),
                                       "-m",
                                       model,
                                       "-o",
                                       scene.path(name),
                                       "--max-keypoints",
                                       "30",
                                       "--candidates",
                                       "3",
                                       "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  const auto first = make("lists");
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto object = first.json();
  CHECK(object["schema"] == "twinpatch.candidates/1");
  CHECK(object["images"] == 3);
  CHECK(object["image_pairs"] == 3);
  CHECK(object["lists_within_3_pixels"].get<int>() > object["lists"].get<int>() / 4);  // one picture, moved
  CHECK_THAT(first.err, Contains("candidates in") && Contains("within 3 px"));
  const CandidateLists lists(scene.path("lists"));
  CHECK(lists.size() == object["lists"]);
  CHECK(lists.first() == "siam-l2");
  CHECK(make("again").json()["content_hash"] == object["content_hash"]);
  CHECK(content(scene.path("again/candidates.npy")) == content(scene.path("lists/candidates.npy")));

  CHECK_THAT(make("lists").err, Contains("already exists"));
  CHECK(make("none", {"--candidates", "0"}).code == 2);
  const auto refused = run_twinpatch({"dataset", "candidates-from-homographies", scene.path("walls"), "-m",
                                      scene.model("2ch"), "-o", scene.path("none"), "-q"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("2ch compares pairs and finds no candidates"));
  CHECK(lines_of(refused.err).size() == 1);
  CHECK_FALSE(scene.has("none"));
  CHECK_FALSE(scene.has("none.tmp"));

  fs::create_directories(scene.path("pictures"));
  (void)scene.photograph("pictures/a.png", 240, 180);
  std::ofstream(scene.path("pictures/cut.jpg")) << "\xff\xd8\xff nothing more";
  const auto partial = run_twinpatch({"dataset", "candidates-from-photographs", scene.path("pictures"), "-m", model,
                                      "-o", scene.path("views"), "--views", "1", "--max-keypoints", "30", "--json"});
  INFO(partial.err);
  CHECK(partial.code == 3);
  CHECK_THAT(partial.err, Contains("left out: pictures/cut.jpg"));
  CHECK(partial.json()["left_out"].size() == 1);
  CHECK(CandidateLists(scene.path("views")).nearest() == 8);
}
