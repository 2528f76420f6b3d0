// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <span>
#include <string>

namespace twinpatch::test {

/// How far a result may lie from its double-precision reference: each element |d| ≤ absolute + relative·|reference|,
/// and all of them together Σd² ≤ nmse·Σreference².
struct Tolerance {
  double absolute;
  double relative;
  double nmse;
  const char* unmeasured = nullptr;  ///< name of a row that no device has measured yet; null: measured
};

/// The one table, keyed by stage and precision. A row is as tight as the measured error allows; a row looser than its
/// neighbours says in a comment what was measured and why it is so.
namespace tolerance {

// "measured": the worst |d| / max(1, |reference|) and the worst nmse of all the tests that use the row, on AVX-512 with
// oneDNN 2.6. Limits are about ten times that: other instruction sets and versions add up in another order.

// One layer in fp32: sums of a few thousand products. Measured 2.5e-6, nmse 3.7e-13.
inline constexpr Tolerance kLayerFp32 = {1e-5, 1e-5, 1e-11};
// Winograd F(3x3,5x5), F(6x6,5x5) and F(4x4,3x3): their transforms cost about 2e-6 of the output's scale (rms), and
// more where large terms cancel. Measured 5.3e-5, nmse 5.7e-12.
inline constexpr Tolerance kWinogradFp32 = {2e-4, 2e-4, 1e-10};
// The same with products of 16-bit integers, whose rounding (1e-4 of a row's scale) the transforms multiply by ten.
// Measured 1.7e-2, nmse 1.8e-6; bfloat16's rounding of both operands would be 2.5e-6.
inline constexpr Tolerance kWinogradIntegers = {8e-2, 8e-2, 1e-5};
// Layers as products of 16-bit integers. Measured 4.9e-3, nmse 8.1e-7 (sums of 8,192; bfloat16 would be 2.5e-6).
inline constexpr Tolerance kProductIntegers = {3e-2, 3e-2, 5e-6};
// First convolutions in 16-bit integers. Measured 1.7e-3, nmse 5.5e-8 by Winograd's method and 2.2e-8 directly.
inline constexpr Tolerance kStemIntegers = {1e-2, 1e-2, 5e-7};
// One layer in other precisions, against the reference on operands that the precision holds exactly: tf32 rounds the
// operands once more (2⁻¹¹ each, sums of 2,400 products of unit scale), half precisions round the result. Measured on
// the reference code of tests/simt, which rounds where a device does and adds up in fp32; no device has been. Of the
// errors of rounding, which another order of sums does not change, limits are two to four times; a device may cut
// tf32's operands off instead of rounding them, which doubles the error and is four times the nmse.
// tf32: measured 1.7e-3, nmse 1.2e-7; fp16: 4.9e-4, 7.4e-8; bf16: 3.9e-3, 4.0e-6.
inline constexpr Tolerance kLayerTf32 = {5e-3, 1e-3, 1e-6, "kLayerTf32"};
inline constexpr Tolerance kLayerFp16 = {1e-3, 1e-3, 3e-7, "kLayerFp16"};
inline constexpr Tolerance kLayerBf16 = {8e-3, 8e-3, 1.6e-5, "kLayerBf16"};
// A whole tower, a descriptor or a cached projection in fp32. Measured 2.8e-6, nmse 1.4e-10.
inline constexpr Tolerance kDescriptorFp32 = {3e-5, 3e-5, 2e-9};
// A pair's score in fp32. Measured as above.
inline constexpr Tolerance kScoreFp32 = {3e-5, 3e-5, 2e-9};
// ONNX Runtime's descriptors and scores against the engine's, both in fp32, which add up in other orders. Measured
// 7.7e-6 with ONNX Runtime 1.32.
inline constexpr Tolerance kOnnxFp32 = {3e-5, 3e-5, 2e-9};
// Distances and cosines of descriptors in a list of pairs: from the differences, so nothing cancels. Unit vectors
// measured 5.8e-8, nmse 6.3e-16; others, relative, 5.9e-8, nmse 8.7e-16.
inline constexpr Tolerance kUnitDistanceFp32 = {1e-6, 1e-6, 1e-14};
inline constexpr Tolerance kDistanceFp32 = {0, 1e-6, 1e-14};
// The same in a block, by |a|² + |b|² - 2ab where that does not cancel. Unit vectors measured 3.4e-7, nmse 1.1e-14;
// others, relative, 4.0e-7, nmse 8.9e-15.
inline constexpr Tolerance kUnitDistanceBlockFp32 = {3e-6, 3e-6, 1e-13};
inline constexpr Tolerance kDistanceBlockFp32 = {0, 3e-6, 1e-13};
// Inputs of streams in fp32: one multiplication and one addition a pixel. Measured 6.3e-7, nmse 6.0e-13.
inline constexpr Tolerance kNormalisationFp32 = {6e-6, 6e-6, 6e-12};
// Scores in tf32 and half precisions, networks with random weights; measured and widened as single layers above.
// tf32: measured 1.7e-3, nmse 2.1e-6; fp16: 1.7e-3, 2.5e-6; bf16: 2.3e-2, 7.2e-5.
inline constexpr Tolerance kScoreTf32 = {7e-3, 7e-3, 1e-5, "kScoreTf32"};
inline constexpr Tolerance kScoreFp16 = {7e-3, 7e-3, 1e-5, "kScoreFp16"};
inline constexpr Tolerance kScoreBf16 = {7e-2, 4e-2, 3e-4, "kScoreBf16"};
// A pair's score in bf16 on the CPU, networks with random weights: operands lose 2⁻⁹ each.
// Measured 2.9e-3, nmse 7.6e-4 (2ch-paper, whose scores lie near zero; the others up to 6e-5).
inline constexpr Tolerance kCpuBf16 = {3e-2, 3e-2, 7e-3};
// A pair's score in int8, calibrated on the very patches, networks with random weights. Measured
// 7.9e-3, nmse 7.9e-4.
inline constexpr Tolerance kCpuInt8 = {8e-2, 8e-2, 8e-3};
// Root-SIFT by OpenCV, which keeps descriptors in bytes: the root of a byte that is one off. Measured 1.7e-2,
// nmse 1.2e-3 (mirrored patches of one seed; three more stayed within the limits).
inline constexpr Tolerance kRootSift = {6e-2, 0, 3e-3};
// Share of keypoints that an image has in tiles and at once, and of those of σ > 10, which are sought in the image at a
// quarter of its size, in 8 bits. Measured 0.9988 of 17,986 and 0.87 of 91.
inline constexpr double kTiledKeypoints = 0.995;
inline constexpr double kReducedKeypoints = 0.7;

}  // namespace tolerance

/// Appends the measured error of a row that no device has measured to the file $TWINPATCH_MEASURED_ERRORS, if it is
/// set: name, the worst |d| / max(1, |reference|), nmse. Who has a GPU tightens the rows by it.
inline void record_error(const char* row, double worst, double nmse) {
  const char* const path = std::getenv("TWINPATCH_MEASURED_ERRORS");
  if (path != nullptr) std::ofstream(path, std::ios::app) << row << ' ' << worst << ' ' << nmse << '\n';
}

/// What a failure of such a row begins with: its limit may be what is wrong.
inline std::string calibration(const Tolerance& limit) {
  if (limit.unmeasured == nullptr) return {};
  return std::string("calibration: no device has measured ") + limit.unmeasured + "; ";
}

/// Fails the test unless `got` is finite everywhere and within `limit` of `reference`.
inline void expect_close(std::span<const float> got, std::span<const double> reference, Tolerance limit) {
  REQUIRE(got.size() == reference.size());
  double error = 0.0;
  double energy = 0.0;
  double worst_error = 0.0;
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
    worst_error = std::max(worst_error, difference / std::max(1.0, std::abs(reference[i])));
    if (excess > worst_excess) {
      worst_excess = excess;
      worst = i;
    }
  }
  if (got.empty()) return;
  if (limit.unmeasured != nullptr) record_error(limit.unmeasured, worst_error, energy == 0.0 ? 0.0 : error / energy);
  INFO(calibration(limit) << "worst element " << worst << " of " << got.size() << ": got " << got[worst]
                          << ", reference " << reference[worst] << ", beyond its limit by " << worst_excess);
  CHECK(worst_excess <= 0.0);
  INFO(calibration(limit) << "squared error " << error << " of squared reference " << energy << ", limit "
                          << limit.nmse);
  // Where the reference is zero everywhere the element-wise limit alone decides.
  CHECK((energy == 0.0 || error <= limit.nmse * energy));
}

}  // namespace twinpatch::test
