// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/place_grid.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace twinpatch;

TEST_CASE("what is near is found, and nothing else") {
  PlaceGrid places(16);
  places.add(10, 10, 1);
  places.add(17, 10, 2);
  places.add(-1, 10, 3);
  places.add(100, 10, 4);
  std::vector<std::int64_t> found;
  places.for_near(11, 10, 8, [&](std::int64_t id, double distance) {
    CHECK(distance <= 8);
    found.push_back(id);
  });
  std::sort(found.begin(), found.end());
  CHECK(found == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("places far outside of any image, or nowhere, do not overflow") {
  PlaceGrid places(0.5);
  const double most = std::numeric_limits<double>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double far : {1e12, -1e12, most, -most, infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(far);
    places.add(far, far, 1);
    places.for_near(3, 3, 4, [&](std::int64_t, double) { FAIL("found far away"); });
  }
}
