// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/epilogue.hpp"

#include "cuda_support.hpp"
#include "device.hpp"
#include "library/pack.hpp"
#include "transfer.hpp"

// Bias and ReLU of matrix products that the library does not fuse them into.

using namespace twinpatch;
using namespace twinpatch::test;
using cuda::NumberType;

namespace {
struct Size {
  std::int64_t rows, columns;
};
}  // namespace

TEST_CASE("bias and ReLU after a matrix product, between columns that stay as they are") {
  if (no_device()) return;
  const auto type = GENERATE(NumberType::fp32, NumberType::fp16, NumberType::bf16);
  const bool relu = GENERATE(false, true);
  const bool with_bias = GENERATE(false, true);
  const auto [rows, columns] = GENERATE(Size{1, 1}, Size{5, 33}, Size{0, 4});
  const std::int64_t stride = columns + 3;
  // Small whole numbers, which every type holds.
  std::vector<float> values(static_cast<std::size_t>(rows * stride));
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(n % 17) - 8;
  std::vector<float> bias(static_cast<std::size_t>(columns));
  for (std::size_t j = 0; j < bias.size(); ++j) bias[j] = static_cast<float>(j % 5) - 2;
  std::vector<float> expected = values;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      float& value = expected[static_cast<std::size_t>(i * stride + j)];
      if (with_bias) value += bias[static_cast<std::size_t>(j)];
      if (relu) value = std::max(value, 0.0F);
    }
  }
  cuda::Device device(0, cuda_options(), 1);
  const cuda::Turn turn(device);
  auto there = cuda::upload<std::byte>(device.pool(), cuda::pack(values, type), device.stream());
  const auto bias_there = cuda::upload<std::byte>(device.pool(), cuda::pack(bias, type), device.stream());
  cuda::kernels::apply_epilogue(device.stream(), type, {with_bias ? bias_there.data() : nullptr, relu},
                                {there.data(), rows, columns, stride});
  std::vector<std::byte> got(static_cast<std::size_t>(there.size()));
  cuda::read_back(device, there.data(), there.size(), got.data());
  CHECK(got == cuda::pack(expected, type));
}
