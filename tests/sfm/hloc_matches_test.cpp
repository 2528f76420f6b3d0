// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/hloc_matches.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <map>

#include "sfm/hloc_support.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

const std::vector<std::string> kNames{"db/a.jpg", "b c.jpg", "\"ü\".png", "none", "one"};
const std::vector<std::int64_t> kCounts{257, 33, 40, 0, 1};

std::int64_t count_of(std::int32_t image) { return kCounts[static_cast<std::size_t>(image)]; }
const std::string& name_of(std::int32_t image) { return kNames[static_cast<std::size_t>(image)]; }

/// Some left keypoints, each with a random right one.
std::vector<Match> random_matches(test::Random& random, ImagePair pair) {
  std::vector<Match> matches;
  for (std::int32_t left = 0; left < count_of(pair.first) && count_of(pair.second) > 0; ++left) {
    if (random.below(3) == 0) continue;
    const auto right = static_cast<std::int32_t>(random.below(count_of(pair.second)));
    matches.push_back({left, right, static_cast<float>(random.normal())});
  }
  return matches;
}

std::vector<Match> turned(std::vector<Match> matches) {
  for (auto& match : matches) std::swap(match.left, match.right);
  std::ranges::sort(
      matches, [](const Match& a, const Match& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  return matches;
}

template <class E>
std::string refused(ImagePair pair, const std::vector<Match>& matches, const std::vector<std::string>& names = kNames) {
  const TemporaryFolder folder;
  const auto message = message_of<E>([&] {
    HlocMatchWriter writer(folder / "m.h5", names, kCounts);
    writer.write({0, 1}, std::vector<Match>{{0, 0, 1}});
    writer.write(pair, matches);
  });
  CHECK(folder.names().empty());  // nothing is left of a file that was not finished
  return message;
}

}  // namespace

TEST_CASE("matches come back from a matches.h5 in both orders of the names") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  const TemporaryFolder folder;
  const auto path = folder / "mätches 1.h5";
  const std::vector<ImagePair> pairs{{0, 1}, {2, 0}, {1, 2}, {0, 3}, {3, 4}, {0, 4}};
  std::vector<std::vector<Match>> written;
  HlocMatchWriter writer(path, kNames, kCounts);
  for (const auto& pair : pairs) {
    written.push_back(random_matches(random, pair));
    writer.write(pair, written.back());
  }
  CHECK(folder.names().size() == 1);
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();
  CHECK(folder.names() == std::vector<std::string>{"mätches 1.h5"});

  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string& first = name_of(pairs[i].first);
    const std::string& second = name_of(pairs[i].second);
    auto expected = written[i];
    for (auto& match : expected) match.score = from_half(to_half(match.score));
    CHECK(read_hloc_matches(path, first, second) == expected);
    auto reversed = *read_hloc_matches(path, second, first);
    CHECK(turned(turned(reversed)) == turned(expected));

    // Every row of the layout, as numbers: -1 and 0 where there is no match.
    const auto indices = test::h5_values(path, hloc_pair_key(first, second) + "/matches0");
    REQUIRE(indices.size() == static_cast<std::size_t>(count_of(pairs[i].first)));
    std::map<std::size_t, Match> by_left;
    for (const auto& match : written[i]) by_left[static_cast<std::size_t>(match.left)] = match;
    for (std::size_t left = 0; left < indices.size(); ++left) {
      CHECK(indices[left] == (by_left.contains(left) ? by_left[left].right : -1));
    }
    CHECK(test::h5_kind(path, hloc_pair_key(first, second) + "/matches0").bytes == 2);
    CHECK(test::h5_kind(path, hloc_pair_key(first, second) + "/matching_scores0").bytes == 2);
  }
  CHECK(hloc_pair_key("db/a.jpg", "x/y/z") == "db-a.jpg/x-y-z");
  CHECK(read_hloc_matches(path, "b c.jpg", "none") == std::nullopt);
  CHECK(read_hloc_matches(path, "db/a.jpg", "") == std::nullopt);
}

TEST_CASE("16 bits hold the indices of 32,767 keypoints, 32 bits those of more") {
  const TemporaryFolder folder;
  const std::vector<std::string> names{"a", "b", "c"};
  HlocMatchWriter writer(folder / "m.h5", names, {2, 32'767, 32'768});
  const std::vector<Match> narrow{{0, 32'766, 1}, {1, 0, 2}};
  const std::vector<Match> wide{{1, 32'767, 3}};
  writer.write({0, 1}, narrow);
  writer.write({0, 2}, wide);
  writer.commit();
  CHECK(test::h5_kind(folder / "m.h5", "a/b/matches0").bytes == 2);
  CHECK(test::h5_kind(folder / "m.h5", "a/c/matches0").bytes == 4);
  CHECK(test::h5_kind(folder / "m.h5", "a/c/matches0").integer);
  CHECK(read_hloc_matches(folder / "m.h5", "a", "b") == narrow);
  CHECK(read_hloc_matches(folder / "m.h5", "c", "a") == turned(wide));
}

TEST_CASE("scores beyond half precision are kept in single precision") {
  const TemporaryFolder folder;
  HlocMatchWriter writer(folder / "m.h5", kNames, kCounts);
  writer.write({0, 1}, std::vector<Match>{{3, 4, -70'000.5F}});
  writer.write({0, 2}, std::vector<Match>{{3, 4, -65'504}});
  writer.commit();
  CHECK(test::h5_kind(folder / "m.h5", "db-a.jpg/b c.jpg/matching_scores0").bytes == 4);
  CHECK(read_hloc_matches(folder / "m.h5", "db/a.jpg", "b c.jpg") == std::vector<Match>{{3, 4, -70'000.5F}});
  CHECK(test::h5_kind(folder / "m.h5", "db-a.jpg/\"ü\".png/matching_scores0").bytes == 2);
}

TEST_CASE("older keys and wrong matches.h5 files") {
  const TemporaryFolder folder;
  const auto path = folder / "old.h5";
  test::write_h5(path, {{"x-a.jpg_b.jpg/matches0", test::h5_int64(), {3}, {-1, 5, 2}},
                        {"c/d/matches0", test::h5_int64(), {2}, {-2, 0}},
                        {"c/e/matches0", test::h5_float(), {2, 1}, {1, 0}},
                        {"c/f/matches0", test::h5_int64(), {2}, {1, 0}},
                        {"c/f/matching_scores0", test::h5_float(), {3}, {1, 0, 1}}});
  CHECK(read_hloc_matches(path, "x/a.jpg", "b.jpg") == std::vector<Match>{{1, 5, 0}, {2, 2, 0}});
  CHECK(read_hloc_matches(path, "b.jpg", "x/a.jpg") == std::vector<Match>{{2, 2, 0}, {5, 1, 0}});
  const auto refusal = [&](const char* first, const char* second) {
    return message_of<FormatError>([&] { (void)read_hloc_matches(path, first, second); });
  };
  CHECK_THAT(refusal("c", "d"), Contains("expected an index or -1, found -2 at 0"));
  CHECK_THAT(refusal("c", "e"), Contains("expected shape [N], found [2, 1]"));
  CHECK_THAT(refusal("f", "c"), Contains("matching_scores0") && Contains("expected shape [2], found [3]"));
}

TEST_CASE("what a matches.h5 cannot hold is refused") {
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {{0, 40, 1}}), Contains("match (0, 40)") && Contains("257 and 40"));
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {{257, 0, 1}}), Contains("match (257, 0)"));
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {{-1, 0, 1}}), Contains("match (-1, 0)"));
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {{7, 0, 1}, {7, 1, 1}}),
             Contains("keypoint 7 of the first has two matches"));
  CHECK_THAT(refused<InvalidArgument>({1, 0}, {}), Contains("duplicate pair"));
  CHECK_THAT(refused<InvalidArgument>({2, 2}, {}), Contains("paired with itself"));
  CHECK_THAT(refused<InvalidArgument>({0, 5}, {}), Contains("image index 5"));
  const auto named = [](const std::string& third) { return std::vector<std::string>{"a/b", "c", third, "d", "e"}; };
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {}, named("a-b")), Contains("\"a/b\" and \"a-b\""));
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {}, named(".")), Contains("no group can be named after"));
  CHECK_THAT(refused<InvalidArgument>({0, 2}, {}, named("")), Contains("no group can be named after"));

  const TemporaryFolder folder;
  CHECK_THAT(message_of<IoError>([&] { HlocMatchWriter(folder / "no" / "m.h5", kNames, kCounts); }),
             Contains("does not exist"));
  CHECK_THAT(message_of<InvalidArgument>([&] { HlocMatchWriter(folder / "m.h5", kNames, {1}); }),
             Contains("5 image names"));
  CHECK(folder.names().empty());
}
