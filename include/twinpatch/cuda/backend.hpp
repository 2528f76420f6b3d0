// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

/// Throws DeviceError in builds without CUDA, without a driver or without the device named.
[[nodiscard]] std::unique_ptr<Backend> make_cuda_backend(const ExecutionOptions& options);

/// The device that a CUDA backend works on; nothing for the CPU, and for several devices together.
[[nodiscard]] std::optional<int> cuda_device(const Backend& backend);

/// Waits for everything that any library in this process has given to the device so far. Throws DeviceError.
void finish_cuda_device(int device);

/// Copies memory of the device to the host once everything given to the device so far is done. Synchronous. Throws
/// DeviceError.
void copy_from_cuda_device(int device, const void* from, std::int64_t bytes, void* to);

/// What `doctor` prints about the CUDA devices: one line each, or one that says why there is none.
[[nodiscard]] std::vector<std::string> describe_cuda_devices();

/// What `doctor` prints about cuDNN and cuBLASLt: version and path, or why one cannot be opened. Opens them: 0.2 s.
[[nodiscard]] std::vector<std::string> describe_cuda_libraries();

/// Number of usable CUDA devices; 0 in builds without CUDA, without a driver, without a device. Never throws.
[[nodiscard]] int count_cuda_devices() noexcept;

}  // namespace twinpatch
