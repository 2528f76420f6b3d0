// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "library/libraries.hpp"
#include "library/pack.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/graph.hpp"
#include "support/random.hpp"
#include "twinpatch/core/half.hpp"

// These tests are compiled twice: against the stand-in of tests/simt, which always has a device, and against the
// vendor's libraries, where they need a GPU.

namespace twinpatch::test {

/// False where there is no device: the test then ends, and counts as skipped. With TWINPATCH_REQUIRE_GPU set, it fails.
inline bool have_device() {
  const auto found = cuda::count_devices();
  if (found.devices > 0) return true;
  if (const char* required = std::getenv("TWINPATCH_REQUIRE_GPU"); required != nullptr && *required != '\0') {
    FAIL("a GPU is required: " << found.reason);
  }
  std::cout << "skipped: " << found.reason << '\n';
  return false;
}

/// A device with its libraries open, made current.
struct OpenDevice {
  explicit OpenDevice(const cuda::LibraryOptions& options = {})
      : context(0), guard(context.activate()), libraries(0, options) {}
  [[nodiscard]] cuda::DeviceBuffer<std::byte> upload(std::span<const std::byte> bytes) {
    return cuda::upload<std::byte>(context.pool(), bytes, context.compute());
  }
  [[nodiscard]] cuda::DeviceBuffer<std::byte> make(std::int64_t bytes) {
    return cuda::DeviceBuffer<std::byte>(context.pool(), bytes, context.compute());
  }
  [[nodiscard]] std::vector<std::byte> download(const cuda::DeviceBuffer<std::byte>& buffer) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(buffer.size()));
    cuda::copy_to_host<std::byte>(buffer.view(), std::span<std::byte>(bytes), context.compute());
    context.synchronize();
    return bytes;
  }

  cuda::Context context;
  cuda::DeviceGuard guard;
  cuda::Libraries libraries;
};

/// Numbers that the type holds exactly, so that a reference multiplies the same ones.
inline std::vector<float> numbers(std::int64_t count, std::uint64_t seed, double deviation, cuda::NumberType type) {
  std::vector<float> values = normal_floats(count, seed, deviation);
  for (float& value : values) {
    if (type == cuda::NumberType::fp16) value = from_half(to_half(value));
    if (type == cuda::NumberType::bf16) value = from_bfloat16(to_bfloat16(value));
  }
  return values;
}

inline std::vector<float> unpack(std::span<const std::byte> bytes, cuda::NumberType type) {
  std::vector<float> values(bytes.size() / static_cast<std::size_t>(cuda::size_of(type)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (type == cuda::NumberType::fp32) {
      std::memcpy(&values[i], bytes.data() + 4 * i, 4);
      continue;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    values[i] = type == cuda::NumberType::fp16 ? from_half(bits) : from_bfloat16(bits);
  }
  return values;
}

}  // namespace twinpatch::test
