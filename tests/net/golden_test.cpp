// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "support/golden_data.hpp"
#include "support/reference.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

/// Channel `c` of pair `i` of the input.
reference::Map patch(const GoldenFile& golden, std::int64_t i, std::int64_t c) {
  reference::Map map({1, 64, 64});
  const auto begin = golden.input.begin() + (2 * i + c) * 64 * 64;
  std::copy(begin, begin + 64 * 64, map.values.begin());
  return map;
}

/// Largest |score − expected| / max(1, |expected|) over the pairs.
double worst_score(const Model& model, const GoldenFile& golden, const GoldenFile::Entry& expected) {
  double worst = 0;
  for (std::int64_t i = 0; i < golden.batch; ++i) {
    const double score = reference::score(model, patch(golden, i, 0), patch(golden, i, 1));
    const double truth = expected.values[static_cast<std::size_t>(i)];
    worst = std::max(worst, std::abs(score - truth) / std::max(1.0, std::abs(truth)));
  }
  return worst;
}

}  // namespace

TEST_CASE("the reference reproduces the released 2ch network, from both its files") {
  const auto folder = test::golden_folder();
  if (!folder) return;
  const GoldenFile golden = read_golden(*folder / "test_data.bin");
  const auto& expected = test::golden_entry(golden, "networks/2ch/2ch_liberty.bin");
  CHECK(expected.rows == golden.batch);
  CHECK(expected.columns == 1);
  const Model bin = import_model(*folder / "2ch_liberty.bin");
  CHECK(bin.spec == network("2ch"));
  CHECK_FALSE(bin.descriptor_only);
  CHECK(worst_score(bin, golden, expected) <= 1e-4);
  const Model t7 = import_model(*folder / "2ch_liberty.t7");
  CHECK(t7.spec == bin.spec);
  CHECK(model_hash(t7) == model_hash(bin));
  CHECK(worst_score(t7, golden, expected) <= 1e-4);
}

TEST_CASE("the reference reproduces the released siam tower") {
  const auto folder = test::golden_folder();
  if (!folder) return;
  const GoldenFile golden = read_golden(*folder / "test_data.bin");
  const Model model = import_model(*folder / "siam_desc_yosemite.bin");
  CHECK(model.spec == network("siam"));
  CHECK(model.descriptor_only);
  const auto& expected = test::golden_entry(golden, "networks/siam/siam_desc_yosemite.bin");
  CHECK(expected.columns == 256);
  double worst = 0;
  for (std::int64_t i = 0; i < golden.batch; ++i) {
    const reference::Vector vector = reference::descriptor(model, false, patch(golden, i, 0));
    for (std::size_t k = 0; k < vector.size(); ++k) {
      worst = std::max(worst, std::abs(vector[k] - expected.values[static_cast<std::size_t>(i) * 256 + k]));
    }
  }
  CHECK(worst <= 1e-5);
}

TEST_CASE("the released files are refused when cut off or extended") {
  const auto folder = test::golden_folder();
  if (!folder) return;
  for (const char* name : {"2ch_liberty.bin", "2ch_liberty.t7", "test_data.bin"}) {
    CAPTURE(name);
    std::vector<std::byte> bytes = read_file(*folder / name);
    const auto parse = [&](std::span<const std::byte> part) {
      if (std::string(name) == "test_data.bin") {
        (void)read_golden(part, name);
      } else {
        (void)import_model(part, name);
      }
    };
    const std::span<const std::byte> all(bytes);
    for (std::size_t length = 0; length < 400; ++length) CHECK_THROWS_AS(parse(all.first(length)), FormatError);
    for (std::size_t step = 1; step < 40; ++step) {
      CHECK_THROWS_AS(parse(all.first(bytes.size() * step / 40)), FormatError);
    }
    CHECK_THROWS_AS(parse(all.first(bytes.size() - 1)), FormatError);
    bytes.push_back(std::byte{0});
    CHECK_THROWS_WITH(parse(bytes), Contains(name) && Contains("1 bytes follow"));
  }
}
