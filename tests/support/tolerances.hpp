// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace twinpatch::test {

/// How far a result may lie from its double-precision reference: each element |d| ≤ absolute + relative·|reference|,
/// and all of them together Σd² ≤ nmse·Σreference².
struct Tolerance {
  double absolute;
  double relative;
  double nmse;
};

/// The one table, keyed by stage and precision. A row is as tight as the measured error allows; a row looser than its
/// neighbours says in a comment what was measured and why it is so.
namespace tolerance {

// One layer in fp32 against the reference: sums of a few thousand products.
inline constexpr Tolerance kLayerFp32 = {1e-5, 1e-5, 1e-10};
// Winograd F(3x3,5x5): its transforms cost about 2e-6 of the output's scale.
inline constexpr Tolerance kWinogradFp32 = {5e-5, 5e-5, 1e-9};
// A whole tower, a descriptor or a cached projection in fp32.
inline constexpr Tolerance kDescriptorFp32 = {1e-4, 1e-4, 1e-9};
// A pair's score in fp32.
inline constexpr Tolerance kScoreFp32 = {1e-4, 1e-4, 1e-9};
// Distances in fp32 by |a|² + |b|² - 2ab: cancellation for near pairs.
inline constexpr Tolerance kDistanceFp32 = {2e-3, 1e-4, 1e-8};
// Normalisation, crop and average of patches in fp32.
inline constexpr Tolerance kNormalisationFp32 = {1e-6, 1e-6, 1e-12};
// Results in half precisions; starting points until measured.
inline constexpr Tolerance kScoreFp16 = {1e-2, 1e-2, 1e-5};
inline constexpr Tolerance kScoreBf16 = {4e-2, 4e-2, 1e-4};
inline constexpr Tolerance kScoreInt8 = {1e-1, 1e-1, 1e-2};

}  // namespace tolerance

/// Fails the test unless `got` is finite everywhere and within `limit` of `reference`.
inline void expect_close(std::span<const float> got, std::span<const double> reference, Tolerance limit) {
  REQUIRE(got.size() == reference.size());
  double error = 0.0;
  double energy = 0.0;
  double worst_excess = -std::numeric_limits<double>::infinity();
  std::size_t worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i]) || !std::isfinite(reference[i])) {
      INFO("element " << i << " of " << got.size() << ": got " << got[i] << ", reference " << reference[i]);
      FAIL("not finite");
    }
    const double difference = std::abs(static_cast<double>(got[i]) - reference[i]);
    const double excess = difference - (limit.absolute + limit.relative * std::abs(reference[i]));
    error += difference * difference;
    energy += reference[i] * reference[i];
    if (excess > worst_excess) {
      worst_excess = excess;
      worst = i;
    }
  }
  if (got.empty()) return;
  INFO("worst element " << worst << " of " << got.size() << ": got " << got[worst] << ", reference " << reference[worst]
                        << ", beyond its limit by " << worst_excess);
  CHECK(worst_excess <= 0.0);
  INFO("squared error " << error << " of squared reference " << energy << ", limit " << limit.nmse);
  // Where the reference is zero everywhere the element-wise limit alone decides.
  CHECK((energy == 0.0 || error <= limit.nmse * energy));
}

}  // namespace twinpatch::test
