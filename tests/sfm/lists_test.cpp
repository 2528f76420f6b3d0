// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <ctime>
#include <map>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;

namespace {

const std::vector<std::string> kNames{"a.jpg", "sub/b c.jpg", "\"ü\".png", "d.jpg", "x", "y z", "x y", "z"};

ImagePairList parse(std::string_view text) { return parse_image_pairs(text, "pairs.txt", kNames); }

std::string refusal(std::string_view text) {
  return message_of<FormatError>([&] { (void)parse(text); });
}

}  // namespace

TEST_CASE("pair lists as COLMAP and hloc write them are read") {
  const auto list = parse(
      "# names\n"
      "a.jpg d.jpg\n"
      "\n"
      "sub/b c.jpg\ta.jpg\r\n"
      "  \"ü\".png   d.jpg  \n"
      "d.jpg \"ü\".png\n"  // the other way round
      "a.jpg d.jpg\n"
      "d.jpg d.jpg\n"
      "sub/b c.jpg d.jpg\n"  // one way to part it
      "d.jpg\tx");
  CHECK(list.pairs == std::vector<ImagePair>{{0, 3}, {1, 0}, {2, 3}, {1, 3}, {3, 4}});
  CHECK(list.repeated == 2);
  CHECK(list.same_image == 1);
  CHECK(list.complete());
  REQUIRE(list.warnings().size() == 1);
  CHECK_THAT(list.warnings()[0], Contains("pairs.txt: line 8: an image paired with itself"));

  for (const char* empty : {"", "\n", "# nothing", "\xEF\xBB\xBF", " \t \r\n"}) CHECK(parse(empty).pairs.empty());
  CHECK(parse("\xEF\xBB\xBF"
              "a.jpg d.jpg")
            .pairs == std::vector<ImagePair>{{0, 3}});
}

TEST_CASE("unknown names of a pair list are all named and counted") {
  const auto list = parse(
      "a.jpg d.jpg\n"
      "no.jpg a.jpg\n"
      "a.jpg\tnö 2.jpg\n"
      "no.jpg nö.jpg\n"
      "no.jpg no.jpg\n"
      "x d.jpg\n");
  CHECK(list.pairs == std::vector<ImagePair>{{0, 3}, {4, 3}});  // what follows an unknown name is kept
  CHECK_FALSE(list.complete());
  CHECK(list.unknown_pairs == 4);
  REQUIRE(list.unknown.size() == 3);
  CHECK(list.unknown[0].name == "no.jpg");
  CHECK(list.unknown[0].line == 2);
  CHECK(list.unknown[0].pairs == 3);
  CHECK(list.unknown[1].name == "nö 2.jpg");
  CHECK(list.unknown[2].name == "nö.jpg");
  const auto warnings = list.warnings();
  REQUIRE(warnings.size() == 3);
  CHECK_THAT(warnings[0], Contains("pairs.txt: line 2: no image is named \"no.jpg\" (3 pairs skipped)"));
  CHECK_THAT(warnings[1], Contains("line 3") && Contains("(1 pair skipped)"));
}

TEST_CASE("lines that cannot be two names are refused by their number") {
  CHECK_THAT(refusal("a.jpg d.jpg\na.jpg\n"), Contains("pairs.txt: line 2: expected two image names, found one"));
  CHECK_THAT(refusal("a.jpg\td.jpg\tx\n"), Contains("line 1") && Contains("more tabs"));
  CHECK_THAT(refusal("# c\na.jpg and d.jpg\n"), Contains("line 2") && Contains("use a tab between"));
  CHECK_THAT(refusal("x y z\n"), Contains("two pairs of image names"));  // x|y z or x y|z
  CHECK(parse("x\ty z\n").pairs == std::vector<ImagePair>{{4, 5}});
  const std::vector<std::string> twice{"a", "b", "a"};
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)parse_image_pairs("", "p", twice); }), Contains("\"a\""));
  CHECK_THAT(message_of<IoError>([&] { (void)read_image_pairs("/nowhere/pairs.txt", kNames); }),
             Contains("/nowhere/pairs.txt"));
}

TEST_CASE("a line of very many words is refused in time that grows with its length") {
  std::string line;
  for (int i = 0; i < 400'000; ++i) line += "a ";
  const std::clock_t start = std::clock();
  CHECK_THAT(refusal(line + "b"), Contains("do not split into two names"));
  // Every blank tried with hashes of all before and behind it took a minute and a half.
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 5);
}

TEST_CASE("a pair list that is written reads back") {
  const test::TemporaryFolder folder;
  const std::uint64_t seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  std::map<std::pair<int, int>, int> seen;
  std::vector<ImagePair> pairs, expected;
  std::int64_t repeated = 0, same = 0;
  for (int i = 0; i < 200; ++i) {
    const ImagePair pair{static_cast<std::int32_t>(random.below(8)), static_cast<std::int32_t>(random.below(8))};
    pairs.push_back(pair);
    if (pair.first == pair.second) {
      ++same;
    } else if (seen[std::minmax(pair.first, pair.second)]++ == 0) {
      expected.push_back(pair);
    } else {
      ++repeated;
    }
  }
  const auto list = read_image_pairs(folder.file("päirs 1.txt", format_image_pairs(pairs, kNames)), kNames);
  CHECK(list.pairs == expected);
  CHECK(list.repeated == repeated);
  CHECK(list.same_image == same);
  CHECK(format_image_pairs({}, kNames).empty());

  const std::vector<std::string> bad{"a", "#b", "c\td", " e", ""};
  const auto refused = [&](ImagePair pair) {
    return message_of<InvalidArgument>([&] { (void)format_image_pairs(std::vector{pair}, bad); });
  };
  CHECK_THAT(refused({1, 0}), Contains("#b"));
  CHECK_THAT(refused({0, 2}), Contains("cannot hold"));
  CHECK_THAT(refused({3, 0}), Contains("\" e\""));
  CHECK_THAT(refused({0, 4}), Contains("\"\""));
  CHECK_THAT(refused({0, 5}), Contains("image index 5"));
  CHECK_THAT(refused({-1, 0}), Contains("image index -1"));
  CHECK(format_image_pairs(std::vector<ImagePair>{{0, 1}}, bad) == "a #b\n");  // a comment begins a line
}
