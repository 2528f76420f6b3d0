// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch {

std::unique_ptr<Backend> make_cuda_backend(const ExecutionOptions&) {
  throw DeviceError(
      "this twinpatch was built without CUDA (build it where CUDA's nvcc and cuDNN are found, Debian: "
      "nvidia-cuda-toolkit and nvidia-cudnn); use --device cpu");
}

std::vector<std::string> describe_cuda_devices() { return {"CUDA: not in this build"}; }

std::vector<std::string> describe_cuda_libraries() { return {}; }

int count_cuda_devices() noexcept { return 0; }

}  // namespace twinpatch
