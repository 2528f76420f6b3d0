// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda_support.hpp"
#include "kernels/kernels.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/number_type.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch::test {

using cuda::NumberType;

/// A context, and buffers that go there and back.
struct Bench {
  cuda::Context context{0};
  cuda::DeviceGuard guard = context.activate();

  [[nodiscard]] cudaStream_t stream() const { return context.compute(); }
  template <class T>
  [[nodiscard]] cuda::DeviceBuffer<T> up(const std::vector<T>& values) {
    return cuda::upload<T>(context.pool(), values, stream());
  }
  template <class T>
  [[nodiscard]] cuda::DeviceBuffer<T> room(std::int64_t size) {
    return {context.pool(), size, stream()};
  }
  template <class T>
  [[nodiscard]] std::vector<T> down(const cuda::DeviceBuffer<T>& from) {
    std::vector<T> result(static_cast<std::size_t>(from.size()));
    cuda::copy_to_host<T>(from.view(), result, stream());
    context.synchronize();
    return result;
  }
  /// Floats as the device stores them in `type`, and back.
  [[nodiscard]] cuda::DeviceBuffer<std::byte> store(const std::vector<float>& values, NumberType type) {
    const cuda::DeviceBuffer<float> floats = up(values);
    cuda::DeviceBuffer<std::byte> result = room<std::byte>(std::ssize(values) * cuda::size_of(type));
    cuda::kernels::convert(stream(), floats.data(), std::ssize(values), type, result.data());
    return result;
  }
  [[nodiscard]] std::vector<float> load(const cuda::DeviceBuffer<std::byte>& from, NumberType type) {
    const std::vector<std::byte> bytes = down(from);
    std::vector<float> result(bytes.size() / static_cast<std::size_t>(cuda::size_of(type)));
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (type == NumberType::fp32) {
        std::memcpy(&result[i], bytes.data() + 4 * i, 4);
        continue;
      }
      std::uint16_t bits = 0;
      std::memcpy(&bits, bytes.data() + 2 * i, 2);
      result[i] = type == NumberType::fp16 ? from_half(bits) : from_bfloat16(bits);
    }
    return result;
  }
};

}  // namespace twinpatch::test
