// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/context.hpp"

#include <fmt/format.h>

#include "runtime/check.hpp"
#include "runtime/nvtx.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cuda {
namespace {

std::int64_t bound_on(int device, std::int64_t memory) {
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  TWINPATCH_CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  const auto available = static_cast<std::int64_t>(free_bytes);
  if (memory == 0) return std::max(available / 10 * 9, MemoryPool::kGranule);
  if (memory > available) {
    throw OutOfMemory(fmt::format("CUDA device {}: asked to use {}, {} of {} are free", device, format_bytes(memory),
                                  format_bytes(available), format_bytes(static_cast<std::int64_t>(total_bytes))));
  }
  return memory;
}

}  // namespace

Context::Context(int device, std::int64_t memory) : properties_(device_properties(device)) {
  require_kernel_image(device);
  const DeviceGuard guard(device);
  pool_ = std::make_unique<MemoryPool>(device, bound_on(device, memory));
  compute_ = make_stream();
  copy_in_ = make_urgent_stream();
  copy_out_ = make_urgent_stream();
  name_stream(compute_.get(), "twinpatch compute");
  name_stream(copy_in_.get(), "twinpatch copy in");
  name_stream(copy_out_.get(), "twinpatch copy out");
}

Context::~Context() {
  for (cudaStream_t stream : {copy_in(), compute(), copy_out()}) (void)cudaStreamSynchronize(stream);
}

void Context::synchronize() const {
  for (cudaStream_t stream : {copy_in(), compute(), copy_out()}) TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream));
}

}  // namespace twinpatch::cuda
