// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/context.hpp"

#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// Rows of one tile and work space, unless the options say otherwise.
constexpr std::int64_t kDefaultMemory = std::int64_t{512} << 20;

}  // namespace

CpuContext::CpuContext(const ExecutionOptions& given)
    : options(given),
      memory(given.memory > 0 ? given.memory : kDefaultMemory),
      exact_convolutions(given.exact_convolutions),
      pool(given.threads) {
  options.validate();
  if (given.precision != Precision::fp32) {
    throw DeviceError(fmt::format("the CPU engine supports fp32 only, not {}", to_string(given.precision)));
  }
  if (given.kernels == Kernels::fused) throw DeviceError("fused kernels require CUDA");
}

}  // namespace twinpatch::cpu
