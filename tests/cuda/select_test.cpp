// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "cuda_support.hpp"
#include "grid/selection.hpp"
#include "support/small_networks.hpp"

// Scores in memory go into a selection on the device.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// A device with a selection, and scores that are put into it tile by tile.
struct Selecting {
  explicit Selecting(const SelectionRequest& request)
      : device(std::make_shared<cuda::Device>(0, cuda_options(), 1)), selection(device, request) {}

  void take(const Matrix& scores, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns) {
    const cuda::Turn turn(*device);
    const auto there = cuda::upload<float>(device->pool(), scores.span(), device->stream());
    selection.take({.values = there.data() + row * scores.columns() + column,
                    .stride = scores.columns(),
                    .rows = rows,
                    .columns = columns,
                    .first_row = row,
                    .first_column = column},
                   nullptr);
  }

  std::shared_ptr<cuda::Device> device;
  cuda::DeviceSelection selection;
};

Matrix scores_with_ties(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Random random(seed);
  Matrix scores(rows, columns);
  for (float& score : scores.span()) score = static_cast<float>(random.below(50)) - 25;  // many ties, some of them −0
  for (float& score : scores.span()) score = score == 0 && random.below(2) == 0 ? -0.0F : score;
  return scores;
}

}  // namespace

TEST_CASE("the best of rows and columns are kept with ties by index, whatever the tiles and how often") {
  if (no_device()) return;
  const int top_k = GENERATE(1, 2, 33, 90);
  const bool columns_too = GENERATE(false, true);
  const Matrix scores = scores_with_ties(100, 70, 17);
  const SelectionRequest request{
      .rows = 100, .columns = 70, .top_k = top_k, .column_best = columns_too, .threshold = -20};
  const Selected expected = reference::select(scores.view(), request);
  Selecting selecting(request);
  for (const std::int64_t column : {40, 0, 40}) {  // one column of tiles twice
    for (const std::int64_t row : {0, 77}) {
      selecting.take(scores, row, row == 0 ? 77 : 23, column, column == 0 ? 40 : 30);
    }
  }
  expect_same(selecting.selection.read(), expected);
}

TEST_CASE("every finite score has a place, and those not finite are found") {
  if (no_device()) return;
  constexpr float kMost = std::numeric_limits<float>::max();
  Matrix scores(2, 5);
  const std::vector<float> values = {-kMost, 1e-45F, kMost, -0.0F, 0.0F, -1e-45F, -kMost, -kMost, 3, -3};
  std::copy(values.begin(), values.end(), scores.data());
  const SelectionRequest request{.rows = 2, .columns = 5, .top_k = 5, .column_best = true};
  Selecting selecting(request);
  selecting.take(scores, 0, 2, 0, 5);
  expect_same(selecting.selection.read(), reference::select(scores.view(), request));

  scores.row(1)[3] = std::numeric_limits<float>::quiet_NaN();
  scores.row(1)[4] = -std::numeric_limits<float>::infinity();
  selecting.take(scores, 0, 2, 0, 5);
  for (int look = 0; look < 2; ++look) {
    try {
      (void)selecting.selection.read();
      FAIL("not reported");
    } catch (const NotFinite& error) {
      CHECK(error.pair().left == 1);
      CHECK(error.pair().right == 3);
    }
  }
  selecting.selection.begin(request);
  selecting.take(scores, 0, 1, 0, 5);
  CHECK(selecting.selection.read().indices[0] == 2);
}
