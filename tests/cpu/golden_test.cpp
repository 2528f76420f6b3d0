// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/cpu/backend.hpp"

using namespace twinpatch;

namespace {

/// Folder of the originals' weights and outputs; empty where it is absent.
std::filesystem::path golden_folder() {
  const char* data = std::getenv("TWINPATCH_DATA_DIR");
  const auto folder = std::filesystem::path(data == nullptr ? "../shared/data" : data) / "golden";
  if (std::filesystem::exists(folder / "test_data.bin")) return folder;
  std::cout << "skipped: no golden data in " << folder.string() << "\n";
  return {};
}

const GoldenFile::Entry& entry(const GoldenFile& golden, const std::string& path) {
  const auto found =
      std::find_if(golden.entries.begin(), golden.entries.end(), [&](const auto& e) { return e.path == path; });
  REQUIRE(found != golden.entries.end());
  return *found;
}

/// Channel 0 or 1 of the golden pairs, raw.
std::vector<float> golden_side(const GoldenFile& golden, int channel) {
  constexpr std::size_t kPixels = 64 * 64;
  std::vector<float> values;
  for (std::size_t i = 0; i < static_cast<std::size_t>(golden.batch); ++i) {
    const auto begin = golden.input.begin() + static_cast<std::ptrdiff_t>((2 * i + channel) * kPixels);
    values.insert(values.end(), begin, begin + kPixels);
  }
  return values;
}

std::unique_ptr<Backend> backend(bool exact) {
  ExecutionOptions options;
  options.exact_convolutions = exact;
  return make_cpu_backend(options);
}

}  // namespace

TEST_CASE("the released 2ch network gives the originals' scores, in lists and grids") {
  const auto folder = golden_folder();
  if (folder.empty()) return;
  const auto golden = read_golden(folder / "test_data.bin");
  const auto& expected = entry(golden, "networks/2ch/2ch_liberty.bin");
  const auto model = std::make_shared<const Model>(import_model(folder / "2ch_liberty.bin"));
  const auto left = golden_side(golden, 0);
  const auto right = golden_side(golden, 1);
  for (const bool exact : {true, false}) {
    const auto engine = backend(exact);
    const auto branch = engine->make_branch(model);
    const auto scorer = engine->make_scorer(model);
    const auto left_rows = branch->rows({PixelType::f32, left.data(), golden.batch, 64, 64}, Side::left);
    const auto right_rows = branch->rows({PixelType::f32, right.data(), golden.batch, 64, 64}, Side::right);
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < golden.batch; ++i) pairs.push_back({i, i});
    const auto count = static_cast<std::size_t>(golden.batch);
    std::vector<float> list(count);
    scorer->score_list(*left_rows, *right_rows, pairs, list);
    std::vector<float> grid(count * count);
    scorer->score_block(*left_rows, *right_rows, grid.data(), golden.batch);
    for (std::size_t i = 0; i < count; ++i) {
      const double limit = 1e-4 * std::max(1.0F, std::abs(expected.values[i]));
      CHECK(std::abs(list[i] - expected.values[i]) <= limit);
      CHECK(std::abs(grid[i * count + i] - expected.values[i]) <= limit);
    }
  }
}

TEST_CASE("the released siamese tower gives the originals' descriptors") {
  const auto folder = golden_folder();
  if (folder.empty()) return;
  const auto golden = read_golden(folder / "test_data.bin");
  const auto& expected = entry(golden, "networks/siam/siam_desc_yosemite.bin");
  const auto model = std::make_shared<const Model>(import_model(folder / "siam_desc_yosemite.bin"));
  const auto left = golden_side(golden, 0);
  for (const bool exact : {true, false}) {
    const auto got = backend(exact)->make_branch(model)->descriptors(
        {PixelType::f32, left.data(), golden.batch, 64, 64}, Side::left);
    REQUIRE(got.rows() == expected.rows);
    REQUIRE(got.columns() == expected.columns);
    double worst = 0;
    for (std::int64_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(double{got.data()[i]} - expected.values[static_cast<std::size_t>(i)]));
    }
    INFO("exact " << exact << ", largest difference " << worst);
    CHECK(worst <= 1e-5);
  }
}
