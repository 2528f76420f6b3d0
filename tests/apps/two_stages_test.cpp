// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "apps/process.hpp"
#include "apps/scene.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// A photograph and the same one moved, as a sequence.
std::string sequence(const Scene& scene) {
  std::filesystem::create_directories(scene.path("wall"));
  (void)scene.photograph("wall/img1.png", 200, 150);
  (void)scene.photograph("wall/img2.png", 200, 150, 40);
  (void)scene.folder().file("wall/H1to2p", "1 0 40\n0 1 0\n0 0 1\n");
  return scene.path("wall");
}

}  // namespace

TEST_CASE("two stages are fitted on sequences, evaluated and matched with") {
  const Scene scene;
  const auto wall = sequence(scene);
  const auto first = scene.model("siam-l2");
  const auto fitted = scene.path("fitted.safetensors");
  const std::vector<std::string> eval{"eval",           wall,      "-m", first, "--max-keypoints", "40", "--json",
                                      "--no-baselines", "--rerank"};
  auto arguments = eval;
  arguments.insert(arguments.end(), {scene.model("2ch"), "--candidates", "3", "--fit", fitted});
  const auto fit = run_twinpatch(arguments);
  INFO(fit.err);
  REQUIRE(fit.code == 0);
  CHECK(fit.json()["schema"] == "twinpatch.fit/1");
  CHECK(fit.json()["first"] == "siam-l2");
  CHECK(fit.json()["candidates"] == 3);
  CHECK(fit.json()["similarity_weight"] > 0);  // the same picture, moved: near descriptors are right

  arguments = eval;
  arguments.push_back(fitted);
  const auto evaluated = run_twinpatch(arguments);
  INFO(evaluated.err);
  REQUIRE(evaluated.code == 0);
  const auto results = evaluated.json()["results"];
  REQUIRE(results.size() == 2);
  CHECK(results[1]["name"] == "siam-l2 + 2ch");
  CHECK(results[1]["pairs"][0]["correct"] > 0);

  const auto match = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"match", wall + "/img1.png", wall + "/img2.png", "-m",  first, "--max-keypoints",
                                 "40",    "--json",           "--rerank",         fitted};
    all.insert(all.end(), more.begin(), more.end());
    const auto result = run_twinpatch(all);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.json()["matches"];
  };
  const auto likely = match({});
  for (const auto& row : likely) CHECK(row[4] >= 0);  // "none" is at 0
  const auto every = match({"--threshold", "-1000"});
  CHECK(every.size() >= likely.size());
  CHECK(!every.empty());
}

TEST_CASE("two stages that cannot be are refused") {
  const Scene scene;
  const auto wall = sequence(scene);
  const auto refuse = [&](int code, const std::vector<std::string>& arguments, const char* words) {
    const auto result = run_twinpatch(arguments);
    INFO(result.err);
    CHECK(result.code == code);
    CHECK_THAT(result.err, Contains(words));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') <= 3);  // models and devices are named before
  };
  const auto descriptors = scene.model("siam-l2");
  const auto pairs = scene.model("2ch");
  const std::vector<std::string> match{"match", wall + "/img1.png", wall + "/img2.png", "-q", "-m"};
  const auto with = [](std::vector<std::string> all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  refuse(1, with(match, {descriptors, "--rerank", descriptors}), "no decision part");
  refuse(1, with(match, {descriptors, "--rerank", pairs}), "no weights for two stages");
  refuse(1, with(match, {pairs, "--rerank", pairs}), "finds no candidates");
  refuse(2, with(match, {descriptors, "--rerank", pairs, "--ratio", "0.8"}), "--ratio");
  refuse(2, with(match, {descriptors, "--rerank", pairs, "--probability"}), "--probability");
  const auto out = scene.path("out.safetensors");
  refuse(2, {"eval", wall, "-q", "-m", descriptors, "--fit", out}, "--fit needs --rerank");
  refuse(1, {"eval", wall, "-q", "-m", descriptors, "--rerank", descriptors, "--fit", out}, "no decision part");
  refuse(1, {"eval", wall, "-q", "-m", pairs, "--rerank", pairs, "--fit", out}, "finds no candidates");
  CHECK_FALSE(scene.has("out.safetensors"));
}
