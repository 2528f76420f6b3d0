// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/vision/keypoint.hpp"

using namespace twinpatch;
using twinpatch::test::Random;
using twinpatch::test::TemporaryFolder;

namespace {

std::vector<Keypoint> some_keypoints(int count) {
  Random random(9);
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < count; ++i) {
    keypoints.push_back({static_cast<float>(random.uniform(0, 5000)), static_cast<float>(random.uniform(0, 4000)),
                         static_cast<float>(random.uniform(0.5, 50)), static_cast<float>(random.uniform(-4, 7)), 0});
  }
  return keypoints;
}

std::string descriptor(int dimensions) {
  std::string text;
  for (int i = 0; i < dimensions; ++i) text += " " + std::to_string(i % 256);
  return text;
}

std::string message_of(const std::filesystem::path& path) {
  try {
    (void)read_keypoints(path);
  } catch (const FormatError& error) {
    return error.what();
  }
  FAIL("read_keypoints did not throw for " << path);
  return {};
}

}  // namespace

TEST_CASE("keypoints come back from text and npy bit by bit") {
  const TemporaryFolder folder;
  for (const int count : {0, 1, 257}) {
    const auto keypoints = some_keypoints(count);
    for (const char* const name : {"k.txt", "k with space.keys", "k.npy"}) {
      CAPTURE(count, name);
      write_keypoints(folder / name, keypoints);
      CHECK(read_keypoints(folder / name) == keypoints);
    }
  }
  CHECK_THROWS_AS(write_keypoints(folder / "absent" / "k.txt", {}), IoError);
  CHECK_THROWS_AS(read_keypoints(folder / "absent.txt"), IoError);
}

TEST_CASE("keypoints with shapes come back bit by bit, in six numbers each") {
  const TemporaryFolder folder;
  std::vector<Keypoint> keypoints;
  for (const Keypoint& k : some_keypoints(31)) {
    keypoints.push_back(keypoint_with_shape(k.x, k.y, {k.sigma, k.angle, -0.3F * k.angle, 1.5F * k.sigma}));
  }
  for (const char* const name : {"k.txt", "k.npy"}) {
    CAPTURE(name);
    write_keypoints(folder / name, keypoints);
    CHECK(read_keypoints(folder / name) == keypoints);
  }
  const auto read = read_keypoints(folder.file("six.txt", std::string_view("# x y a11 a12 a21 a22\n1 2 0 -6 2 0\n")));
  REQUIRE(read.size() == 1);
  CHECK(read[0].shape == AffineShape{0, -6, 2, 0});
  CHECK(read[0].sigma == 4);
  // Where not all have one, four numbers.
  keypoints[3].shape.reset();
  write_keypoints(folder / "mixed.txt", keypoints);
  CHECK_FALSE(read_keypoints(folder / "mixed.txt")[0].shape);
}

TEST_CASE("text may have comments, blank lines, commas and Windows line ends") {
  const TemporaryFolder folder;
  const auto path = folder.file("k.txt", std::string_view("# x y sigma angle\r\n\r\n10.5 20 2.5 -1.25\r\n"
                                                          "  +3,4e0, 1e-1,0  # last\n\n"));
  const auto keypoints = read_keypoints(path);
  REQUIRE(keypoints.size() == 2);
  CHECK(keypoints[0] == Keypoint{10.5F, 20, 2.5F, -1.25F, 0});
  CHECK(keypoints[1] == Keypoint{3, 4, 0.1F, 0, 0});
}

TEST_CASE("a byte order mark before the first keypoint is skipped") {
  const TemporaryFolder folder;
  const auto keypoints = read_keypoints(folder.file("bom.txt", std::string_view("\xEF\xBB\xBF"
                                                                                "10 20 3 0\n")));
  REQUIRE(keypoints.size() == 1);
  CHECK(keypoints[0] == Keypoint{10, 20, 3, 0, 0});
}

TEST_CASE("COLMAP's text with descriptors is read, the descriptors left out") {
  const TemporaryFolder folder;
  const auto keypoints = some_keypoints(3);
  std::string text = "3 128\n";
  for (const Keypoint& k : keypoints) {
    text += std::to_string(k.x) + " " + std::to_string(k.y) + " " + std::to_string(k.sigma) + " " +
            std::to_string(k.angle) + descriptor(128) + "\n";
  }
  const auto read = read_keypoints(folder.file("k.txt", text));
  REQUIRE(read.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read[i].x == Approx(keypoints[i].x));
    CHECK(read[i].angle == Approx(keypoints[i].angle).margin(1e-5));
  }
  CHECK(read_keypoints(folder.file("none.txt", std::string_view("0 128\n"))).empty());
}

TEST_CASE("the place of a keypoint in its file is known") {
  const TemporaryFolder folder;
  const auto text = folder.file("k.txt", std::string_view("# first\n1 2 3 4\n\n5 6 7 8\n"));
  CHECK(keypoint_place(text, 0) == "line 2");
  CHECK(keypoint_place(text, 1) == "line 4");
  const auto colmap = folder.file("c.txt", std::string_view("2 0\n1 2 3 4\n5 6 7 8\n"));
  CHECK(keypoint_place(colmap, 1) == "line 3");
  write_keypoints(folder / "k.npy", some_keypoints(3));
  CHECK(keypoint_place(folder / "k.npy", 2) == "row 2");
}

TEST_CASE("mistakes in keypoint files are named with their line") {
  const TemporaryFolder folder;
  struct Case {
    std::string text;
    std::string line;
    std::string what;
  };
  const std::vector<Case> cases = {
      {"1 2 3 4\n1 2 3\n", "line 2", "expected 4 numbers, found 3"},
      {"\n# c\n1 2 3 4 5\n", "line 3", "or 6 (x y a11 a12 a21 a22), found 5"},
      {"1 2 3 0 0 3\n1 2 3 4\n", "line 2", "expected 6 numbers, found 4"},
      {"1 2 3 4\n1 2 3 0 0 3\n", "line 2", "expected 4 numbers, found 6"},
      {"1 2 3 0 0 nan\n", "line 1", "expected a positive sigma"},
      {"1 2 0 0 0 0\n", "line 1", "positive sigma"},
      {"1 0\n1 2 3 0 0 3\n", "line 2", "expected 4 numbers, found 6"},
      {"1 2 x 4\n", "line 1", "'x'"},
      {"1 2 3 4\n1 2 3.5.5 4\n", "line 2", "'3.5.5'"},
      {"1 2 0 4\n", "line 1", "positive sigma"},
      {"1 2 -3 4\n", "line 1", "positive sigma"},
      {"1 nan 3 4\n", "line 1", "finite"},
      {"1 2 3 inf\n", "line 1", "finite"},
      {"10.5 20.5\n11 12\n", "line 1", "the size of a patch"},
      {"-1 128\n", "line 1", "the size of a patch"},
      {"2 128\n1 2 3 4" + descriptor(127) + "\n", "line 2", "expected 132 numbers, found 131"},
      {"2 128\n1 2 3 4" + descriptor(128) + "\n", "line 2", "announces 2 keypoints, found 1"},
      {"9223372036854775807 128\n", "line 1", "found 0"},
      {"1 9223372036854775807\n1 2 3 4\n", "line 1", "at most 1048576 numbers"},
      {"1 128\n1 2 3 4\n" + descriptor(20) + "\n", "line 2", "Lowe"},
  };
  for (const Case& test : cases) {
    CAPTURE(test.text);
    CHECK_THAT(message_of(folder.file("bad.txt", test.text)),
               Catch::Contains("bad.txt") && Catch::Contains(test.line) && Catch::Contains(test.what));
  }
}

TEST_CASE("npy keypoints of another shape or type, or not finite, are refused") {
  const TemporaryFolder folder;
  const std::vector<float> six = {1, 2, 3, 4, 5, 6};
  write_npy<float>(folder / "shape.npy", six, {2, 3});
  CHECK_THAT(message_of(folder / "shape.npy"),
             Catch::Contains("[N, 4]") && Catch::Contains("[N, 6]") && Catch::Contains("[2, 3]"));
  const std::vector<double> doubles = {1, 2, 3, 4};
  write_npy<double>(folder / "type.npy", doubles, {1, 4});
  CHECK_THROWS_AS(read_keypoints(folder / "type.npy"), FormatError);
  const std::vector<float> bad = {1, 2, 3, 4, 1, 2, std::numeric_limits<float>::quiet_NaN(), 4};
  write_npy<float>(folder / "nan.npy", bad, {2, 4});
  CHECK_THAT(message_of(folder / "nan.npy"), Catch::Contains("keypoint 1"));
}
