// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/slabs.hpp"

#include <algorithm>

#include "cuda_support.hpp"
#include "kernel_bench.hpp"
#include "plan/head_fold.hpp"
#include "support/random.hpp"

// Values that never lie in memory: their summaries against twins in plain C++, and the arithmetic of their places.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = cuda::kernels;

namespace {

/// Rows in fp32 and narrow, with their squared lengths.
struct Operands {
  Operands(Bench& bench, std::int64_t rows, std::int64_t row_length, NumberType type, Random& random)
      : count(rows), length(row_length) {
    std::vector<float> wide;
    for (std::int64_t n = 0; n < rows * length; ++n) wide.push_back(static_cast<float>(random.uniform(-1, 1)));
    narrow = bench.store(wide, type);
    values = bench.load(narrow, type);
    std::vector<float> squares(static_cast<std::size_t>(rows));
    for (std::int64_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (const float value : row(i)) sum += static_cast<double>(value) * value;
      squares[static_cast<std::size_t>(i)] = static_cast<float>(sum);
    }
    scalars = squares;
    on_device = bench.up(squares);
  }
  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return {values.data() + i * length, static_cast<std::size_t>(length)};
  }
  [[nodiscard]] kernels::NarrowRows rows() const { return {narrow.data(), on_device.data(), {.count = count}}; }
  std::int64_t count, length;
  std::vector<float> values, scalars;
  cuda::DeviceBuffer<std::byte> narrow;
  cuda::DeviceBuffer<float> on_device;
};

struct Case {
  std::int64_t rows, columns, length;
  std::vector<std::int64_t> begins;  ///< of segments, and the end of the last
};

/// The value that kernels bound scores with, from the narrow numbers, in double.
double value_of(const kernels::SlabTile& tile, const Operands& left, std::int64_t i, const Operands& right,
                std::int64_t j) {
  double sum = tile.share * (static_cast<double>(left.scalars[static_cast<std::size_t>(i)]) +
                             right.scalars[static_cast<std::size_t>(j)]) +
               tile.margin + tile.offset;
  for (std::int64_t k = 0; k < left.length; ++k) {
    const double a = left.row(i)[static_cast<std::size_t>(k)];
    const double b = right.row(j)[static_cast<std::size_t>(k)];
    sum += tile.positive < 0 ? a * b : (k < tile.positive ? 1 : -1) * std::max(a + b, 0.0);
  }
  return sum;
}

/// The planes of one row or column in one slab against all of its values: the best one, numbers that are those of their
/// values, and no other value above the bound, which is one of them.
void check_planes(std::span<const float> planes, const std::vector<double>& values, double error) {
  std::vector<bool> named(values.size(), false);
  for (const float plane : planes.first(planes.size() - 1)) {
    if (plane <= 0.5F * kernels::kAbsent) continue;
    const auto number = static_cast<std::size_t>(kernels::slab_number(plane));
    REQUIRE(number < values.size());
    CHECK_FALSE(named[number]);
    named[number] = true;
    CHECK(values[number] <= kernels::most(plane) + error);
    CHECK(values[number] >= kernels::least(plane) - error);
  }
  CHECK(kernels::most(planes[0]) + error >= *std::max_element(values.begin(), values.end()));
  const float bound = planes.back();
  bool reached = bound <= 0.5F * kernels::kAbsent;
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (!named[n]) CHECK(values[n] <= kernels::most(bound) + error);
    reached = reached || std::abs(values[n] - bound) <= error + std::abs(bound) * 0x1p-16;
  }
  CHECK(reached);
}

}  // namespace

TEST_CASE("summaries name the best of every slab and bound the others") {
  if (no_device()) return;
  const auto type = GENERATE(NumberType::fp16, NumberType::bf16);
  const bool head = GENERATE(false, true);
  const Case on = GENERATE(Case{1, 1, 1, {}}, Case{129, 127, 35, {}}, Case{127, 129, 64, {}}, Case{128, 256, 300, {}},
                           Case{3, 300, 20, {0, 1, 1, 130, 300}});
  if (head && on.length > 100) return;  // seconds on the stand-in
  INFO((head ? "head " : "products ") << on.rows << " × " << on.columns << ", " << on.length << " long");
  Bench bench;
  Random random(static_cast<std::uint64_t>(on.rows * on.length));
  const Operands left(bench, on.rows, on.length, type, random);
  const Operands right(bench, on.columns, on.length, type, random);
  const auto begins = bench.up(on.begins.empty() ? std::vector<std::int64_t>{0, on.columns} : on.begins);
  const std::int64_t segments = on.begins.empty() ? 1 : std::ssize(on.begins) - 1;
  constexpr std::int64_t kFirst = 0;
  const kernels::SlabTile tile{.left = left.rows(),
                               .right = right.rows(),
                               .length = on.length,
                               .positive = head ? on.length / 64 * 32 : -1,
                               .segments = {on.begins.empty() ? nullptr : begins.data(), segments, kFirst, on.columns},
                               .offset = 0.5F,
                               .share = -0.4F,
                               .margin = 0.25F,
                               .largest = 1e9F};
  const kernels::TileSegments host{on.begins.empty() ? nullptr : on.begins.data(), segments, kFirst, on.columns};
  auto rows = bench.room<float>(kernels::row_summary_size(on.rows, on.columns, segments));
  auto columns = bench.room<float>(kernels::column_summary_size(on.rows, on.columns));
  (head ? kernels::head_slabs : kernels::product_slabs)(bench.stream(), type, tile, {rows.data(), columns.data()});
  const auto row_planes = bench.down(rows);
  const auto column_planes = bench.down(columns);
  const double sums = static_cast<double>(on.length + 16) * 0x1p-22 * 2 * static_cast<double>(on.length);
  const double terms = (type == NumberType::fp16 ? 0x1p-11 : 0x1p-8) * 2 * static_cast<double>(on.length);
  const double error = head ? sums + terms : sums;
  for (std::int64_t s = 0; s < segments; ++s) {
    for (std::int64_t first = host.begin(s); first < host.begin(s + 1); first += kernels::kSlab) {
      const std::int64_t slab = host.slab_of(s) + (first - host.begin(s)) / kernels::kSlab;
      CHECK(host.segment_of(slab) == s);
      for (std::int64_t i = 0; i < on.rows; ++i) {
        std::vector<double> values;
        for (std::int64_t j = first; j < std::min(first + kernels::kSlab, host.begin(s + 1)); ++j) {
          values.push_back(value_of(tile, left, i, right, j));
        }
        const auto plane = [&](int p) { return row_planes[static_cast<std::size_t>((slab * 3 + p) * on.rows + i)]; };
        const float planes[] = {plane(0), plane(1), plane(2)};
        check_planes(planes, values, error);
      }
    }
  }
  for (std::int64_t first = 0; first < on.rows; first += kernels::kSlab) {
    for (std::int64_t j = 0; j < on.columns; ++j) {
      std::vector<double> values;
      for (std::int64_t i = first; i < std::min(first + kernels::kSlab, on.rows); ++i) {
        values.push_back(value_of(tile, left, i, right, j));
      }
      const auto plane = [&](int p) {
        return column_planes[static_cast<std::size_t>((first / kernels::kSlab * 2 + p) * on.columns + j)];
      };
      const float planes[] = {plane(0), plane(1)};
      check_planes(planes, values, error);
    }
  }
}

TEST_CASE("slabs of segments overlap nowhere, and cover every column") {
  Random random(41);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::int64_t> begins{0};
    for (auto segments = random.below(9) + 1; segments > 0; --segments) {
      begins.push_back(begins.back() + static_cast<std::int64_t>(random.below(3) * random.below(200)));
    }
    // A tile of some of its columns.
    const auto all = begins.back();
    const auto first = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(all) + 1));
    const auto columns = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(all - first) + 1));
    const kernels::TileSegments tile{begins.data(), std::ssize(begins) - 1, first, columns};
    std::int64_t next = 0;
    std::int64_t covered = 0;
    for (std::int64_t s = 0; s < tile.count; ++s) {
      for (std::int64_t c = tile.begin(s); c < tile.begin(s + 1); c += kernels::kSlab) {
        const std::int64_t slab = tile.slab_of(s) + (c - tile.begin(s)) / kernels::kSlab;
        CHECK(slab >= next);
        CHECK(tile.segment_of(slab) == s);
        next = slab + 1;
        covered += std::min(tile.begin(s + 1) - c, kernels::kSlab);
      }
    }
    CHECK(next <= kernels::column_slabs(columns, tile.count));
    CHECK(covered == columns);
  }
}

TEST_CASE("places of summaries are counted in 64 bits") {
  constexpr std::int64_t kRows = std::int64_t{1} << 31;
  constexpr std::int64_t kColumns = (std::int64_t{1} << 31) - 1;
  CHECK(kernels::row_slabs(kRows) == std::int64_t{1} << 24);
  CHECK(kernels::row_summary_size(kRows, kColumns, 3) == ((kColumns / 128) + 3) * 3 * kRows);
  CHECK(kernels::column_summary_size(kRows, kColumns) == (std::int64_t{1} << 25) * kColumns);
  const std::vector<std::int64_t> begins = {0, kColumns - 5, kColumns};
  const kernels::TileSegments tile{begins.data(), 2, 0, kColumns};
  CHECK(tile.slab_of(1) == (kColumns - 5) / 128 + 1);
  CHECK(tile.segment_of(tile.slab_of(1)) == 1);
  CHECK(tile.segment_of(tile.slab_of(1) - 1) == 0);
}

TEST_CASE("a value with a number is no further from what it was than its limits say") {
  Random random(43);
  for (int round = 0; round < 10000; ++round) {
    const auto scale = static_cast<float>(std::ldexp(1.0, static_cast<int>(random.below(200)) - 140));
    const float value = scale * static_cast<float>(random.uniform(-1, 1));
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    const auto number = static_cast<std::uint32_t>(random.below(128));
    bits = (bits & ~127U) | number;
    float numbered = 0;
    std::memcpy(&numbered, &bits, 4);
    CHECK(kernels::slab_number(numbered) == static_cast<int>(number));
    CHECK(kernels::most(numbered) >= value);
    CHECK(kernels::least(numbered) <= value);
  }
}

TEST_CASE("rows of a head are folded by the sign of their weights, and their norms are not too small") {
  if (no_device()) return;
  const std::vector<float> weights = {0.5F, -2, 0, -1, 3};
  const cuda::HeadFold fold = cuda::fold_head(weights);
  REQUIRE(fold.source.size() == 64);
  CHECK(fold.positive == 32);
  CHECK(std::vector<std::int32_t>(fold.source.begin(), fold.source.begin() + 4) ==
        std::vector<std::int32_t>{0, 2, 4, -1});
  CHECK(std::vector<std::int32_t>(fold.source.begin() + 32, fold.source.begin() + 35) ==
        std::vector<std::int32_t>{1, 3, -1});
  CHECK(cuda::fold_head(std::vector<float>(33, -1.0F)).positive == 0);
  CHECK(cuda::fold_head(std::vector<float>(33, 1.0F)).source.size() == 64);
  const cuda::HeadFold difference = cuda::fold_difference(33, Side::right);
  REQUIRE(difference.source.size() == 64);
  CHECK(difference.positive == 0);
  CHECK(difference.source[32] == 32);
  CHECK(difference.source[33] == -1);
  CHECK(difference.weight[32] == -2);
  CHECK(difference.weight[33] == 0);

  Bench bench;
  Random random(47);
  std::vector<float> rows;
  for (int n = 0; n < 7 * 5; ++n) rows.push_back(static_cast<float>(random.uniform(-1, 1)));
  const auto source = bench.up(fold.source);
  const auto weight = bench.up(fold.weight);
  const auto in = bench.up(rows);
  auto out = bench.room<std::byte>(7 * 64 * 2);
  auto norms = bench.room<float>(7);
  kernels::fold_rows(bench.stream(), in.data(), 7, {source.data(), weight.data(), 64, 5},
                     {NumberType::fp16, out.data(), norms.data()});
  const auto folded = bench.load(out, NumberType::fp16);
  const auto lengths = bench.down(norms);
  for (std::size_t i = 0; i < 7; ++i) {
    double sum = 0;
    for (std::size_t n = 0; n < 64; ++n) {
      const std::int32_t from = fold.source[n];
      const double expected =
          from < 0 ? 0 : static_cast<double>(fold.weight[n]) * rows[i * 5 + static_cast<std::size_t>(from)];
      CHECK(std::abs(folded[i * 64 + n] - expected) <= 0x1p-11 * std::abs(expected));
      sum += std::abs(expected);
    }
    CHECK(lengths[i] >= sum * (1 - 1e-7));
    CHECK(lengths[i] <= sum * (1 + 1e-5));
  }
}
