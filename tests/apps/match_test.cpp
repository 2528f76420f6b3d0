// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/real_data.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

std::vector<std::vector<double>> rows_of(const std::string& text) {
  std::vector<std::vector<double>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    rows.emplace_back();
    for (double value = 0; numbers >> value;) rows.back().push_back(value);
  }
  return rows;
}

constexpr int kShift = 23;

}  // namespace

TEST_CASE("a shifted photograph is matched at the shift") {
  const Scene scene;
  const auto left = scene.photograph("left one.png", 320, 240);
  const auto right = scene.photograph("réchte.png", 320, 240, kShift);
  const auto shift = scene.folder().file("H.txt", "1 0 23\n0 1 0\n0 0 1\n").string();
  const auto model = scene.model("siam-l2");
  const auto result =
      run_twinpatch({"match", left, right, "-m", model, "--homography", shift, "--view", scene.path("view.png"),
                     "--patches", scene.path("patches.png"), "--max-keypoints", "300"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto rows = rows_of(result.out);
  REQUIRE(rows.size() > 20);
  int right_ones = 0;
  for (const auto& row : rows) {
    REQUIRE(row.size() == 5);
    right_ones += std::abs(row[2] - row[0] - kShift) < 3 && std::abs(row[3] - row[1]) < 3 ? 1 : 0;
  }
  CHECK(right_ones > static_cast<int>(rows.size()) * 8 / 10);
  CHECK_THAT(result.err,
             Contains(std::to_string(right_ones) + " of " + std::to_string(rows.size())) && Contains("within 3 px"));
  CHECK(scene.has("view.png"));
  CHECK(scene.has("patches.png"));

  const auto json =
      run_twinpatch({"match", left, right, "-m", model, "--homography", shift, "--max-keypoints", "300", "--json"});
  REQUIRE(json.code == 0);
  const auto object = json.json();
  CHECK(object["schema"] == "twinpatch.match/1");
  CHECK(object["matches"].size() == rows.size());
  CHECK(object["homography"]["correct"] == right_ones);
  CHECK(object["left"]["width"] == 320);

  // COLMAP's convention: half a pixel more everywhere, and the same matches.
  const auto colmap = run_twinpatch({"match", left, right, "-m", model, "--max-keypoints", "300", "--pixel-origin",
                                     "0.5", "-o", scene.path("m.txt"), "--quiet"});
  REQUIRE(colmap.code == 0);
  CHECK(colmap.out.empty());
  CHECK(colmap.err.empty());
  std::ifstream file(scene.path("m.txt"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto moved = rows_of(text);
  REQUIRE(moved.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(moved[i][0] == Approx(rows[i][0] + 0.5).margin(2e-3));
}

TEST_CASE("match --refine moves right ends, says by a column which, and changes nothing else") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 320, 240);
  const auto right = scene.photograph("right.png", 320, 240, kShift);
  const auto shift = scene.folder().file("H.txt", "1 0 23\n0 1 0\n0 0 1\n").string();
  const auto match = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"match",           left,  right,          "-m", scene.model("siam-l2"),
                                       "--max-keypoints", "200", "--homography", shift};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_twinpatch(arguments);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result;
  };
  const auto plain = rows_of(match({}).out);
  const auto result = match({"--refine", "--view", scene.path("view.png")});
  CHECK(scene.has("view.png"));
  const auto refined = rows_of(result.out);
  REQUIRE(refined.size() == plain.size());
  std::int64_t moved = 0;
  double before = 0, after = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    REQUIRE(refined[i].size() == 6);
    for (const std::size_t column : {0U, 1U, 4U}) CHECK(refined[i][column] == plain[i][column]);
    if (refined[i][5] == 0) {
      CHECK(refined[i][2] == plain[i][2]);
      continue;
    }
    ++moved;
    CHECK(refined[i][5] >= 0.8);
    before += std::abs(plain[i][2] - plain[i][0] - kShift);
    after += std::abs(refined[i][2] - refined[i][0] - kShift);
  }
  CHECK(moved > 20);
  CHECK(after < before);
  CHECK_THAT(result.err, Contains(std::to_string(moved) + " of " + std::to_string(plain.size()) + " matches refined"));
  CHECK(match({"--refine", "--threads", "1"}).out == match({"--refine", "--threads", "3"}).out);

  const auto object = match({"--refine", "--json"}).json();
  CHECK(object["columns"].back() == "correlation");
  CHECK(object["refined"] == moved);
  CHECK(object["matches"][0].size() == 6);
  const auto& truth = object["homography"];
  CHECK(truth["within_1_2_3_pixels"][2] == truth["correct"]);
  CHECK(truth["within_1_2_3_pixels"][0] <= truth["correct"]);
  CHECK(truth["near_misses"].get<int>() + truth["correct"].get<int>() <= static_cast<int>(plain.size()));
  CHECK_FALSE(match({"--json"}).json().contains("refined"));
}

TEST_CASE("2-channel networks match photographs too") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 160, 120);
  const auto right = scene.photograph("right.png", 160, 120, 5);
  const auto result = run_twinpatch({"match", left, right, "-m", scene.model("2ch"), "--max-keypoints", "25"});
  INFO(result.err);
  CHECK(result.code == 0);
}

TEST_CASE("rules of matching are applied or refused") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 200, 160);
  const auto right = scene.photograph("right.png", 200, 160, 9);
  const auto count = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"match", left, right, "-m", scene.model("siam-l2"), "--max-keypoints", "100"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_twinpatch(arguments);
    INFO(result.err);
    CHECK(result.code == 0);
    return rows_of(result.out).size();
  };
  const auto mutual = count({});
  const auto all = count({"--no-mutual"});
  CHECK(mutual > 0);
  CHECK(all >= mutual);
  CHECK(count({"--ratio", "0.5"}) <= mutual);
  CHECK(count({"--threshold", "0"}) <= mutual);
  CHECK(count({"--upright", "--patch-extent", "10"}) > 0);
  CHECK(count({"--patch-extent-from", "opencv"}) > 0);

  const auto ratio = run_twinpatch({"match", left, right, "-m", scene.model("siam"), "--ratio", "0.8"});
  CHECK(ratio.code == 1);
  CHECK_THAT(ratio.err, Contains("ratio"));
  const auto probability = run_twinpatch({"match", left, right, "-m", scene.model("siam"), "--probability"});
  CHECK(probability.code == 1);
  CHECK_THAT(probability.err, Contains("--probability") && Contains("calibration"));
}

TEST_CASE("match --affine takes the shapes in keypoint files") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 200, 160);
  const auto right = scene.photograph("right.png", 200, 160, 9);
  std::string at_left, at_right, bent, circles;
  for (int i = 0; i < 30; ++i) {
    const int x = 40 + 17 * (i % 6), y = 40 + 16 * (i / 6);
    at_left += fmt::format("{} {} 3 0.5 -0.3 2\n", x, y);
    at_right += fmt::format("{} {} 3 0.5 -0.3 2\n", x + 9, y);
    bent += fmt::format("{} {} 2.6 -0.9 0.8 2.2\n", x + 9, y);
    circles += fmt::format("{} {} 2.5 0\n", x, y);
  }
  const auto a = scene.folder().file("a.txt", at_left).string();
  const auto run = [&](const std::string& other, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"match",
                                       left,
                                       right,
                                       "-m",
                                       scene.model("siam-l2"),
                                       "--keypoints-left",
                                       a,
                                       "--keypoints-right",
                                       scene.folder().file("b.txt", other).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  const auto affine = run(at_right, {"--affine"});
  INFO(affine.err);
  REQUIRE(affine.code == 0);
  const auto rows = rows_of(affine.out);
  CHECK(rows.size() >= 25);
  for (const auto& row : rows) CHECK(row[2] - row[0] == Approx(9));
  const auto plain = run(bent, {});
  REQUIRE(plain.code == 0);
  CHECK(plain.out != run(bent, {"--affine"}).out);
  CHECK_THAT(run(circles, {"--affine"}).err, Contains("b.txt: line 1: --affine: a keypoint has no affine shape"));
  CHECK(run(circles, {"--affine"}).code == 1);
  CHECK_THAT(run("20 20 3 0 0 -3\n", {"--affine"}).err, Contains("b.txt: line 1") && Contains("mirrored"));
  CHECK(run("20 20 3 0 0 -3\n", {}).code == 0);
  const auto detected = run_twinpatch({"match", left, right, "-m", scene.model("siam-l2"), "--affine"});
  CHECK(detected.code == 2);
  CHECK_THAT(detected.err, Contains("--affine needs --keypoints-left and --keypoints-right"));
  const auto described =
      run_twinpatch({"describe", left, "-m", scene.model("siam-l2"), "--affine", "-o", scene.path("d.npy")});
  CHECK(described.code == 2);
}

TEST_CASE("a calibrated model adds probabilities") {
  const Scene scene;
  auto model = twinpatch::random_model(twinpatch::network("siam-l2"), 5);
  model.metadata["calibration"] = R"({"scale": 2.0, "offset": 1.0})";
  twinpatch::save_model(scene.path("calibrated.safetensors"), model);
  const auto result =
      run_twinpatch({"match", scene.photograph("a.png", 160, 120), scene.photograph("b.png", 160, 120, 4), "-m",
                     scene.path("calibrated.safetensors"), "--probability"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto rows = rows_of(result.out);
  REQUIRE(!rows.empty());
  for (const auto& row : rows) {
    REQUIRE(row.size() == 6);
    CHECK(row[5] == Approx(1 / (1 + std::exp(-(2 * row[4] + 1)))).margin(1e-4));
  }
}

TEST_CASE("a flat photograph has no keypoints and gives no matches") {
  const Scene scene;
  const auto flat = scene.folder().file("flat.pgm", "P5\n80 60\n255\n" + std::string(80 * 60, '\x7f')).string();
  const auto result = run_twinpatch({"match", flat, scene.photograph("b.png", 160, 120), "-m", scene.model("siam"),
                                     "--view", scene.path("v.png"), "--patches", scene.path("p.png")});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Contains("flat.pgm: no keypoints found") && Contains("0 matches"));
}

TEST_CASE("real photographs with a known homography are matched") {
  const auto folder = real_data("oxford_graf");
  if (folder.empty()) {
    std::puts("skipped: no Oxford sequences");
    return;
  }
  const Scene scene;
  const auto result = run_twinpatch({"match", (folder / "img1.pgm").string(), (folder / "img2.pgm").string(), "-m",
                                     scene.model("tfeat"), "--homography", (folder / "H1to2p").string(),
                                     "--max-keypoints", "500", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json()["homography"]["correct"].get<int>() > 20);  // even with random weights
}

TEST_CASE("a model's own window is taken unless another is asked for") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 200, 150);
  const auto right = scene.photograph("right.png", 200, 150, 5);
  const auto plain = scene.model("tfeat");
  const auto wide = scene.path("wide.safetensors");
  twinpatch::Model model = twinpatch::load_model(plain);
  model.metadata["patch_extent"] = "20";
  twinpatch::save_model(wide, model);
  const auto match = [&](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"match", left, right, "-m", file, "--max-keypoints", "60"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_twinpatch(arguments);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.out;
  };
  CHECK(match(wide, {}) == match(plain, {"--patch-extent", "20"}));
  CHECK(match(wide, {"--patch-extent", "12"}) == match(plain, {}));
  CHECK(match(wide, {}) != match(plain, {}));
  const auto describe = [&](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"describe",        left, "-m", file,
                                       "--max-keypoints", "20", "-o", scene.path("d.npy")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    REQUIRE(run_twinpatch(arguments).code == 0);
    return read_array(scene.path("d.npy")).values;
  };
  CHECK(describe(wide, {}) == describe(plain, {"--patch-extent", "20"}));
  model.metadata["patch_extent"] = "wide";
  twinpatch::save_model(wide, model);
  const auto refused = run_twinpatch({"match", left, right, "-m", wide});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("patch_extent"));
}

TEST_CASE("known poses guide the match of two photographs") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 320, 240);
  const auto right = scene.photograph("right.png", 320, 240, kShift);
  const auto model = scene.model("siam-l2");
  const auto write_model = [&](const std::string& folder, const std::string& name, int width) {
    std::filesystem::create_directories(scene.path(folder));
    (void)scene.folder().file(folder + "/cameras.txt", fmt::format("1 PINHOLE {} 240 300 300 160 120\n", width));
    (void)scene.folder().file(folder + "/images.txt",
                              fmt::format("1 1 0 0 0 0 0 0 1 left.png\n\n2 1 0 0 0 {} 0 0 1 {}\n\n", kShift, name));
    (void)scene.folder().file(folder + "/points3D.txt", "");
    return "poses:" + scene.path(folder);
  };
  const auto run = [&](const std::string& guided) {
    return run_twinpatch({"match", left, right, "-m", model, "--max-keypoints", "300", "--guided", guided});
  };
  const auto result = run(write_model("model", "right.png", 320));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("by known poses: "));
  const auto rows = rows_of(result.out);
  CHECK(rows.size() > 20);
  for (const auto& row : rows) CHECK(std::abs(row[3] - row[1]) <= 2.001);
  // One of the two alone: the pair's geometry comes from matches.
  const auto one = run(write_model("one", "another.png", 320));
  CHECK_THAT(one.err, Contains("1 of 2 images have no pose") && Contains("second pass: "));
  const auto size = run(write_model("size", "right.png", 640));
  CHECK(size.code == 1);
  CHECK_THAT(size.err, Contains("a model of other images") && Contains("640x240 pixels there, 320x240 here"));
  CHECK(run("poses:" + scene.path("nowhere")).code == 1);
}

TEST_CASE("a second pass of two photographs keeps to what the first one says of them") {
  const Scene scene;
  const auto left = scene.photograph("left.png", 320, 240);
  const auto right = scene.photograph("right.png", 320, 240, kShift);
  const auto model = scene.model("siam-l2");
  const auto run = [&](const std::vector<std::string>& more, const std::string& keypoints = "300") {
    std::vector<std::string> arguments{"match", left, right, "-m", model, "--max-keypoints", keypoints};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  const auto once = rows_of(run({}).out);
  const auto result = run({"--guided", "--band", "2"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("second pass: ") && Contains("within 2 px") &&
                             Contains("instead of " + std::to_string(once.size())));
  const auto rows = rows_of(result.out);
  CHECK(rows.size() > 20);
  for (const auto& row : rows) CHECK(std::hypot(row[2] - row[0] - kShift, row[3] - row[1]) < 4);
  CHECK(run({"--guided", "matches", "--band", "2"}).out == result.out);
  CHECK(run({"--guided=matches"}).out == result.out);  // 2 is the default
  const auto before = run_twinpatch({"match", "--guided", left, right, "-m", model, "--max-keypoints", "300"});
  CHECK(before.out == result.out);

  const auto few = run({"--guided"}, "8");
  CHECK(few.code == 0);
  CHECK_THAT(few.err, Contains("there is no second pass"));
  CHECK(run({"--guided", "--band", "0"}).code == 2);
  for (const std::string word : {"gps", "poses", "poses:"}) {
    const auto refused = run({"--guided", word});
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Contains("--guided: expected matches, database or poses:DIR, found " + word + " (see"));
    CHECK(run({"--guided=" + word}).err == refused.err);
  }
  const auto database = run({"--guided", "database"});
  CHECK(database.code == 2);
  CHECK_THAT(database.err, Contains("--guided database: only twinpatch colmap has a database"));
  CHECK_THAT(run({"--band", "2"}).err, Contains("--band") && Contains("it needs --guided"));
}
