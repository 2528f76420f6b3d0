// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "backend_table.hpp"
#include "support/golden_data.hpp"

// The originals' networks give the originals' results.

namespace twinpatch::test {
namespace {

constexpr std::int64_t kPixels = std::int64_t{64} * 64;

/// Channel 0 (left) or 1 (right) of the golden pairs, as the networks see it.
std::vector<float> golden_side(const GoldenFile& golden, std::int64_t channel) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < golden.batch; ++i) {
    const auto begin = golden.input.begin() + (2 * i + channel) * kPixels;
    values.insert(values.end(), begin, begin + kPixels);
  }
  return values;
}

PatchView view_of(const std::vector<float>& values) {
  return {PixelType::f32, values.data(), std::ssize(values) / kPixels, 64, 64};
}

}  // namespace

TEST_CASE("the released 2ch network gives the originals' scores, in lists and grids") {
  const auto folder = golden_folder();
  if (!folder || no_device()) return;
  const auto golden = read_golden(*folder / "test_data.bin");
  const auto& expected = golden_entry(golden, "networks/2ch/2ch_liberty.bin");
  const auto model = std::make_shared<const Model>(import_model(*folder / "2ch_liberty.bin"));
  const auto left = golden_side(golden, 0);
  const auto right = golden_side(golden, 1);
  for_each_backend({.exact_convolutions = true}, [&](const BackendRow& on) {
    const std::int64_t count = on.simulated ? 2 : golden.batch;
    const auto expect_original = [&](std::int64_t i, float score) {
      INFO("pair " << i);
      const float original = expected.values[static_cast<std::size_t>(i)];
      CHECK(std::abs(score - original) <= 1e-4 * std::max(1.0F, std::abs(original)));
    };
    const Rig rig = on.rig(model);
    const auto left_rows = rig.branch->rows(view_of(left).slice(0, count), Side::left);
    const auto right_rows = rig.branch->rows(view_of(right).slice(0, count), Side::right);
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < count; ++i) pairs.push_back({i, i});
    std::vector<float> list(pairs.size());
    rig.scorer->score_list(*left_rows, *right_rows, pairs, list);
    std::vector<float> grid(pairs.size() * pairs.size());
    rig.scorer->score_block(*left_rows, *right_rows, grid.data(), count);
    for (std::int64_t i = 0; i < count; ++i) {
      expect_original(i, list[static_cast<std::size_t>(i)]);
      expect_original(i, grid[static_cast<std::size_t>(i * count + i)]);
    }
  });
}

TEST_CASE("the released siamese tower gives the originals' descriptors") {
  const auto folder = golden_folder();
  if (!folder || no_device()) return;
  const auto golden = read_golden(*folder / "test_data.bin");
  const auto& expected = golden_entry(golden, "networks/siam/siam_desc_yosemite.bin");
  const auto model = std::make_shared<const Model>(import_model(*folder / "siam_desc_yosemite.bin"));
  const auto left = golden_side(golden, 0);
  for_each_backend({.exact_convolutions = true}, [&](const BackendRow& on) {
    const Matrix got = on.backend()->make_branch(model)->descriptors(view_of(left), Side::left);
    REQUIRE(got.rows() == expected.rows);
    REQUIRE(got.columns() == expected.columns);
    double worst = 0;
    for (std::int64_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(double{got.data()[i]} - expected.values[static_cast<std::size_t>(i)]));
    }
    INFO("largest difference " << worst);
    CHECK(worst <= 1e-5);
  });
}

}  // namespace twinpatch::test
