// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdio>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/real_data.hpp"

using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("inputs of every kind are described in the order given") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  const auto array = scene.patches("p.npy", 7);
  const auto tour = scene.photo_tour("tour");
  const auto strips = scene.hpatches("hpatches");
  const auto photograph = scene.photograph("photo.png", 160, 120);
  const auto result = run_twinpatch({"describe", array, tour, strips, photograph, array, "-m", model, "-o",
                                     scene.path("d.npy"), "--max-keypoints", "20", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("duplicate input"));
  const auto json = result.json();
  const Array all = read_array(scene.path("d.npy"));
  CHECK(all.shape[1] == 256);
  std::int64_t row = 0;
  for (const auto& part : json["inputs"]) {
    CHECK(part["first_row"] == row);
    row += part["rows"].get<std::int64_t>();
  }
  CHECK(all.shape[0] == row);
  REQUIRE(json["inputs"].size() == 3 + 32 + 1);
  CHECK(json["inputs"][0]["rows"] == 7);
  CHECK(json["inputs"][1]["rows"] == 300);
  CHECK(json["inputs"][2]["part"] == "i_second/ref");
  // The same input at both ends: the same rows.
  for (std::size_t i = 0; i < 7 * 256; ++i) {
    REQUIRE(all.values[i] == Approx(all.values[all.values.size() - 7 * 256 + i]).margin(1e-6));
  }
}

TEST_CASE("keypoints of described photographs are written beside the descriptors") {
  const Scene scene;
  const auto photograph = scene.photograph("photo.png", 200, 150);
  const auto model = scene.model("tfeat");
  const auto first = run_twinpatch({"describe", photograph, "-m", model, "-o", scene.path("d.npy"), "--keypoints-out",
                                    scene.path("k.npy"), "--max-keypoints", "30"});
  INFO(first.err);
  REQUIRE(first.code == 0);
  const Array keypoints = read_array(scene.path("k.npy"));
  CHECK(keypoints.shape[0] == read_array(scene.path("d.npy")).shape[0]);
  CHECK(keypoints.shape[1] == 4);
  // Read back, they give the same patches.
  REQUIRE(run_twinpatch(
              {"describe", photograph, "-m", model, "-o", scene.path("e.npy"), "--keypoints", scene.path("k.npy")})
              .code == 0);
  const Array a = read_array(scene.path("d.npy"));
  const Array b = read_array(scene.path("e.npy"));
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) REQUIRE(a.values[i] == Approx(b.values[i]).margin(2e-3));
}

TEST_CASE("a PhotoTour folder is evaluated next to the baselines") {
  const Scene scene;
  const auto tour = scene.photo_tour("tour");
  const auto result = run_twinpatch({"eval", tour, "-m", scene.model("siam-l2"), "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto json = result.json();
  CHECK(json["schema"] == "twinpatch.eval/1");
  CHECK(json["matches"] == 150);
  CHECK(json["others"] == 150);
  REQUIRE(json["results"].size() >= 2);
  for (const auto& row : json["results"]) {
    CHECK(row["fpr95"].size() == 4);
    CHECK(row["roc_auc"].get<double>() > 0.9);  // two noisy views of a point: even a random network tells them apart
  }
  const auto text = run_twinpatch({"eval", tour, "-m", scene.model("siam-l2"), "--no-baselines"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Contains("FPR95") && Contains("siam-l2"));
}

TEST_CASE("an evaluation's report is a page of its own") {
  const Scene scene;
  const auto tour = scene.photo_tour("tour");
  const auto model = scene.model("siam-l2");
  CHECK(run_twinpatch({"eval", tour, "-m", model, "--report", scene.path("report/")}).code == 0);
  CHECK(scene.has("report/index.html"));
  const auto refused = run_twinpatch({"eval", tour, "-m", model, "--report", scene.path("missing/report")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("missing"));
}

TEST_CASE("HPatches sequences are evaluated by level") {
  const Scene scene;
  const auto result =
      run_twinpatch({"eval", scene.hpatches("hp"), "-m", scene.model("siam-l2"), "--json", "--no-baselines"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  REQUIRE(result.json()["results"].size() == 1);
  CHECK(result.json()["results"][0]["levels"].size() == 3);
  CHECK(result.json()["missing"].empty());
  const auto report = result.json();
  for (const auto& level : report["results"][0]["levels"]) {
    CHECK(level["matching_illumination"].get<double>() > 0.5);
    CHECK(level["matching_viewpoint"].get<double>() > 0.5);
    CHECK_FALSE(level.contains("retrieval"));
  }

  std::filesystem::remove(scene.path("hp/i_second/t1.png"));
  const auto partial =
      run_twinpatch({"eval", scene.path("hp"), "-m", scene.model("siam-l2"), "--json", "--no-baselines"});
  CHECK(partial.code == 3);
  CHECK_THAT(partial.err, Contains("i_second/t1.png is missing"));
  CHECK(partial.json()["missing"].size() == 1);
}

TEST_CASE("HPatches' task files are used, and refused where they are of other data") {
  const Scene scene;
  const auto data = scene.hpatches("hp");
  std::filesystem::create_directory(scene.path("tasks"));
  const auto write = [&](const std::string& name, const std::string& text) {
    (void)scene.folder().file("tasks/" + name, text);
  };
  write("splits.json", R"({"a": {"test": ["v_first", "i_second"]}, "b": {"test": ["v_first", "v_lost"]}})");
  const auto eval = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "eval",           data,     "--tasks", scene.path("tasks"), "-m", scene.model("siam-l2"),
        "--no-baselines", "--json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  std::string positives = "s1,t1,idx1,s2,t2,idx2\n";
  std::string same = positives, other = positives;
  for (int i = 0; i < 12; ++i) {
    const std::string left = "v_first,0," + std::to_string(i);
    positives += left + ",v_first,3," + std::to_string(i) + "\n";
    same += left + ",v_first,3," + std::to_string((i + 1) % 12) + "\n";
    other += left + ",i_second,2," + std::to_string(i) + "\n";
  }
  write("verif_pos_split-a.csv", positives);
  write("verif_neg_intra_split-a.csv", same);
  write("verif_neg_inter_split-a.csv", other);
  const auto partial = eval({});  // retrieval is not there
  CHECK(partial.code == 3);
  write("retr_queries_split-a.csv", "s,idx\nv_first,0\ni_second,11\n");
  write("retr_distractors_split-a.csv", "s,idx\nv_first,1\ni_second,2\ni_second,5\n");
  const auto whole = eval({});
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  const auto result = whole.json()["results"][0];
  CHECK(whole.json()["split"] == "a");
  for (const char* figure : {"matching", "verification_precision", "verification_roc_area", "retrieval"})
    CHECK(result[figure].get<double>() > 0.5);
  CHECK(partial.json()["results"][0]["verification_precision"] == result["verification_precision"]);

  const auto lost = eval({"--split", "b"});
  CHECK(lost.code == 1);
  CHECK_THAT(lost.err, Contains("1 of the 2 sequences of split b are not there: \"v_lost\""));
  const auto unknown = eval({"--split", "c"});
  CHECK(unknown.code == 1);
  CHECK_THAT(unknown.err, Contains("no split \"c\", only a, b"));
  write("retr_queries_split-a.csv", "s,idx\nv_first,12\n");
  const auto version = eval({});
  CHECK(version.code == 1);
  CHECK_THAT(version.err, Contains("retr_queries_split-a.csv") && Contains("line 2") && Contains("another version"));
  CHECK(lines_of(version.err).size() == 1);
}

TEST_CASE("SNN-mAP is given where interest.txt tells the reference images") {
  const Scene scene;
  const auto tour = scene.photo_tour("tour");
  const auto model = scene.model("siam-l2");
  const auto refused = run_twinpatch({"eval", tour, "-m", model, "--snn"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("--snn needs interest.txt"));
  std::string interest;
  for (int i = 0; i < 300; ++i) interest += std::to_string(i / 100) + " 1.5 2.5 0 1\n";
  (void)scene.folder().file("tour/interest.txt", interest);
  const auto result = run_twinpatch({"eval", tour, "-m", model, "--beside", scene.model("2ch"), "--snn", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto rows = result.json()["results"];
  CHECK(rows[0]["snn_map"]["images"] == 3);
  CHECK(rows[0]["snn_map"]["pairs"] == 300);
  CHECK(rows[0]["snn_map"]["nearest"].get<double>() > 0.5);
  CHECK_FALSE(rows[1].contains("snn_map"));  // 2ch: no distances
  const auto text = run_twinpatch({"eval", tour, "-m", model, "--no-baselines", "--snn"});
  CHECK_THAT(text.out, Contains("SNN-mAP") && Contains("300 pairs in 3 images"));
  (void)scene.folder().file("tour/interest.txt", interest + "x\n");
  CHECK_THAT(run_twinpatch({"eval", tour, "-m", model, "--snn"}).err, Contains("line 301"));
  (void)scene.folder().file("tour/interest.txt", interest + "3\n");
  CHECK_THAT(run_twinpatch({"eval", tour, "-m", model, "--snn"}).err, Contains("301 lines, but info.txt has 300"));
}

TEST_CASE("image sequences that lack something are evaluated as far as they go, with exit code 3") {
  const Scene scene;
  for (const std::string folder : {"walls/whole", "walls/gap", "walls/headless"}) {
    std::filesystem::create_directories(scene.path(folder));
    for (const int number : {1, 2, 3}) {
      (void)scene.photograph(folder + "/" + std::to_string(number) + ".png", 160, 120, 3 * number);
    }
    (void)scene.folder().file(folder + "/H_1_2", "1 0 3\n0 1 0\n0 0 1\n");
    (void)scene.folder().file(folder + "/H_1_3", "1 0 6\n0 1 0\n0 0 1\n");
  }
  std::filesystem::remove(scene.path("walls/gap/2.png"));
  std::filesystem::remove(scene.path("walls/headless/1.png"));
  const auto result = run_twinpatch(
      {"eval", scene.path("walls"), "-m", scene.model("siam-l2"), "--no-baselines", "--max-keypoints", "40", "--json"});
  INFO(result.err);
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("gap: image 2 is missing") && Contains("headless: image 1 is missing"));
  const auto json = result.json();
  CHECK(json["missing"].size() == 2);
  REQUIRE(json["results"].size() == 2);
  CHECK(json["results"][0]["sequence"] == "gap");
  REQUIRE(json["results"][0]["pairs"].size() == 1);
  CHECK(json["results"][0]["pairs"][0]["image"] == 3);
  CHECK(json["results"][1]["pairs"].size() == 2);
}

TEST_CASE("image sequences are matched, models beside each other") {
  const Scene scene;
  for (const std::string folder : {"walls/second", "walls/first"}) {
    std::filesystem::create_directories(scene.path(folder));
    (void)scene.photograph(folder + "/img1.png", 200, 150);
    (void)scene.photograph(folder + "/img2.png", 200, 150, 6);
    (void)scene.folder().file(folder + "/H1to2p", "1 0 6\n0 1 0\n0 0 1\n");
  }
  const auto model = scene.model("tfeat");
  const auto other = scene.model("siam-l2");
  const auto result =
      run_twinpatch({"eval", scene.path("walls"), "-m", model, "--beside", other, "--max-keypoints", "60", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto json = result.json();
  CHECK(json["kind"] == "image-sequences");
  REQUIRE(json["results"].size() == 2 * 4);  // two models and two baselines on each of two sequences
  CHECK(json["results"][0]["sequence"] == "first");
  CHECK(json["results"][0]["name"] == "tfeat");
  CHECK(json["results"][1]["name"] == "siam-l2");
  CHECK(json["models"].size() == 2);
  CHECK(json["models"][1]["network"] == "siam-l2");
  for (const auto& row : json["results"]) {
    CHECK(row["mean_average_precision"].get<double>() > 0.3);  // the same picture, moved
    REQUIRE(row["pairs"].size() == 1);
    CHECK(row["pairs"][0]["correct"].get<int>() > row["pairs"][0]["mutual"].get<int>() / 2);
  }
  const auto text = run_twinpatch({"eval", scene.path("walls/first"), "-m", model, "--no-baselines"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Contains("first") && Contains("1-2") && Contains("tfeat"));
  const auto refused = run_twinpatch({"eval", scene.path("walls"), "-m", model, "--report", scene.path("page")});
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Contains("PhotoTour"));
}

TEST_CASE("real PhotoTour patches are scored and evaluated") {
  const auto folder = real_data("ubc_notredame2007");
  if (folder.empty()) {
    std::puts("skipped: no PhotoTour data");
    return;
  }
  const Scene scene;
  const auto list = (folder / "hard50_1186_1186_0.txt").string();
  const auto result =
      run_twinpatch({"score", folder.string(), "--pairs", list, "-m", scene.model("tfeat"), "-o", scene.path("s.npy")});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(read_array(scene.path("s.npy")).values.size() == 2372);
}
