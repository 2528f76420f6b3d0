// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "device_support.hpp"
#include "library/matrix_product.hpp"
#include "simt/simt.hpp"
#include "support/message.hpp"

// What the stand-in for the vendor's libraries refuses, where they would answer with wrong numbers or a crash.

namespace twinpatch::test {
namespace {

/// A product of small matrices with memory for everything.
struct SmallProduct {
  explicit SmallProduct(OpenDevice& on)
      : device(on),
        product(device.libraries,
                {.rows = 8, .inner = 8, .columns = 8, .right_transposed = true, .precision = Precision::fp16}),
        memory(device.make(4096)),
        workspace(device.make(product.workspace_bytes())) {}

  /// What is said of operands so many bytes past an aligned address.
  std::string refused(cudaStream_t stream, std::int64_t left, std::int64_t out, void* scratch) {
    return message_of<DeviceError>([&] {
      product.run(stream, {memory.data() + left, memory.data() + 1024, nullptr, memory.data() + 2048 + out, scratch});
    });
  }

  OpenDevice& device;
  cuda::MatrixProduct product;
  cuda::DeviceBuffer<std::byte> memory, workspace;
};

}  // namespace

TEST_CASE("operands that are not aligned as promised are refused, and so is no stream or workspace") {
  OpenDevice device;
  SmallProduct small(device);
  const cudaStream_t stream = device.context.compute();
  CHECK(small.refused(stream, 2, 0, small.workspace.data()).find("left matrix") != std::string::npos);
  CHECK(small.refused(stream, 0, 4, small.workspace.data()).find("result") != std::string::npos);
  CHECK(small.refused(nullptr, 0, 0, small.workspace.data()).find("null stream") != std::string::npos);
  CHECK(small.refused(stream, 0, 0, nullptr).find("workspace") != std::string::npos);
}

TEST_CASE("handles belong to the device that was current when they were made") {
  const simt::Machine machine({.devices = 2});
  const cuda::Context second(1);
  const std::string message = message_of<DeviceError>([] { cuda::Libraries libraries(1); });
  CHECK(message.find("device 1") != std::string::npos);
  const cuda::DeviceGuard guard(1);
  cuda::Libraries libraries(1);
  const cuda::MatrixProduct product(libraries, {.rows = 4, .inner = 4, .columns = 4});
  const cuda::DeviceGuard back(0);
  CHECK(message_of<DeviceError>([&] { product.run(second.compute(), {}); }).find("handles of device 1 on device 0") !=
        std::string::npos);
}

}  // namespace twinpatch::test
