// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/libraries.hpp"

#include <fmt/format.h>

#include "library/libraries_state.hpp"
#include "library/loaded_functions.hpp"
#include "runtime/device_properties.hpp"

namespace twinpatch::cuda {
namespace {

std::string dnn_version() {
  const auto version = static_cast<int>(cudnnGetVersion());  // major · 10000 + minor · 100 + patch
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string blas_version() {
  const auto version = static_cast<int>(cublasLtGetVersion());
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

/// Another major version, or an older minor one, has not what this program was built to call.
void require_version() {
  const auto found = static_cast<int>(cudnnGetVersion());
  if (found / 10000 == CUDNN_MAJOR && found / 100 % 100 >= CUDNN_MINOR) return;
  throw DeviceError(fmt::format("found cuDNN {}, expected {}.{} or a later {}.x", dnn_version(), CUDNN_MAJOR,
                                CUDNN_MINOR, CUDNN_MAJOR));
}

}  // namespace

Libraries::State::State(int device, LibraryOptions library_options)
    : options(std::move(library_options)), cache(options.tuned_plans, options.log) {
  require_version();
  cudnnHandle_t made_dnn = nullptr;
  TWINPATCH_CUDA_CHECK(cudnnCreate(&made_dnn));
  dnn.reset(made_dnn);
  cublasLtHandle_t made_blas = nullptr;
  TWINPATCH_CUDA_CHECK(cublasLtCreate(&made_blas));
  blas.reset(made_blas);
  const DeviceProperties card = device_properties(device);
  key = fmt::format("{} sm_{}{} {} SMs, cuDNN {}", card.name, card.major, card.minor, card.multiprocessors,
                    cudnnGetVersion());
}

cudnnHandle_t Libraries::State::dnn_on(cudaStream_t stream) {
  if (dnn_stream != stream) {
    TWINPATCH_CUDA_CHECK(cudnnSetStream(dnn.get(), stream));
    dnn_stream = stream;
  }
  return dnn.get();
}

void Libraries::State::report(const std::string& line) const {
  if (options.log) options.log(line);
}

std::vector<std::string> describe_libraries() {
  const auto describe = [](const char* name, const auto& version, const auto& path) {
    try {
      return fmt::format("{} {}: {}", name, version(), path().string());
    } catch (const std::exception& error) {
      return fmt::format("{}: {}", name, error.what());
    }
  };
  return {describe("cuDNN", dnn_version, dnn_path), describe("cuBLASLt", blas_version, blas_path)};
}

Libraries::Libraries(int device, LibraryOptions options)
    : state_(std::make_unique<State>(device, std::move(options))) {}
Libraries::~Libraries() = default;

std::string Libraries::description() const {
  return fmt::format("cuDNN {}, cuBLASLt {}", dnn_version(), blas_version());
}

}  // namespace twinpatch::cuda
