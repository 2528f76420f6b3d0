// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "sfm/hloc_support.hpp"
#include "support/random.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

constexpr int kShift = 13;
const std::vector<std::string> kNames{"db/a b.png", "db/\"ü\".png", "c.png", "none.png"};

/// Four photographs of one picture that moves to the right, 40 keypoints that move with it (the last one has none).
class Photographs {
 public:
  /// 3 and a little more: equal scales would count as none.
  [[nodiscard]] static std::vector<double> scales_of(std::size_t count) {
    std::vector<double> scales(count, 3.0);
    for (std::size_t i = 0; i < count; i += 2) scales[i] = 3.0625;
    return scales;
  }
  Photographs() {
    fs::create_directories(scene.path("images/db"));
    Random random(3);
    std::vector<double> x(40), y(40);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = random.uniform(40, 200);
      y[i] = random.uniform(40, 160);
    }
    for (int i = 0; i < 4; ++i) {
      const std::string& name = kNames[static_cast<std::size_t>(i)];
      (void)scene.photograph("images/" + name, 280, 200, i * kShift);
      const std::size_t count = i == 3 ? 0 : x.size();
      std::vector<double> points;
      for (std::size_t k = 0; k < count; ++k) points.insert(points.end(), {x[k] + i * kShift, y[k]});
      data.push_back({name + "/keypoints", h5_half(), {count, 2}, points});
      data.push_back({name + "/scales", h5_half(), {count}, scales_of(count)});
      data.push_back({name + "/image_size", h5_int64(), {2}, {280, 200}});
    }
    write();
  }
  void write() const { write_h5(scene.path("features.h5"), data); }
  [[nodiscard]] std::string pairs(const std::string& text) const {
    return scene.folder().file("pairs.txt", text).string();
  }
  [[nodiscard]] ProcessResult run(const std::vector<std::string>& more, const ProcessOptions& options = {}) const {
    std::vector<std::string> arguments{"export",     "hloc",
                                       "--features", scene.path("features.h5"),
                                       "--images",   scene.path("images"),
                                       "-m",         scene.model("siam-l2"),
                                       "-o",         scene.path("m.h5")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    fs::remove_all(scene.path("m.h5.run"));  // of other inputs
    return run_twinpatch(arguments, options);
  }
  [[nodiscard]] bool nothing_left() const {
    for (const auto& name : scene.folder().names()) {
      if (name.find("m.h5") != std::string::npos && name != "m.h5.run") return false;
    }
    return true;
  }

  Scene scene;
  std::vector<H5Data> data;
};

}  // namespace

TEST_CASE("a features.h5, photographs and a list of pairs go in, a matches.h5 comes out") {
  const Photographs photographs;
  const auto list = photographs.pairs("db/a b.png\tdb/\"ü\".png\n# more\nc.png\tdb/a b.png\ndb/a b.png\tnone.png\n");
  const auto result = photographs.run({"--pairs", list, "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto object = result.json();
  CHECK(object["schema"] == "twinpatch.export-hloc/1");
  CHECK(object["pairs"] == 3);
  CHECK(object["empty_pairs"] == 1);
  CHECK(object["unknown_images"].empty());
  CHECK_THAT(result.err, Contains("half precision") && Contains("by up to 0.0625 px"));
  int total = 0;
  for (const auto& [first, second] : {std::pair(0, 1), std::pair(2, 0)}) {
    const auto matches =
        twinpatch::read_hloc_matches(photographs.scene.path("m.h5"), kNames[static_cast<std::size_t>(first)],
                                     kNames[static_cast<std::size_t>(second)]);
    REQUIRE(matches);
    int right = 0;
    for (const auto& match : *matches) right += match.left == match.right ? 1 : 0;
    CHECK(right > 30);
    total += static_cast<int>(matches->size());
  }
  CHECK(object["matches"] == total);
  CHECK(twinpatch::read_hloc_matches(photographs.scene.path("m.h5"), "none.png", kNames[0])->empty());

  // The same bytes again; and all pairs, or neighbours, without a list.
  const auto bytes = twinpatch::read_file(photographs.scene.path("m.h5"));
  REQUIRE(photographs.run({"--pairs", list, "-q"}).code == 0);
  CHECK(twinpatch::read_file(photographs.scene.path("m.h5")) == bytes);
  CHECK(photographs.run({"--json"}).json()["pairs"] == 6);
  CHECK(photographs.run({"--json", "--pairs", "sequential:1"}).json()["pairs"] == 3);
  CHECK(photographs.run({"--pairs", "sequential:0"}).code == 2);

  // Matched only where a sample agrees, which it does in the two pairs that have keypoints.
  const auto run = photographs.scene.path("early");
  const auto early = photographs.run({"--early-exit", "32", "--pairs", list, "--run", run, "--json"});
  INFO(early.err);
  REQUIRE(early.code == 0);
  CHECK(early.json()["matches"] == total);
  CHECK(early.json()["early_exit"]["pairs_sampled"] == 2);
  CHECK(early.json()["early_exit"]["pairs_dropped"] == 0);
  CHECK(object["early_exit"].is_null());
  const auto finished =
      run_twinpatch({"export", "hloc", run, "-o", photographs.scene.path("m.h5"), "--early-exit", "32"});
  CHECK_THAT(finished.err, Contains("--early-exit") && Contains("the matches are those of a finished run"));
}

TEST_CASE("a list that grows adds images and pairs to the run, and the file is that of a run from nothing") {
  const Photographs photographs;
  const auto kept = photographs.scene.path("kept");
  REQUIRE(photographs.run({"--pairs", photographs.pairs("db/a b.png\tdb/\"ü\".png\n"), "--run", kept}).code == 0);
  const auto more = photographs.pairs("db/a b.png\tdb/\"ü\".png\nc.png\tdb/a b.png\nc.png\tdb/\"ü\".png\n");
  const auto all = [&] {
    std::vector<std::vector<twinpatch::Match>> matches;
    for (const auto& [a, b] : {std::pair(0, 1), std::pair(2, 0), std::pair(2, 1)}) {
      matches.push_back(twinpatch::read_hloc_matches(photographs.scene.path("m.h5"),
                                                     kNames[static_cast<std::size_t>(a)],
                                                     kNames[static_cast<std::size_t>(b)])
                            .value());
    }
    return matches;
  };
  const auto added = photographs.run({"--pairs", more, "--run", kept, "--json"});
  INFO(added.err);
  REQUIRE(added.code == 0);
  CHECK_THAT(added.err, Contains("1 image is new: \"c.png\""));
  CHECK(added.json()["pairs"] == 3);
  const auto found = all();
  REQUIRE(photographs.run({"--pairs", more}).code == 0);
  CHECK(all() == found);
}

TEST_CASE("a list that names unknown images ends with exit code 3 and all of them named") {
  const Photographs photographs;
  const auto list = photographs.pairs("no.png c.png\nc.png\tnö 2.png\nc.png none.png\nno.png no.png\n");
  const auto result = photographs.run({"--pairs", list, "--json"});
  INFO(result.err);
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("line 1: no image is named \"no.png\" (2 pairs skipped)") &&
                             Contains("line 2: no image is named \"nö 2.png\""));
  CHECK(result.json()["pairs"] == 1);
  CHECK(result.json()["unknown_images"].size() == 2);
  CHECK(twinpatch::read_hloc_matches(photographs.scene.path("m.h5"), "none.png", "c.png"));
}

TEST_CASE("export hloc says what is wrong and leaves nothing behind") {
  Photographs photographs;
  const Scene& scene = photographs.scene;
  const auto fails = [&](const std::vector<std::string>& more, int code = 1) {
    const auto result = photographs.run(more);
    CHECK(result.code == code);
    CHECK(photographs.nothing_left());
    return result.err;
  };
  const auto whole = twinpatch::read_file(scene.path("features.h5"));
  scene.folder().file("features.h5", std::span(whole).first(whole.size() / 2));
  CHECK_THAT(fails({}), Contains("features.h5") && Contains("HDF5"));
  scene.folder().file("features.h5", "no HDF5");
  CHECK_THAT(fails({}), Contains("not an HDF5 file"));

  photographs.data[0].type = h5_int64();
  photographs.write();
  CHECK_THAT(fails({}), Contains("\"db/a b.png/keypoints\": expected floats"));
  photographs.data[0].type = h5_float();
  photographs.data[0].values[5] = 500;  // below a 200 pixels high image
  photographs.write();
  CHECK_THAT(fails({}), Contains("a b.png") && Contains("keypoint 2") && Contains("outside the image of 280x200"));
  photographs.data[0].values[5] = 50;
  photographs.data[2].values[0] = 281;
  photographs.write();
  CHECK_THAT(fails({}), Contains("281x200") && Contains("280x200"));
  photographs.data[2].values[0] = 280;
  const auto scales = photographs.data[1].values;
  std::ranges::fill(photographs.data[1].values, 1.0);  // says as little as no scales at all
  photographs.write();
  CHECK_THAT(fails({}), Contains("\"db/a b.png\" has no \"scales\", or the same for all"));
  photographs.data[1].values = scales;
  photographs.write();
  CHECK_THAT(photographs.run({"--keypoint-sigma", "3", "-q"}).err, Contains("--keypoint-sigma has no effect"));
  fs::remove(scene.path("m.h5"));
  photographs.data.erase(photographs.data.begin() + 1);
  photographs.write();
  CHECK_THAT(fails({}), Contains("\"db/a b.png\" has no \"scales\"") && Contains("--keypoint-sigma"));
  CHECK(photographs.run({"--keypoint-sigma", "3", "-q"}).code == 0);
  fs::remove(scene.path("m.h5"));

  fs::remove(scene.path("images/c.png"));
  fs::remove(scene.path("images/none.png"));
  CHECK_THAT(fails({"--keypoint-sigma", "3"}),
             Contains("2 of 4 images are not in this folder: \"c.png\", \"none.png\""));
  const auto list = photographs.pairs("db/a b.png\tdb/\"ü\".png\n");  // names none of those
  CHECK(photographs.run({"--keypoint-sigma", "3", "--pairs", list, "-q"}).code == 0);
  fs::remove(scene.path("m.h5"));
  CHECK_THAT(fails({"--pairs", scene.path("nowhere.txt")}, 2),
             Contains("nowhere.txt: expected exhaustive, sequential:N"));
  CHECK_THAT(fails({"--pairs", photographs.pairs("one\n")}), Contains("pairs.txt: line 1"));
  CHECK_THAT(fails({"--ratio", "2"}, 2), Contains("--ratio"));
  CHECK_THAT(run_twinpatch({"export", "hloc", "-o", scene.path("m.h5")}).err, Contains("finished run"));
  CHECK_THAT(run_twinpatch({"export", "hloc", "--features", scene.path("features.h5"), "--images", scene.path("images"),
                            "-o", scene.path("no/m.h5")})
                 .err,
             Contains("does not exist"));
}

TEST_CASE("a full disk while a matches.h5 is written leaves the old one and no rest") {
  const Photographs photographs;
  REQUIRE(photographs.run({"-q"}).code == 0);
  const auto out = photographs.scene.path("m.h5");
  const auto whole = twinpatch::read_file(out);
  const auto names = photographs.scene.folder().names().size();
  // Out of the finished run, which is only read.
  const std::vector<std::string> arguments{"export", "hloc", photographs.scene.path("m.h5.run"), "-o", out};
  for (const long size : {0L, 100L, 1000L, static_cast<long>(whole.size()) / 2, static_cast<long>(whole.size()) - 1}) {
    INFO("the disk takes " << size << " of " << whole.size() << " bytes");
    const auto result = run_twinpatch(arguments, {.largest_file = size});
    INFO(result.err);
    CHECK(result.code == 1);
    CHECK_THAT(result.err, Contains("m.h5: cannot write"));
    CHECK(lines_of(result.err).size() == 1);  // HDF5 adds no words of its own
    CHECK(twinpatch::read_file(out) == whole);
    CHECK(photographs.scene.folder().names().size() == names);
  }
  CHECK(run_twinpatch(arguments).code == 0);
  CHECK(twinpatch::read_file(out) == whole);
}
