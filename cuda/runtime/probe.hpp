// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <string>

namespace twinpatch::cuda {

/// Whether kernels of this program run on the current device: cudaErrorNoKernelImageForDevice where they do not.
[[nodiscard]] cudaError_t probe_kernel_image();

/// The architectures this program was built for, as CMake had them: "80-real, 90a-real, 100-virtual".
[[nodiscard]] std::string built_architectures();

}  // namespace twinpatch::cuda
