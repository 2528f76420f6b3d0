// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch {
namespace {

constexpr const char* kNotBuilt =
    "this twinpatch was built without CUDA (build it where CUDA's nvcc and cuDNN are found, Debian: "
    "nvidia-cuda-toolkit and nvidia-cudnn); use --device cpu";

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const ExecutionOptions&) { throw DeviceError(kNotBuilt); }

std::optional<int> cuda_device(const Backend&) { return std::nullopt; }

void finish_cuda_device(int) { throw DeviceError(kNotBuilt); }

void copy_from_cuda_device(int, const void*, std::int64_t, void*) { throw DeviceError(kNotBuilt); }

std::vector<std::string> describe_cuda_devices() { return {"CUDA: not in this build"}; }

std::vector<std::string> describe_cuda_libraries() { return {}; }

int count_cuda_devices() noexcept { return 0; }

}  // namespace twinpatch
