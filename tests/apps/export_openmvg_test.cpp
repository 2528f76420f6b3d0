// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "sfm/openmvg_support.hpp"
#include "support/random.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/openmvg.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

constexpr int kShift = 13;

/// An OpenMVG project of three photographs of one picture that moves to the right, 40 keypoints that move with it. View
/// ids run against the order of names.
class Project {
 public:
  Project() {
    fs::create_directories(scene.path("images/sub"));
    fs::create_directories(scene.path("matches"));
    Random random(3);
    std::vector<double> x(40), y(40);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = random.uniform(40, 200);
      y[i] = random.uniform(40, 160);
    }
    const std::vector<std::pair<std::string, std::string>> images{{"", "a b.png"}, {"sub", "ü.png"}, {"", "c.png"}};
    std::vector<ViewText> views;
    for (int i = 0; i < 3; ++i) {
      const auto& [folder, file] = images[static_cast<std::size_t>(i)];
      (void)scene.photograph((fs::path("images") / folder / file).string(), 280, 200, i * kShift);
      views.push_back({static_cast<std::uint32_t>(9 - i), file, folder, 280, 200});
      std::ofstream features(scene.path("matches/" + fs::path(file).stem().string() + ".feat"));
      for (std::size_t k = 0; k < x.size(); ++k)
        features << x[k] + i * kShift << ' ' << y[k] << (k % 2 == 0 ? " 3 0.0\n" : " 3.0625 0.0\n");
    }
    scene.folder().file("matches/sfm_data.json", openmvg_project(scene.path("images"), views));
  }
  [[nodiscard]] ProcessResult run(const std::string& out, const std::vector<std::string>& more = {},
                                  const ProcessOptions& options = {}) const {
    std::vector<std::string> arguments{"export",
                                       "openmvg",
                                       "--sfm-data",
                                       scene.path("matches/sfm_data.json"),
                                       "--features-dir",
                                       scene.path("matches"),
                                       "-m",
                                       scene.model("siam-l2"),
                                       "-o",
                                       scene.path(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments, options);
  }
  /// Pairs of view ids and their matches, read as OpenMVG reads them.
  [[nodiscard]] std::map<std::pair<int, int>, std::vector<std::pair<int, int>>> read(const std::string& out) const {
    std::map<std::pair<int, int>, std::vector<std::pair<int, int>>> pairs;
    std::istringstream text(twinpatch::read_text_file(scene.path(out)));
    int i = 0, j = 0;
    std::size_t count = 0;
    while (text >> i >> j >> count) {
      auto& matches = pairs[{i, j}];
      matches.resize(count);
      for (auto& [a, b] : matches) text >> a >> b;
    }
    return pairs;
  }

  Scene scene;
};

}  // namespace

TEST_CASE("OpenMVG's keypoints and photographs go in, its putative matches come out") {
  const Project project;
  const auto result = project.run("matches/matches.putative.txt", {"--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json()["schema"] == "twinpatch.export-openmvg/1");
  CHECK(result.json()["pairs"] == 3);
  CHECK_THAT(result.err, Contains("next: openMVG_main_GeometricFilter -i ") && Contains("matches.putative.txt") &&
                             Contains("matches.f.bin"));
  const auto pairs = project.read("matches/matches.putative.txt");
  REQUIRE(pairs.size() == 3);
  for (const auto& [ids, matches] : pairs) {
    CHECK(ids.first < ids.second);
    int right = 0;
    for (const auto& [a, b] : matches) right += a == b ? 1 : 0;
    CHECK(right > 30);
  }
  // The run's folder goes on to other forms: the same matches, in binary.
  const auto binary =
      run_twinpatch({"export", "openmvg", project.scene.path("matches/matches.putative.txt.run"), "--sfm-data",
                     project.scene.path("matches/sfm_data.json"), "-o", project.scene.path("m.bin"), "--json"});
  INFO(binary.err);
  REQUIRE(binary.code == 0);
  CHECK(binary.json()["matches"] == result.json()["matches"]);
  std::size_t bytes = 9;
  for (const auto& [ids, matches] : pairs) bytes += 16 + 8 * matches.size();
  CHECK(twinpatch::read_file(project.scene.path("m.bin")).size() == bytes);

  const auto early = project.run("early.txt", {"--early-exit", "32", "--json"});
  INFO(early.err);
  REQUIRE(early.code == 0);
  CHECK(early.json()["early_exit"]["pairs_sampled"] == 3);
  CHECK(early.json()["early_exit"]["pairs_dropped"] == 0);
  CHECK(project.read("early.txt") == pairs);

  const auto list = project.scene.folder().file("pairs.txt", "sub/ü.png\ta b.png\nc.png no.png\n").string();
  const auto partial = project.run("m2.txt", {"--pairs", list});
  CHECK(partial.code == 3);
  CHECK_THAT(partial.err, Contains("\"no.png\""));
  CHECK(project.read("m2.txt").size() == 1);
  CHECK(project.read("m2.txt").contains({8, 9}));
}

TEST_CASE("export openmvg says what is wrong and leaves nothing behind") {
  const Project project;
  const Scene& scene = project.scene;
  const auto fails = [&](const std::string& words) {
    const auto result = project.run("m.txt");
    CHECK(result.code == 1);
    CHECK_THAT(result.err, Contains(words));
    CHECK_FALSE(scene.has("m.txt"));
  };
  CHECK(project.run("m.json").code == 2);
  CHECK(run_twinpatch({"export", "openmvg", "--sfm-data", "x", "-o", scene.path("m.txt")}).code == 2);
  CHECK_THAT(project.run("no/m.txt").err, Contains("does not exist"));
  scene.folder().file("matches/c.feat", "1 2 3 0\n300 2 4 0\n");
  fails("c.png: ");
  scene.folder().file("matches/c.feat", "1 2 3\n");
  fails("c.feat: line 1");
  fs::remove(scene.path("matches/c.feat"));
  fails("c.feat");
  fs::remove(scene.path("images/c.png"));
  fails("1 of 3 images are not in this folder: \"c.png\"");
  scene.folder().file("matches/sfm_data.json", "{}");
  fails("sfm_data.json");
}
