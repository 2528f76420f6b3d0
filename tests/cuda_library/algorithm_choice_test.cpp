// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/algorithm_choice.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

// Which algorithm is taken of several that were run.

namespace twinpatch::test {
namespace {

struct Chosen {
  std::size_t index = 0;
  std::vector<std::string> lines;
};

Chosen choose(const std::vector<cuda::Trial>& trials) {
  Chosen chosen;
  const cuda::Candidates candidates{.count = trials.size(),
                                    .run = [&](std::size_t i) { return trials[i]; },
                                    .name = [](std::size_t i) { return "engine " + std::to_string(i); },
                                    .tolerance = 1e-3};
  chosen.index =
      cuda::choose_algorithm(candidates, [&](const std::string& line) { chosen.lines.push_back(line); }).index;
  return chosen;
}

}  // namespace

TEST_CASE("the fastest algorithm that agrees with the first is taken") {
  const Chosen chosen = choose({{30, {1, -2}, {}}, {20, {1, -2.001F}, {}}, {25, {1, -2}, {}}});
  CHECK(chosen.index == 1);
  CHECK(chosen.lines.empty());
}

TEST_CASE("an algorithm with other results is named and never taken, however fast") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const Chosen chosen =
      choose({{1, {}, "needs another card"}, {30, {1, -2}, {}}, {2, {1, -2.1F}, {}}, {3, {1, kNan}, {}}, {4, {1}, {}}});
  CHECK(chosen.index == 1);
  REQUIRE(chosen.lines.size() == 3);
  CHECK_THAT(chosen.lines[0], Catch::Contains("engine 2") && Catch::Contains("from those of engine 1"));
  CHECK_THAT(chosen.lines[1], Catch::Contains("engine 3") && Catch::Contains("not finite"));
  CHECK_THAT(chosen.lines[2], Catch::Contains("engine 4"));
}

TEST_CASE("where no algorithm runs the last reason is given") {
  CHECK(message_of<DeviceError>([] {
          (void)choose({{0, {}, "one reason"}, {0, {}, "another"}});
        }).find("another") != std::string::npos);
  CHECK_THROWS_AS(choose({}), DeviceError);
}

}  // namespace twinpatch::test
