// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernel_bench.hpp"
#include "support/small_networks.hpp"

// The kernels of rows and of pairs of them against the reference.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = twinpatch::cuda::kernels;
namespace tolerance = test::tolerance;

TEST_CASE("tiles of a grid and listed pairs are the reference's, whatever the length of rows") {
  if (no_device()) return;
  Bench bench;
  const std::int64_t length = GENERATE(1, 13, 40);
  const auto [rows, columns] =
      GENERATE(std::pair<std::int64_t, std::int64_t>{1, 3}, std::pair<std::int64_t, std::int64_t>{130, 137});
  const auto p = normal_floats(rows * length, 7);
  const auto q = normal_floats(columns * length, 8);
  const auto w = normal_floats(length, 9);
  const float bias = 0.3F;
  const auto left = bench.up(p);
  const auto right = bench.up(q);
  const auto weights = bench.up(w);
  auto scalars = bench.room<float>(columns);
  auto bad = bench.up(std::vector<unsigned long long>{77});
  kernels::row_scalars(bench.stream(), right.data(), columns, length,
                       {weights.data(), bias, scalars.data(), 0, bad.data()});
  CHECK(bench.down(bad)[0] == 77);
  const kernels::RowMatrix a{left.data(), nullptr, rows};
  const kernels::RowMatrix b{right.data(), scalars.data(), columns};
  const std::int64_t stride = columns + 1;
  std::vector<std::int32_t> list;
  for (const IndexPair& pair : all_pairs(rows, columns)) {
    list.push_back(pair.left);
    list.push_back(pair.right);
  }
  auto listed = bench.room<std::int32_t>(std::ssize(list));
  kernels::enumerate_pairs(bench.stream(), {.count = rows * columns, .columns = columns}, listed.data());
  CHECK(bench.down(listed) == list);
  for (const auto operation : {kernels::PairOperation::head, kernels::PairOperation::l2, kernels::PairOperation::l1,
                               kernels::PairOperation::dot}) {
    INFO("operation " << static_cast<int>(operation));
    std::vector<double> expected;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        double sum = operation == kernels::PairOperation::head ? bias : 0;
        for (std::int64_t k = 0; k < length; ++k) {
          const double x = p[static_cast<std::size_t>(i * length + k)];
          const double y = q[static_cast<std::size_t>(j * length + k)];
          switch (operation) {
            case kernels::PairOperation::head:
              sum += w[static_cast<std::size_t>(k)] * std::max(x + y, 0.0);
              break;
            case kernels::PairOperation::l2:
              sum += (x - y) * (x - y);
              break;
            case kernels::PairOperation::l1:
              sum += std::abs(x - y);
              break;
            case kernels::PairOperation::dot:
              sum += x * y;
              break;
          }
        }
        if (operation == kernels::PairOperation::l2) sum = -std::sqrt(sum);
        expected.push_back(operation == kernels::PairOperation::l1 ? -sum : sum);
      }
    }
    const kernels::Comparison comparison{operation, a, b, length, weights.data(), bias};
    auto out = bench.room<float>(rows * stride);
    kernels::grid_tile(bench.stream(), comparison, out.data(), stride);
    const auto wide = bench.down(out);
    std::vector<float> got;
    for (std::int64_t i = 0; i < rows; ++i) {
      got.insert(got.end(), wide.begin() + i * stride, wide.begin() + i * stride + columns);
    }
    expect_close(got, expected, {1e-5, 1e-5, 1e-10});
    auto scores = bench.room<float>(rows * columns);
    kernels::score_pairs(bench.stream(), comparison, {listed.data(), rows * columns}, scores.data());
    expect_close(bench.down(scores), expected, {1e-5, 1e-5, 1e-10});
  }
}

TEST_CASE("rows are normalised, also the longest and the shortest, and those not finite are found") {
  if (no_device()) return;
  Bench bench;
  const std::int64_t length = GENERATE(1, 31, 32, 65);
  auto values = normal_floats(6 * length, 10);
  for (std::int64_t k = 0; k < length; ++k) {
    values[static_cast<std::size_t>(k)] *= 1e18F;
    values[static_cast<std::size_t>(length + k)] = 0;
    values[static_cast<std::size_t>(2 * length + k)] *= 1e-20F;
  }
  std::vector<double> expected;
  for (std::int64_t i = 0; i < 6; ++i) {
    double norm = 0;
    for (std::int64_t k = 0; k < length; ++k)
      norm += std::pow(double{values[static_cast<std::size_t>(i * length + k)]}, 2);
    for (std::int64_t k = 0; k < length; ++k) {
      expected.push_back(values[static_cast<std::size_t>(i * length + k)] / std::max(std::sqrt(norm), 1e-12));
    }
  }
  auto rows = bench.up(values);
  kernels::normalise_rows(bench.stream(), rows.data(), 6, length);
  expect_close(bench.down(rows), expected, {1e-6, 1e-6, 1e-12});

  for (const std::int64_t at : {4 * length + length - 1, 3 * length}) {
    auto broken = values;
    broken[static_cast<std::size_t>(at)] = at == 3 * length ? std::nanf("") : -std::numeric_limits<float>::infinity();
    broken[static_cast<std::size_t>(5 * length)] = std::numeric_limits<float>::infinity();
    const auto there = bench.up(broken);
    auto bad = bench.up(std::vector<unsigned long long>{1000});
    kernels::row_scalars(bench.stream(), there.data(), 6, length, {.first = 100, .first_bad = bad.data()});
    CHECK(bench.down(bad)[0] == static_cast<unsigned long long>(100 + at / length));
  }
}
