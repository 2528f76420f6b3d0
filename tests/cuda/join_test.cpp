// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/join.hpp"

#include <cmath>
#include <limits>

#include "kernel_bench.hpp"
#include "support/small_networks.hpp"

// Sums of halves of first convolutions, for runs of pairs of a grid.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = cuda::kernels;
using kernels::ActivationKind;

namespace {

float rounded(float value, NumberType type) {
  if (type == NumberType::fp16) return from_half(to_half(value));
  return type == NumberType::bf16 ? from_bfloat16(to_bfloat16(value)) : value;
}

struct Halves {
  std::vector<float> left, right;
};

/// The twin: sums in fp32, ReLU or tanh of each, their maximum, one rounding at the end. What is not a number stays.
std::vector<float> twin(const Halves& halves, const kernels::HalvesJoin& join) {
  std::vector<float> out;
  const kernels::MapShape shape = join.shape;
  const int step = join.pool ? 2 : 1;
  for (std::int64_t n = join.pairs.begin; n < join.pairs.begin + join.pairs.count; ++n) {
    const float* const p =
        &halves.left[static_cast<std::size_t>((join.pairs.first_left + n / join.pairs.columns) * shape.size())];
    const float* const q =
        &halves.right[static_cast<std::size_t>((join.pairs.first_right + n % join.pairs.columns) * shape.size())];
    for (int y = 0; y + step <= shape.height; y += step) {
      for (int x = 0; x + step <= shape.width; x += step) {
        for (int c = 0; c < shape.channels; ++c) {
          float most = -std::numeric_limits<float>::infinity();
          for (int cell = 0; cell < step * step; ++cell) {
            const int at = ((y + cell / 2) * shape.width + x + cell % 2) * shape.channels + c;
            float value = p[at] + q[at];
            if (join.activation == ActivationKind::relu && value <= 0) value = 0;
            if (join.activation == ActivationKind::tanh) value = std::tanh(value);
            if (std::isnan(value) || value > most) most = value;
            if (std::isnan(most)) break;
          }
          out.push_back(rounded(most, join.type));
        }
      }
    }
  }
  return out;
}

/// Equal numbers, or neither is one; tanh is rounded by each machine in its own way.
void expect_joined(const std::vector<float>& got, const std::vector<float>& expected, const kernels::HalvesJoin& join) {
  REQUIRE(got.size() == expected.size());
  const float share = join.activation != ActivationKind::tanh ? 0
                      : join.type == NumberType::fp32         ? 0x1p-22F
                      : join.type == NumberType::fp16         ? 0x1p-9F
                                                              : 0x1p-6F;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same =
        std::isnan(expected[i]) ? std::isnan(got[i]) : got[i] == expected[i] || std::abs(got[i] - expected[i]) <= share;
    if (!same) FAIL_CHECK("value " << i << ": " << got[i] << " instead of " << expected[i]);
  }
}

}  // namespace

TEST_CASE("sums of halves are those of every pair of a run, to the bit") {
  if (no_device()) return;
  const auto type = GENERATE(NumberType::fp32, NumberType::fp16, NumberType::bf16);
  // One place beyond 32 of a row or a column beyond what a block takes; channels of whole 16 bytes and others.
  const auto shape = GENERATE(kernels::MapShape{5, 7, 88}, kernels::MapShape{2, 2, 8}, kernels::MapShape{3, 4, 7},
                              kernels::MapShape{1, 9, 16});
  Bench bench;
  constexpr std::int64_t kRows = 35;
  constexpr std::int64_t kColumns = 19;
  Halves halves{normal_floats(kRows * shape.size(), 1), normal_floats(kColumns * shape.size(), 2)};
  for (auto* side : {&halves.left, &halves.right}) {
    for (float& value : *side) value = rounded(value, type);
  }
  halves.left[static_cast<std::size_t>(shape.size()) + 3] = std::numeric_limits<float>::quiet_NaN();
  halves.right[2] = std::numeric_limits<float>::infinity();
  halves.left[2] = -halves.right[2];
  const auto left = bench.store(halves.left, type);
  const auto right = bench.store(halves.right, type);
  kernels::HalvesJoin join{.type = type, .left = left.data(), .right = right.data(), .shape = shape};
  using Run = kernels::PairRange;
  const Run runs[] = {{.count = 1},
                      {.count = 7 * 8, .columns = 8},
                      {.begin = 5, .count = 20, .columns = 9, .first_left = 2, .first_right = 3},
                      {.begin = 7 * 4 - 1, .count = 2, .columns = 7, .first_left = 1},
                      {.begin = 3, .count = 32 * 2, .columns = 2, .first_right = 17},
                      {.begin = 8, .count = 5, .columns = 17},
                      {.count = 33, .columns = 1, .first_left = 2}};
  for (const Run& run : runs) {
    for (const bool pool : {false, true}) {
      for (const auto activation : {ActivationKind::none, ActivationKind::relu, ActivationKind::tanh}) {
        if (activation == ActivationKind::tanh && run.count > 20) continue;
        join.pairs = run;
        join.pool = pool;
        join.activation = activation;
        INFO(run.count << " pairs from " << run.begin << ", " << run.columns << " columns, pooled: " << pool);
        const auto expected = twin(halves, join);
        auto out = bench.room<std::byte>(std::ssize(expected) * cuda::size_of(type));
        kernels::join_halves(bench.stream(), join, out.data());
        expect_joined(bench.load(out, type), expected, join);
      }
    }
  }
}

TEST_CASE("sums beyond the range of 16 bits are infinite, and small ones are not flushed") {
  if (no_device()) return;
  const auto type = GENERATE(NumberType::fp16, NumberType::bf16);
  Bench bench;
  const float most = type == NumberType::fp16 ? 65504.0F : 3.38953139e38F;
  const float least = type == NumberType::fp16 ? 0x1p-24F : 0x1p-133F;
  const Halves halves{{most, least, -least, 1, 0x1.004p0F, -most, 3 * least, 0},
                      {most, least, 2 * least, 0x1p-11F, 0x1p-11F, -most, -least, -0.0F}};
  const auto left = bench.store(halves.left, type);
  const auto right = bench.store(halves.right, type);
  auto out = bench.room<std::byte>(8 * 2);
  kernels::HalvesJoin join{.type = type,
                           .left = left.data(),
                           .right = right.data(),
                           .pairs = {.count = 1},
                           .shape = {1, 1, 8},
                           .activation = ActivationKind::relu};
  kernels::join_halves(bench.stream(), join, out.data());
  const Halves stored{bench.load(left, type), bench.load(right, type)};
  expect_joined(bench.load(out, type), twin(stored, join), join);
  CHECK(std::isinf(bench.load(out, type)[0]));
  CHECK(bench.load(out, type)[1] == 2 * least);
}

TEST_CASE("no pairs and maps too small to pool make no launch") {
  if (no_device()) return;
  Bench bench;
  kernels::join_halves(bench.stream(), {.shape = {4, 4, 8}}, nullptr);
  kernels::join_halves(bench.stream(), {.pairs = {.count = 3}, .shape = {1, 4, 8}, .pool = true}, nullptr);
}
