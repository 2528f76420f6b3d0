// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/pair_list.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

PairList read_text(const std::string& text) {
  const TemporaryFolder folder;
  return read_pair_list(folder.file("m50_1.txt", text));
}

std::string refusal(const std::string& text) {
  return message_of<FormatError>([&] { (void)read_text(text); });
}

}  // namespace

TEST_CASE("PhotoTour lists of six and of seven integers are read") {
  const PairList list = read_text("3 7 0 4 7 0 0\n  10\t-8 0  2 9 0\r\n\n5 1 0 6 1 99");
  CHECK(list.pairs == std::vector<IndexPair>{{3, 4}, {10, 2}, {5, 6}});
  CHECK(list.matches == std::vector<std::uint8_t>{1, 0, 1});
  CHECK_THAT(list.path, Catch::EndsWith("m50_1.txt"));
  for (const char* empty : {"", "\n", " \n\n"}) {
    CHECK(read_text(empty).pairs.empty());
    CHECK(read_text(empty).matches.empty());
  }
}

TEST_CASE("a byte order mark before a list or info.txt is skipped") {
  CHECK(read_text("\xEF\xBB\xBF"
                  "3 7 0 4 7 0 0\n")
            .pairs == std::vector<IndexPair>{{3, 4}});
  const TemporaryFolder folder;
  CHECK(read_photo_tour_info(folder.file("info.txt", std::string_view("\xEF\xBB\xBF"
                                                                      "5 0\n6 0\n"))) ==
        std::vector<std::int64_t>{5, 6});
  CHECK_THAT(refusal("\xFF\xFE@"), Contains("text in UTF-16, expected UTF-8"));
}

TEST_CASE("wrong lines are named by their number") {
  const std::string good = "3 7 0 4 7 0 0\n";
  CHECK_THAT(refusal(good + "1 2 3 4 5\n"),
             Contains("m50_1.txt: line 2: expected six or seven integers") && Contains("found 5"));
  CHECK_THAT(refusal(good + good + "1 2 3 4 5 6 7 8\n"), Contains("line 3: expected at most 7 integers"));
  CHECK_THAT(refusal("1 2 x 4 5 6\n"), Contains("line 1: expected an integer, found \"x\""));
  CHECK_THAT(refusal("1 2 3.5 4 5 6\n"), Contains("found \"3.5\""));
  CHECK_THAT(refusal("1 2 99999999999999999999 4 5 6\n"), Contains("found \"99999999999999999999\""));
  CHECK_THAT(refusal("-1 2 3 4 5 6\n"), Contains("line 1: expected the index of a patch, found -1"));
  CHECK_THAT(refusal("1 2 3 4294967296 5 6\n"), Contains("expected the index of a patch, found 4294967296"));
  CHECK_THAT(refusal(std::string("1 2 \0 4 5 6\n", 12)), Contains("expected an integer, found"));
  CHECK_THAT(refusal(std::string(100'000, 'x')), Contains("expected an integer"));
}

TEST_CASE("arrays of pairs are read from int32 and from int64 that fits") {
  const TemporaryFolder folder;
  const std::vector<std::int32_t> values = {0, 5, 6, 1, 2, 2};
  write_npy<std::int32_t>(folder / "p.npy", values, {3, 2});
  const PairList list = read_pair_list(folder / "p.npy");
  CHECK(list.pairs == std::vector<IndexPair>{{0, 5}, {6, 1}, {2, 2}});
  CHECK(list.matches.empty());
  std::filesystem::copy(folder / "p.npy", folder / "no extension");
  CHECK(read_pair_list(folder / "no extension").pairs == list.pairs);
  const std::vector<std::int64_t> wide = {0, 5, 6, 1, 2, 2};
  write_npy<std::int64_t>(folder / "w.npy", wide, {3, 2});
  CHECK(read_pair_list(folder / "w.npy").pairs == list.pairs);
  write_npy<std::int32_t>(folder / "e.npy", {}, {0, 2});
  CHECK(read_pair_list(folder / "e.npy").pairs.empty());

  const std::vector<std::int64_t> huge = {0, 5, 6, std::int64_t{1} << 31};
  write_npy<std::int64_t>(folder / "h.npy", huge, {2, 2});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_pair_list(folder / "h.npy"); }),
             Contains("h.npy: pair 1: the index 2147483648 does not fit 32 bits"));
  write_npy<std::int32_t>(folder / "s.npy", values, {2, 3});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_pair_list(folder / "s.npy"); }),
             Contains("expected pairs of shape [M, 2], found [2, 3]"));
  const std::vector<float> floats = {0, 1};
  write_npy<float>(folder / "f.npy", floats, {1, 2});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_pair_list(folder / "f.npy"); }),
             Contains("expected an array of int32, found float32"));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_pair_list(folder.file("z.npy", "")); }),
             Contains("an empty file"));
  CHECK_THROWS_AS(read_pair_list(folder / "none.txt"), IoError);
  CHECK_THROWS_AS(read_pair_list(folder.path()), IoError);
}

TEST_CASE("pairs outside of their sets are named") {
  const std::vector<IndexPair> pairs = {{0, 3}, {4, 0}, {1, 2}};
  CHECK_NOTHROW(check_pairs(pairs, 5, 4, "p.npy"));
  CHECK_NOTHROW(check_pairs({}, 0, 0, "p.npy"));
  CHECK(message_of<InvalidArgument>([&] { check_pairs(pairs, 4, 4, "p.npy"); }) ==
        "p.npy: pair 1 (4, 0): expected a left patch in [0, 4), found 4");
  CHECK(message_of<InvalidArgument>([&] { check_pairs(pairs, 5, 3, "p.npy"); }) ==
        "p.npy: pair 0 (0, 3): expected a right patch in [0, 3), found 3");
  const std::vector<IndexPair> negative = {{0, -1}};
  CHECK_THAT(message_of<InvalidArgument>([&] { check_pairs(negative, 5, 5, "p.npy"); }), Contains("right patch"));
  CHECK_THROWS_AS(check_pairs(pairs, 0, 0, "p.npy"), InvalidArgument);
}

TEST_CASE("info.txt gives the point of each patch") {
  const TemporaryFolder folder;
  CHECK(read_photo_tour_info(folder.file("info.txt", "0 0\n0 0\r\n17 0\n\n")) == std::vector<std::int64_t>{0, 0, 17});
  CHECK(read_photo_tour_info(folder.file("info.txt", "")).empty());
  CHECK_THAT(message_of<FormatError>([&] { (void)read_photo_tour_info(folder.file("info.txt", "0 0\n\n1 0\n")); }),
             Contains("info.txt: line 2: expected two integers (point 0), found 0"));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_photo_tour_info(folder.file("info.txt", "0 0 0\n")); }),
             Contains("found 3"));
}

TEST_CASE("the default list is the largest, then the first by name") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of<Error>([&] { (void)default_pair_list(folder.path()); }),
             Contains("m50_*.txt") && Contains("none"));
  folder.file("hard50_9.txt", "much longer than the others");
  folder.file("m50_2.txt", "same");
  folder.file("m50_1.txt", "same");
  folder.file("m50_9.txt", "");
  std::filesystem::create_directory(folder / "m50_folder.txt");
  CHECK(default_pair_list(folder.path()).filename() == "m50_1.txt");
  folder.file("m50_3.txt", "longer");
  CHECK(default_pair_list(folder.path()).filename() == "m50_3.txt");
  CHECK_THROWS_AS(default_pair_list(folder / "none"), IoError);
}

TEST_CASE("half a million lines are read in well under a second") {
  std::string text;
  test::Random random(3);
  for (int i = 0; i < 500'000; ++i) {
    text += std::to_string(random.below(500'000)) + " " + std::to_string(random.below(200'000)) + " 0 " +
            std::to_string(random.below(500'000)) + " " + std::to_string(random.below(200'000)) + " 0 0\n";
  }
  const TemporaryFolder folder;
  const auto path = folder.file("m50_500000_500000_0.txt", text);
  const std::clock_t start = std::clock();  // the processor's time: neighbours do not count
  const PairList list = read_pair_list(path);
  const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CHECK(list.pairs.size() == 500'000);
  INFO(took << " s for " << text.size() << " bytes");
  CHECK(took < 1.0);  // loose, for sanitizers' sake
}

TEST_CASE("the lists of a real dataset agree with its info.txt") {
  const char* const data = std::getenv("TWINPATCH_DATA_DIR");
  const std::filesystem::path folder = std::filesystem::path(data == nullptr ? "" : data) / "ubc_notredame2007";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no ubc_notredame2007 in TWINPATCH_DATA_DIR");
    return;
  }
  const auto points = read_photo_tour_info(folder / "info.txt");
  const PairList list = read_pair_list(default_pair_list(folder));
  REQUIRE_FALSE(list.pairs.empty());
  CHECK_NOTHROW(check_pairs(list.pairs, std::ssize(points), std::ssize(points), list.path));
  std::size_t matches = 0;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    const IndexPair pair = list.pairs[i];
    const bool same = points[static_cast<std::size_t>(pair.left)] == points[static_cast<std::size_t>(pair.right)];
    REQUIRE(same == (list.matches[i] == 1));
    matches += list.matches[i];
  }
  CHECK(matches > list.pairs.size() / 4);
  CHECK(matches < list.pairs.size() * 3 / 4);
}
