// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/sift_descriptors.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;

namespace {

constexpr int kBins = 8;   // of direction; bin 0 points along x, and they turn against the clock as seen
constexpr int kCells = 4;  // to a side
constexpr int kLength = kCells * kCells * kBins;

/// Place of a value in a descriptor: rows of cells from the top, cells from the left, directions.
int place(int row, int column, int bin) { return (row * kCells + column) * kBins + (bin + 2 * kBins) % kBins; }

PatchView view(const std::vector<std::uint8_t>& pixels, int side) {
  return {PixelType::u8, pixels.data(), static_cast<std::int64_t>(pixels.size()) / (side * side), side, side};
}

/// Every patch changed by `from(y, x)` → index of the pixel that is taken.
template <class From>
std::vector<std::uint8_t> moved(const std::vector<std::uint8_t>& pixels, int side, From from) {
  std::vector<std::uint8_t> result(pixels.size());
  const int area = side * side;
  for (std::size_t patch = 0; patch < pixels.size(); patch += static_cast<std::size_t>(area)) {
    for (int i = 0; i < area; ++i) {
      result[patch + static_cast<std::size_t>(i)] = pixels[patch + static_cast<std::size_t>(from(i / side, i % side))];
    }
  }
  return result;
}

/// Rows of `descriptors` with the values put where `to(row, column, bin)` says.
template <class To>
std::vector<double> permuted(const Matrix& descriptors, To to) {
  std::vector<double> result;
  for (std::int64_t i = 0; i < descriptors.rows(); ++i) {
    std::vector<double> row(kLength);
    for (int r = 0; r < kCells; ++r) {
      for (int c = 0; c < kCells; ++c) {
        for (int b = 0; b < kBins; ++b) {
          row[static_cast<std::size_t>(to(r, c, b))] = descriptors.row(i)[static_cast<std::size_t>(place(r, c, b))];
        }
      }
    }
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

}  // namespace

TEST_CASE("root-SIFT of mirrored patches is the mirrored descriptor") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  for (const int side : {64, 33}) {
    const auto pixels = test::structured_patches(9, side, side, seed);
    const Matrix straight = root_sift(view(pixels, side));
    REQUIRE(straight.rows() == 9);
    REQUIRE(straight.columns() == kLength);
    for (std::int64_t i = 0; i < straight.rows(); ++i) {
      double energy = 0;
      for (const float value : straight.row(i)) energy += static_cast<double>(value) * value;
      CHECK(energy == Approx(1).margin(1e-5));  // the square root of what sums to one
    }
    const auto left_right = moved(pixels, side, [&](int y, int x) { return y * side + side - 1 - x; });
    test::expect_close(root_sift(view(left_right, side)).span(),
                       permuted(straight, [](int r, int c, int b) { return place(r, 3 - c, 4 - b); }),
                       test::tolerance::kRootSift);
    const auto upside_down = moved(pixels, side, [&](int y, int x) { return (side - 1 - y) * side + x; });
    test::expect_close(root_sift(view(upside_down, side)).span(),
                       permuted(straight, [](int r, int c, int b) { return place(3 - r, c, -b); }),
                       test::tolerance::kRootSift);
    const auto transposed = moved(pixels, side, [&](int y, int x) { return x * side + y; });
    test::expect_close(root_sift(view(transposed, side)).span(),
                       permuted(straight, [](int r, int c, int b) { return place(c, r, -b - 2); }),
                       test::tolerance::kRootSift);
  }
}

TEST_CASE("root-SIFT of a ramp has one direction, of less contrast the same values") {
  constexpr int kSide = 64;
  std::vector<std::uint8_t> ramp(kSide * kSide), faint(kSide * kSide);
  for (int i = 0; i < kSide * kSide; ++i) {
    ramp[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(40 + 2 * (i % kSide));
    faint[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(90 + i % kSide);
  }
  const Matrix strong = root_sift(view(ramp, kSide));
  for (int i = 0; i < kLength; ++i) {
    INFO("value " << i);
    const float value = strong.row(0)[static_cast<std::size_t>(i)];
    if (i % kBins == 0) {
      CHECK(value > 0.15F);  // 16 cells share the energy: 0.25 on average, less at the corners
    } else {
      CHECK(value == 0.0F);
    }
  }
  const std::vector<double> reference(strong.span().begin(), strong.span().end());
  test::expect_close(root_sift(view(faint, kSide)).span(), reference, test::tolerance::kRootSift);
}

TEST_CASE("root-SIFT keeps the order of patches, takes none, and leaves a flat one at zero") {
  constexpr int kSide = 32;
  auto pixels = test::structured_patches(5, kSide, kSide, 3);
  std::fill_n(pixels.begin() + 2 * kSide * kSide, kSide * kSide, std::uint8_t{77});
  const Matrix all = root_sift(view(pixels, kSide));
  for (std::int64_t i = 0; i < 5; ++i) {
    const Matrix one = root_sift(view(pixels, kSide).slice(i, 1));
    CHECK(std::equal(one.span().begin(), one.span().end(), all.row(i).begin()));
  }
  for (const float value : all.row(2)) CHECK(value == 0.0F);
  CHECK(root_sift(view({}, kSide)).rows() == 0);
  const float raw[4] = {};
  CHECK_THAT(test::message_of<InvalidArgument>([&] {
               (void)root_sift({PixelType::f32, raw, 1, 2, 2});
             }),
             Catch::Contains("uint8"));
}
