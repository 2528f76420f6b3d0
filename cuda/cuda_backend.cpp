// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "cuda_backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "grid/selection.hpp"
#include "plan/branch_plan.hpp"
#include "runtime/device_properties.hpp"
#include "scorer.hpp"
#include "siamese.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "two_channel.hpp"

namespace twinpatch {
namespace cuda {
namespace {

bool is_two_channel(const Model& model) { return model.spec.coupling == Coupling::two_channel; }

void check_offered(const ExecutionOptions& options) {
  options.validate();
  if (options.precision == Precision::int8) {
    throw DeviceError("the CUDA engine supports fp32, tf32, fp16 and bf16, not int8");
  }
}

}  // namespace

std::string CudaBackend::description() const {
  const DeviceProperties& device = device_->context.properties();
  return fmt::format("CUDA device {}, {}, sm_{}, {} of memory, {} ({})", device.device, device.name,
                     device.architecture(), format_bytes(memory()), to_string(device_->options.precision),
                     device_->libraries.description());
}

std::unique_ptr<BranchExecutor> CudaBackend::make_branch(std::shared_ptr<const Model> model) {
  const Turn turn(*device_);
  return is_two_channel(*model) ? make_two_channel_branch(device_, std::move(model))
                                : make_siamese_branch(device_, std::move(model));
}

std::unique_ptr<PairScorer> CudaBackend::make_scorer(std::shared_ptr<const Model> model) {
  const Turn turn(*device_);
  return make_device_scorer(device_, std::move(model), grid_strategies());
}

std::unique_ptr<Selection> CudaBackend::make_selection(const SelectionRequest& request) {
  return std::make_unique<DeviceSelection>(device_, request);
}

Backend::TileSize CudaBackend::tile_size(const Model& model, int height, int width) const {
  return is_two_channel(model) ? two_channel_tile_size(model, height, width, memory())
                               : siamese_tile_size(model, memory());
}

std::int64_t CudaBackend::patches_at_once() const {
  // Reading, copying and computing overlap from batch to batch: filling and emptying that line must not count.
  constexpr std::int64_t kBatches = 16;
  return checked_multiply(kBatches, asked_batch(device_->options));
}

std::vector<RunSummary> CudaBackend::summaries() const {
  const Turn turn(*device_);
  try {
    device_->finish();            // what is under way counts too
  } catch (const DeviceError&) {  // a device that is lost: what it did before it was
  }
  return {device_->statistics.summary(device_->context.properties(), device_->options.precision)};
}

}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(const ExecutionOptions& options) {
  cuda::check_offered(options);
  const std::vector<int> numbers = cuda::parse_devices(options.device == "auto" ? "cuda" : options.device);
  const int threads = ThreadPool(options.threads).threads();
  const int each = std::max(1, threads / static_cast<int>(numbers.size()));
  ExecutionOptions shared = options;
  if (options.log) {
    shared.log = [log = options.log, turn = std::make_shared<std::mutex>()](const std::string& line) {
      const std::scoped_lock lock(*turn);
      log(line);
    };
  }
  std::vector<std::unique_ptr<cuda::CudaBackend>> devices;
  for (const int number : numbers) {
    devices.push_back(std::make_unique<cuda::CudaBackend>(std::make_shared<cuda::Device>(number, shared, each)));
  }
  if (devices.size() == 1) return std::move(devices.front());
  return cuda::make_several_devices(std::move(devices));
}

std::optional<int> cuda_device(const Backend& backend) {
  const auto* const one = dynamic_cast<const cuda::CudaBackend*>(&backend);
  return one == nullptr ? std::nullopt : std::optional(one->device());
}

void finish_cuda_device(int device) {
  const cuda::DeviceGuard guard(device);
  TWINPATCH_CUDA_CHECK(cudaDeviceSynchronize());
}

void copy_from_cuda_device(int device, const void* from, std::int64_t bytes, void* to) {
  if (bytes == 0) return;
  finish_cuda_device(device);
  const cuda::DeviceGuard guard(device);
  TWINPATCH_CUDA_CHECK(cudaMemcpy(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost));
}

std::vector<std::string> describe_cuda_devices() { return cuda::describe_devices(); }

std::vector<std::string> describe_cuda_libraries() { return cuda::describe_libraries(); }

int count_cuda_devices() noexcept { return cuda::count_usable_devices().devices; }

}  // namespace twinpatch
