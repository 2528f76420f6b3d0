// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/openmvg.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <ctime>
#include <map>
#include <sstream>

#include "sfm/openmvg_support.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::openmvg_project;
using test::TemporaryFolder;

namespace {

using Pairs = std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::pair<std::uint32_t, std::uint32_t>>>;

/// As OpenMVG reads matches.*.txt: numbers between blanks.
Pairs text_pairs(const std::filesystem::path& path) {
  Pairs pairs;
  std::istringstream text(read_text_file(path));
  std::uint32_t i = 0, j = 0;
  std::size_t count = 0;
  while (text >> i >> j >> count) {
    auto& matches = pairs[{i, j}];
    matches.resize(count);
    for (auto& [a, b] : matches) REQUIRE((text >> a >> b));
  }
  return pairs;
}

Pairs binary_pairs(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  ByteReader reader(bytes, path.string());
  REQUIRE(reader.read<std::uint8_t>("endianness") == 1);
  Pairs pairs;
  const auto size = reader.read<std::uint64_t>("size");
  for (std::uint64_t k = 0; k < size; ++k) {
    const auto i = reader.read<std::uint32_t>("id");
    const auto j = reader.read<std::uint32_t>("id");
    auto& matches = pairs[{i, j}];
    matches.resize(reader.read<std::uint64_t>("count"));
    for (auto& [a, b] : matches) {
      a = reader.read<std::uint32_t>("index");
      b = reader.read<std::uint32_t>("index");
    }
  }
  CHECK(pairs.size() == size);
  CHECK(reader.left() == 0);
  return pairs;
}

std::string refusal(const std::string& text) {
  const TemporaryFolder folder;
  return message_of<FormatError>([&] { (void)read_openmvg_project(folder.file("sfm_data.json", text)); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("views of an OpenMVG project are read by id") {
  const TemporaryFolder folder;
  const auto project = read_openmvg_project(
      folder.file("sfm data.json", openmvg_project("/pictures/ö", {{7, "b 1.jpg", ""}, {0, "a.b.jpg", "sub/x"}})));
  CHECK(project.root == "/pictures/ö");
  REQUIRE(project.views.size() == 2);
  CHECK(project.views[0].id == 0);
  CHECK(project.views[0].name == "sub/x/a.b.jpg");
  CHECK(project.views[0].stem == "a.b");
  CHECK(project.views[0].width == 640);
  CHECK(project.views[0].height == 480);
  CHECK(project.views[1].id == 7);
  CHECK(project.views[1].name == "b 1.jpg");
  CHECK(read_openmvg_project(folder.file("none.json", openmvg_project("", {}))).views.empty());
}

TEST_CASE("broken OpenMVG projects are refused with what is missing") {
  const std::string good = openmvg_project("/p", {{0, "a.jpg", ""}, {1, "b.jpg", ""}});
  CHECK_THAT(refusal("hello"), Contains("sfm_data.json: byte 1: not well-formed JSON"));
  CHECK_THAT(refusal("[]"), Contains("expected a string \"root_path\""));
  CHECK_THAT(refusal("{}"), Contains("root_path"));
  CHECK_THAT(refusal(R"({"root_path": "/p"})"), Contains("expected a list \"views\""));
  CHECK_THAT(refusal(R"({"root_path": "/p", "views": [3]})"), Contains("view 0: expected \"value\""));
  CHECK_THAT(refusal(replaced(good, "filename", "filenames")), Contains("view 0: expected a string \"filename\""));
  CHECK_THAT(refusal(replaced(good, R"("id_view":1)", R"("id_view":-1)")),
             Contains("view 1: expected a number \"id_view\""));
  CHECK_THAT(refusal(replaced(good, R"("id_view":1)", R"("id_view":4294967296)")), Contains("of 32 bits"));
  CHECK_THAT(refusal(replaced(good, R"("id_view":1)", R"("id_view":0)")), Contains("its key is not its id_view"));
  CHECK_THAT(refusal(openmvg_project("/p", {{1, "a.jpg", ""}, {1, "b.jpg", ""}})), Contains("duplicate view id 1"));
  CHECK_THAT(refusal(openmvg_project("/p", {{0, "a.jpg", "x"}, {1, "a.png", "y"}})),
             Contains("\"x/a.jpg\" and \"y/a.png\"") && Contains("a.feat"));
  for (std::size_t length = 0; length < good.size(); length += 7) (void)refusal(good.substr(0, length));
}

TEST_CASE("OpenMVG's feature files are written and read back half a pixel apart") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  const TemporaryFolder folder;
  for (const std::size_t count : {0, 1, 257}) {
    std::vector<Keypoint> keypoints(count);
    for (auto& keypoint : keypoints) {
      keypoint = {.x = static_cast<float>(random.uniform(0, 5000)),
                  .y = static_cast<float>(random.uniform(0, 5000)),
                  .sigma = static_cast<float>(random.uniform(0.5, 90)),
                  .angle = static_cast<float>(random.uniform(-7, 7))};
    }
    const auto path = folder / "ä b.feat";
    write_openmvg_features(path, keypoints);
    const auto read = read_openmvg_features(path);
    REQUIRE(read.size() == count);
    std::istringstream text(read_text_file(path));
    for (std::size_t i = 0; i < count; ++i) {
      double x = 0, y = 0, scale = 0, angle = 0;
      REQUIRE((text >> x >> y >> scale >> angle));
      CHECK(x == Approx(keypoints[i].x - 0.5).margin(1e-3));
      CHECK(read[i].x == Approx(keypoints[i].x).margin(1e-3));
      CHECK(read[i].y == Approx(keypoints[i].y).margin(1e-3));
      CHECK(read[i].sigma == keypoints[i].sigma);
      CHECK(read[i].angle == keypoints[i].angle);
    }
    write_openmvg_descriptors(folder / "d.desc", static_cast<std::int64_t>(count));
    const auto bytes = read_file(folder / "d.desc");
    REQUIRE(bytes.size() == 8 + 128 * count);
    std::uint64_t stored = 0;
    std::memcpy(&stored, bytes.data(), 8);
    CHECK(stored == count);
  }
  const auto refused = [&](const std::string& text) {
    return message_of<FormatError>([&] { (void)read_openmvg_features(folder.file("f.feat", text)); });
  };
  CHECK_THAT(refused("1 2 3 4\n1 2 3\n"), Contains("f.feat: line 2: expected \"x y scale orientation\""));
  CHECK_THAT(refused("1 2 3 4 5\n"), Contains("line 1"));
  CHECK_THAT(refused("1 2 3 x\n"), Contains("line 1"));
  CHECK_THAT(refused("1 nan 3 4\n"), Contains("line 1"));
  CHECK_THAT(refused("\n1 2 0 4\n"), Contains("line 2: expected a positive scale, found 0"));
  CHECK_THAT(message_of<IoError>([&] { write_openmvg_features(folder / "no" / "a.feat", {}); }),
             Contains("does not exist"));
  CHECK_THROWS_AS(write_openmvg_descriptors(folder / "d.desc", -1), InvalidArgument);
}

TEST_CASE("OpenMVG's match files hold every pair by view ids, the lower one first") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  const TemporaryFolder folder;
  const std::vector<std::uint32_t> ids{5, 0, 4'000'000'000U, 9};
  const std::vector<std::int64_t> counts{300, 50, 7, 0};
  for (const char* name : {"matches.putative.txt", "matches.putative.bin"}) {
    Pairs expected;
    OpenMvgMatchWriter writer(folder / name, ids, counts);
    for (const ImagePair pair : {ImagePair{0, 1}, ImagePair{2, 0}, ImagePair{1, 2}, ImagePair{0, 3}}) {
      const auto first = static_cast<std::size_t>(pair.first);
      const auto second = static_cast<std::size_t>(pair.second);
      std::vector<Match> matches;
      for (std::int32_t left = 0; left < counts[first] && counts[second] > 0; ++left) {
        matches.push_back({left, static_cast<std::int32_t>(random.below(counts[second])), 1});
      }
      writer.write(pair, matches);
      if (matches.empty()) continue;
      const bool turned = ids[first] > ids[second];
      auto& rows = expected[std::minmax(ids[first], ids[second])];
      for (const auto& match : matches) {
        rows.emplace_back(turned ? match.right : match.left, turned ? match.left : match.right);
      }
      std::ranges::sort(rows);
    }
    CHECK_FALSE(std::filesystem::exists(folder / name));
    writer.commit();
    CHECK(writer.pairs() == 3);
    CHECK((std::string(name).ends_with("txt") ? text_pairs(folder / name) : binary_pairs(folder / name)) == expected);
  }
  {
    OpenMvgMatchWriter writer(folder / "none.bin", ids, counts);
    writer.commit();
  }
  CHECK(binary_pairs(folder / "none.bin").empty());
}

TEST_CASE("what OpenMVG's match files cannot hold is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](ImagePair pair, const std::vector<Match>& matches) {
    auto message = message_of<InvalidArgument>([&] {
      OpenMvgMatchWriter writer(folder / "m.txt", {3, 4, 5}, {10, 20, 30});
      writer.write({0, 1}, {});
      writer.write(pair, matches);
    });
    CHECK(folder.names().empty());
    return message;
  };
  CHECK_THAT(refused({1, 0}, {}), Contains("duplicate pair of views 3 and 4"));
  CHECK_THAT(refused({0, 2}, {{10, 0, 1}}), Contains("match (10, 0)"));
  CHECK_THAT(refused({0, 2}, {{0, 30, 1}}), Contains("match (0, 30)"));
  CHECK_THAT(refused({0, 2}, {{0, -1, 1}}), Contains("match (0, -1)"));
  CHECK_THAT(refused({2, 2}, {}), Contains("paired with itself"));
  CHECK_THAT(refused({0, 3}, {}), Contains("image index 3"));
  CHECK_THAT(message_of<InvalidArgument>([&] { OpenMvgMatchWriter(folder / "m.json", {}, {}); }),
             Contains(".txt or .bin"));
  CHECK_THAT(message_of<InvalidArgument>([&] {
               OpenMvgMatchWriter(folder / "m.txt", {1, 1}, {1, 1});
             }),
             Contains("view id 1"));
  CHECK_THAT(message_of<InvalidArgument>([&] { OpenMvgMatchWriter(folder / "m.txt", {1}, {}); }), Contains("1 views"));
}
