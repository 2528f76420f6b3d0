// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/tuning_input.hpp"

#include <random>
#include <vector>

#include "library/pack.hpp"
#include "runtime/check.hpp"

namespace twinpatch::cuda {

void fill_for_tuning(Device& device, HeldBuffer<std::byte>& input) {
  std::vector<float> values(static_cast<std::size_t>(input.size() / size_of(device.type)));
  std::mt19937 random(1);
  for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-22F - 2.0F;  // [−2, 2)
  const std::vector<std::byte> bytes = pack(values, device.type);
  TWINPATCH_CUDA_CHECK(
      cudaMemcpyAsync(input.data(), bytes.data(), bytes.size(), cudaMemcpyHostToDevice, device.stream()));
  device.finish();
}

}  // namespace twinpatch::cuda
