// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch::cuda {

/// The file that cuDNN or cuBLASLt was loaded from. Throws DeviceError where it cannot be.
[[nodiscard]] std::filesystem::path dnn_path();
[[nodiscard]] std::filesystem::path blas_path();

}  // namespace twinpatch::cuda
