// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch::test;
using Catch::Contains;
using twinpatch::TwoStageRule;

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

TEST_CASE("with --guided both networks score all that lies within the bands") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 320, 240);
  const auto right = scene.photograph("right.png", 320, 240, 23);
  const auto first = scene.model("siam-l2");
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"match", left, right, "-m", first, "--max-keypoints", "200", "--guided"};
    all.insert(all.end(), more.begin(), more.end());
    const auto result = run_twinpatch(all);
    INFO(result.err);
    REQUIRE(result.code == 0);
    CHECK_THAT(result.err, Contains("second pass: "));
    return result.out;
  };
  const auto fitted = [&](double network_weight, const std::string& name) {
    twinpatch::Model model = twinpatch::load_model(scene.model("siam"));
    store_two_stage_rule(model, {"siam-l2", 2, 1, network_weight, 0});
    save_model(scene.path(name), model);
    return scene.path(name);
  };
  // A second network of weight 0 changes nothing, another one does.
  const auto alone = run({"--band", "20"});
  CHECK(std::count(alone.begin(), alone.end(), '\n') > 20);
  const std::vector<std::string> any{"--band", "20", "--threshold", "-1000", "--rerank"};
  const auto with = [&](const std::string& second) {
    auto more = any;
    more.push_back(second);
    return run(more);
  };
  CHECK(with(fitted(0, "nothing.safetensors")) == alone);
  CHECK(with(fitted(10, "much.safetensors")) != alone);
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

TEST_CASE("a grid of two stages keeps the best of the sum") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 12, 64, 1);
  const auto right = scene.patches("right.npy", 9, 64, 2);
  const auto first = scene.model("siam-l2");
  const auto second = [&](const TwoStageRule& rule, const std::string& name) {
    twinpatch::Model model = twinpatch::load_model(scene.model("2ch"));
    store_two_stage_rule(model, rule);
    save_model(scene.path(name), model);
    return scene.path(name);
  };
  const auto grid = [&](const std::string& out, std::vector<std::string> more) {
    more.insert(more.begin(), {"grid", left, right, "-m", first, "-o", scene.path(out), "--top", "2", "-q"});
    return run_twinpatch(more);
  };
  REQUIRE(grid("plain", {"--mutual"}).code == 0);
  // The network has no weight: the first stage's order, and its scores moved by 100.
  const auto silent = second({"siam-l2", 3, 1, 0, -100}, "silent.safetensors");
  const auto result = grid("sum", {"--mutual", "--rerank", silent});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(read_array(scene.path("sum.indices.npy")).values == read_array(scene.path("plain.indices.npy")).values);
  CHECK(read_array(scene.path("sum.pairs.npy")).values == read_array(scene.path("plain.pairs.npy")).values);
  const auto plain = read_array(scene.path("plain.scores.npy")).values;
  const auto sums = read_array(scene.path("sum.scores.npy")).values;
  for (std::size_t i = 0; i < sums.size(); ++i) CHECK(sums[i] == Approx(plain[i] + 100).margin(1e-4));
  // "None" above all: nothing is kept, unless the threshold is lower.
  const auto never = second({"siam-l2", 3, 1, 0, 100}, "never.safetensors");
  REQUIRE(grid("never", {"--mutual", "--rerank", never}).code == 0);
  CHECK(read_array(scene.path("never.pairs.npy")).values.empty());
  for (const double index : read_array(scene.path("never.indices.npy")).values) CHECK(index == -1);
  REQUIRE(grid("low", {"--mutual", "--rerank", never, "--threshold", "-1000"}).code == 0);
  CHECK(read_array(scene.path("low.pairs.npy")).values == read_array(scene.path("plain.pairs.npy")).values);

  const auto refused = [&](int code, const std::vector<std::string>& more, const char* words) {
    const auto run = grid("bad", more);
    CHECK(run.code == code);
    CHECK_THAT(run.err, Contains(words));
  };
  refused(1, {"--rerank", scene.model("2ch")}, "no weights for two stages");
  refused(1, {"--rerank", first}, "no decision part");
  refused(2, {"--rerank", silent, "--ratio", "0.8"}, "--ratio");
  refused(2, {"--rerank", silent, "--full", scene.path("full.npy")}, "leave out one");
  REQUIRE(run_twinpatch({"describe", left, "-m", first, "-o", scene.path("rows.npy")}).code == 0);
  const auto rows = run_twinpatch(
      {"grid", scene.path("rows.npy"), right, "-m", first, "-o", scene.path("bad"), "-q", "--rerank", silent});
  CHECK(rows.code == 1);
  CHECK_THAT(rows.err, Contains("rows.npy holds descriptors"));
  CHECK_FALSE(scene.has("bad.indices.npy"));
}
