// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <sstream>

#include "apps/process.hpp"
#include "apps/scene.hpp"

using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("the pipeline example matches every pair of its photographs") {
  const Scene scene;
  const std::vector<std::string> images{scene.photograph("a.png", 200, 160), scene.photograph("b.png", 200, 160, 7),
                                        scene.photograph("c.png", 200, 160, 15)};
  const auto result = run_twinpatch({scene.model("siam-l2"), images[0], images[1], images[2]});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto lines = lines_of(result.out);
  REQUIRE(lines.size() == 4);
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < 3; ++i) {
    std::istringstream line(lines[i]);
    std::string first, second;
    int count = 0;
    REQUIRE((line >> first >> second >> count));
    CHECK(count > 10);
    counts[first + " " + second] = count;
  }
  CHECK(counts.size() == 3);
  CHECK(lines[3] == "first pair again: " + std::to_string(counts[images[0] + " " + images[1]]));

  const auto missing = run_twinpatch({scene.model("siam-l2"), images[0], scene.path("none.png")});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("none.png"));
  CHECK(run_twinpatch({scene.model("siam-l2")}).code == 2);
}
