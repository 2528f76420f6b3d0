// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/matrix_product.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "device_support.hpp"
#include "support/message.hpp"
#include "support/tolerances.hpp"

namespace twinpatch::test {
namespace {

using cuda::MatrixProduct;
using cuda::MatrixProductRequest;
using cuda::NumberType;

struct Operands {
  std::vector<float> left, right, bias, out;
};

std::int64_t elements(std::int64_t batch, std::int64_t batch_stride, std::int64_t rows, std::int64_t stride) {
  return (batch - 1) * batch_stride + rows * stride;
}

Operands make_operands(const MatrixProductRequest& request, std::uint64_t seed) {
  const NumberType type = cuda::storage_of(request.precision);
  const std::int64_t right_rows = request.right_transposed ? request.columns : request.inner;
  return {
      numbers(elements(request.batch, request.left_batch_stride, request.rows, request.left_stride), seed, 1.0, type),
      numbers(elements(request.batch, request.right_batch_stride, right_rows, request.right_stride), seed + 1,
              1.0 / std::sqrt(static_cast<double>(request.inner)), type),
      numbers(request.columns, seed + 2, 0.5, request.out),
      numbers(elements(request.batch, request.out_batch_stride, request.rows, request.out_stride), seed + 3, 1.0,
              request.out)};
}

/// What out must hold afterwards: also that gaps between its rows stay as they were.
std::vector<double> expected(const MatrixProductRequest& request, const Operands& operands, double alpha, double beta) {
  std::vector<double> out(operands.out.begin(), operands.out.end());
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  for (std::int64_t matrix = 0; matrix < request.batch; ++matrix) {
    for (std::int64_t i = 0; i < request.rows; ++i) {
      for (std::int64_t j = 0; j < request.columns; ++j) {
        double sum = 0;
        for (std::int64_t k = 0; k < request.inner; ++k) {
          const std::int64_t right =
              request.right_transposed ? j * request.right_stride + k : k * request.right_stride + j;
          sum +=
              static_cast<double>(operands.left[at(matrix * request.left_batch_stride + i * request.left_stride + k)]) *
              static_cast<double>(operands.right[at(matrix * request.right_batch_stride + right)]);
        }
        double& value = out[at(matrix * request.out_batch_stride + i * request.out_stride + j)];
        value = alpha * sum + (beta == 0 ? 0.0 : beta * value);
        if (request.bias) value += static_cast<double>(operands.bias[at(j)]);
        if (request.relu) value = std::max(value, 0.0);
      }
    }
  }
  return out;
}

Tolerance tolerance_of(const MatrixProductRequest& request) {
  if (request.precision == Precision::tf32) return tolerance::kLayerTf32;
  if (request.out == NumberType::fp32) return tolerance::kLayerFp32;
  return request.precision == Precision::fp16 ? tolerance::kLayerFp16 : tolerance::kLayerBf16;
}

void check_product(OpenDevice& device, const MatrixProductRequest& asked, std::uint64_t seed, float alpha = 1.0F,
                   float beta = 0.0F) {
  const MatrixProductRequest request = cuda::completed(asked);
  INFO(cuda::to_text(request) << ", bias " << request.bias << ", relu " << request.relu << ", beta " << beta);
  const NumberType type = cuda::storage_of(request.precision);
  const Operands operands = make_operands(request, seed);
  const auto left = device.upload(cuda::pack(operands.left, type));
  const auto right = device.upload(cuda::pack(operands.right, type));
  const auto bias = device.upload(cuda::pack(operands.bias, request.out));
  auto out = device.upload(cuda::pack(operands.out, request.out));
  const MatrixProduct product(device.libraries, asked);
  auto workspace = device.make(product.workspace_bytes());
  product.run(device.context.compute(), {left.data(), right.data(), request.bias ? bias.data() : nullptr, out.data(),
                                         workspace.data(), alpha, beta});
  expect_close(unpack(device.download(out), request.out),
               expected(request, operands, static_cast<double>(alpha), static_cast<double>(beta)),
               tolerance_of(request));
}

}  // namespace

TEST_CASE("a matrix product equals the reference for every shape and precision") {
  if (!have_device()) return;
  OpenDevice device;
  std::uint64_t seed = 500;
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    for (const NumberType out : {NumberType::fp32, cuda::storage_of(precision)}) {
      for (const bool transposed : {false, true}) {
        // Rows and columns at and around tiles; half numbers need 16-byte rows for the library's fast kernels.
        for (const auto& [rows, inner, columns] :
             {std::array<std::int64_t, 3>{1, 8, 8}, {33, 64, 40}, {128, 32, 264}, {17, 1728, 16}, {300, 24, 8}}) {
          check_product(device,
                        {.rows = rows,
                         .inner = inner,
                         .columns = columns,
                         .right_transposed = transposed,
                         .precision = precision,
                         .out = out},
                        seed += 10);
        }
        check_product(device,
                      {.rows = 65,
                       .inner = 48,
                       .columns = 32,
                       .right_transposed = transposed,
                       .bias = true,
                       .relu = true,
                       .precision = precision,
                       .out = out},
                      seed += 10);
      }
    }
  }
}

TEST_CASE("a matrix product takes odd sizes where numbers are whole words") {
  if (!have_device()) return;
  OpenDevice device;
  std::uint64_t seed = 900;
  for (const auto& [rows, inner, columns] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {3, 7, 5}, {31, 33, 65}, {255, 13, 129}}) {
    for (const bool transposed : {false, true}) {
      check_product(device, {.rows = rows, .inner = inner, .columns = columns, .right_transposed = transposed},
                    seed += 10);
    }
  }
}

TEST_CASE("strides, batches, alpha and beta of a matrix product") {
  if (!have_device()) return;
  OpenDevice device;
  const MatrixProductRequest strided{.rows = 19,
                                     .inner = 32,
                                     .columns = 24,
                                     .right_transposed = true,
                                     .left_stride = 40,
                                     .right_stride = 36,
                                     .out_stride = 32};
  check_product(device, strided, 1);
  check_product(device, strided, 2, -2.0F, 1.0F);
  check_product(device, strided, 3, 0.5F, -1.5F);
  MatrixProductRequest batched{
      .rows = 12, .inner = 16, .columns = 8, .batch = 5, .left_batch_stride = 12 * 16, .right_batch_stride = 16 * 8};
  check_product(device, batched, 4);
  batched.right_batch_stride = 0;  // the same right matrix for all
  batched.bias = true;
  check_product(device, batched, 5, 1.0F, 1.0F);
}

TEST_CASE("without beta, what lay in the result is not read") {
  if (!have_device()) return;
  OpenDevice device;
  const MatrixProductRequest request{.rows = 9, .inner = 16, .columns = 12};
  const Operands operands = make_operands(cuda::completed(request), 77);
  const auto left = device.upload(cuda::pack(operands.left, NumberType::fp32));
  const auto right = device.upload(cuda::pack(operands.right, NumberType::fp32));
  auto out = device.upload(std::vector<std::byte>(9 * 12 * 4, std::byte{0xff}));  // NaN
  const MatrixProduct product(device.libraries, request);
  auto workspace = device.make(product.workspace_bytes());
  product.run(device.context.compute(), {left.data(), right.data(), nullptr, out.data(), workspace.data()});
  expect_close(unpack(device.download(out), NumberType::fp32), expected(cuda::completed(request), operands, 1, 0),
               tolerance::kLayerFp32);
}

TEST_CASE("a matrix product that makes no sense is refused") {
  const auto refuse = [](MatrixProductRequest request) {
    return message_of<InvalidArgument>([&] { request.validate(); });
  };
  CHECK(refuse({.rows = 0, .inner = 1, .columns = 1}).find("0 rows") != std::string::npos);
  CHECK(refuse({.rows = 1, .inner = -4, .columns = 1}).find("-4 inner") != std::string::npos);
  (void)refuse({.rows = 1, .inner = 1, .columns = std::int64_t{1} << 31});
  (void)refuse({.rows = 2, .inner = 8, .columns = 8, .left_stride = 7});
  (void)refuse({.rows = 2, .inner = 8, .columns = 8, .right_transposed = true, .right_stride = 7});
  (void)refuse({.rows = 2, .inner = 8, .columns = 8, .out_stride = 7});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .batch = 2, .out_batch_stride = 31});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .precision = Precision::int8});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .precision = Precision::fp16, .out = NumberType::bf16});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .out = NumberType::fp16});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .left_alignment = 12});
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .out_alignment = 2});
  CHECK(refuse({.rows = 4, .inner = 8, .columns = 9, .right_transposed = true, .out_alignment = 16})
            .find("the result are 36 bytes apart") != std::string::npos);
  (void)refuse({.rows = 4, .inner = 8, .columns = 8, .workspace_limit = -1});
}

}  // namespace twinpatch::test
