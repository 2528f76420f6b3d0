// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/backend/options.hpp"
#include "twinpatch/core/thread_pool.hpp"

namespace twinpatch::cpu {

/// What everything made by one CPU backend shares.
struct CpuContext {
  /// Validates; throws DeviceError for a precision or kernels that the CPU engine does not offer.
  explicit CpuContext(const ExecutionOptions& given);

  ExecutionOptions options;  ///< as given
  std::int64_t memory = 0;   ///< bound in bytes on rows of one tile and work space: options.memory or the default
  bool exact_convolutions = false;
  ThreadPool pool;
};

}  // namespace twinpatch::cpu
