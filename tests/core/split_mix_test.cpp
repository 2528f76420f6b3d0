// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/split_mix.hpp"

#include <catch2/catch.hpp>

using namespace twinpatch;

TEST_CASE("splitmix64 gives the numbers of its authors' program") {
  SplitMix64 random(1234567);
  for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                       4593380528125082431U, 16408922859458223821U}) {
    CHECK(random.next() == expected);
  }
  for (int i = 0; i < 1000; ++i) {
    const double value = random.uniform();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
  }
}
