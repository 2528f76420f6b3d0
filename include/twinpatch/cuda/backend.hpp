// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

/// Throws DeviceError in builds without CUDA, without a driver or without the device named.
[[nodiscard]] std::unique_ptr<Backend> make_cuda_backend(const ExecutionOptions& options);

/// What `doctor` prints about the CUDA devices: one line each, or one that says why there is none.
[[nodiscard]] std::vector<std::string> describe_cuda_devices();

/// What `doctor` prints about cuDNN and cuBLASLt: version and path, or why one cannot be opened. Opens them: 0.2 s.
[[nodiscard]] std::vector<std::string> describe_cuda_libraries();

/// Number of usable CUDA devices; 0 in builds without CUDA, without a driver, without a device. Never throws.
[[nodiscard]] int count_cuda_devices() noexcept;

}  // namespace twinpatch
