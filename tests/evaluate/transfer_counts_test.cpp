// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/transfer_counts.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

TEST_CASE("matches are counted by how far off they are") {
  const std::vector<double> errors{0, 1, 1.01, 2, 2.5, 3, 3.0001, 8, 8.0001, std::numeric_limits<double>::infinity()};
  const twinpatch::TransferCounts counts = twinpatch::count_transfers(errors);
  CHECK(counts.within == std::array<std::int64_t, 3>{2, 4, 6});
  CHECK(counts.near_misses == 2);
  CHECK(counts.others == 2);
  CHECK(twinpatch::count_transfers({}).others == 0);
}
