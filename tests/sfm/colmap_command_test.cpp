// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

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
             Contains("expected exhaustive, sequential:N, retrieval:N, spatial:R"));
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

TEST_CASE("a plan holds the precision that auto came to, so that shards agree or are refused by name") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto folder = collection.scene.path("r");
  const auto run = [&](const std::string& precision, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--run", folder, "--json", "--precision", precision, "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return collection.run(arguments);
  };
  const auto dry = run("auto", {"--dry-run"});
  INFO(dry.err);
  REQUIRE(dry.code == 0);
  CHECK(dry.json()["precision"] == "fp32");  // nothing was shown of random weights
  const auto done = run("auto", {});
  REQUIRE(done.code == 0);
  CHECK(done.json()["precision"] == "fp32");
  CHECK(done.json()["saturation"].is_null());
  const auto same = run("fp32", {});
  CHECK_THAT(same.err, Contains("blocks are already done"));
  const auto other = run("bf16", {});
  CHECK(other.code == 1);  // without AVX-512 BF16 for that reason
  CHECK_THAT(other.err, (Contains("fp32") && Contains("bf16")));
}

TEST_CASE("two networks decide as one sum over the nearest of both directions") {
  const Collection collection({"a.png", "b.png", "c.png"});
  REQUIRE(collection.run({"--extract", "--ratio", "1"}).code == 0);
  const auto first = matches_of(collection);
  const auto with_rule = [&](const TwoStageRule& rule, const std::string& name) {
    Model model = load_model(collection.scene.model("2ch"));
    store_two_stage_rule(model, rule);
    save_model(collection.scene.path(name), model);
    return collection.scene.path(name);
  };
  const auto run = [&](const std::string& second, const std::string& folder, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--rerank", second, "--replace", "--run", collection.scene.path(folder)});
    return collection.run(more);
  };
  // A network without weight and a "none" that is never likelier: the first network alone.
  const auto silent = with_rule({"siam-l2", 3, 1, 0, -100}, "silent.safetensors");
  const auto all = run(silent, "all");
  INFO(all.err);
  REQUIRE(all.code == 0);
  CHECK(matches_of(collection) == first);
  CHECK(!first.empty());
  REQUIRE(run(silent, "none", {"--threshold", "1e30"}).code == 0);
  CHECK(matches_of(collection).empty());
  // Another rule of the same network is another run.
  const auto other = with_rule({"siam-l2", 3, 1, 0.5, -100}, "other.safetensors");
  const auto mismatch = run(other, "all");
  CHECK(mismatch.code == 1);
  CHECK_THAT(mismatch.err, Contains("two stages"));
  const auto dry = run(other, "dry", {"--dry-run", "--json"});
  REQUIRE(dry.code == 0);
  CHECK_THAT(dry.json().at("kept").get<std::string>(), Contains("0.5 network"));

  CHECK_THAT(run(collection.scene.model("2ch"), "u").err, Contains("2ch has no weights for two stages"));
  CHECK_THAT(run(with_rule({"hard128", 3, 1, 0, 0}, "hard.safetensors"), "u").err,
             Contains("candidates of hard128, not of siam-l2"));
  CHECK(run(silent, "u", {"--ratio", "0.8"}).code == 2);
  for (const std::string undecided : {"siam-l2", "hard128"}) {
    const auto refused =
        collection.run({"--rerank", collection.scene.model(undecided), "--run", collection.scene.path("u")});
    CHECK(refused.code == 1);
    CHECK_THAT(refused.err, Contains("--rerank: " + undecided + " has no decision part"));
  }
}
