// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <vector>

#include "library/convolution_ways.hpp"
#include "library/libraries_state.hpp"
#include "runtime/handle.hpp"

namespace twinpatch::cuda {
namespace {

constexpr int kWarmUps = 2;
constexpr int kTimings = 5;

/// What a stage reads and writes.
struct Buffers {
  const void* in = nullptr;
  const void* filter = nullptr;
  const void* bias = nullptr;
  void* out = nullptr;
};

void execute(cudnnHandle_t handle, const ExecutionPlan& stage, const Buffers& buffers, void* workspace) {
  std::array<std::int64_t, 4> ids{};
  std::array<void*, 4> pointers{};
  std::size_t count = 0;
  // The library's interface takes inputs as void* too.
  const auto add = [&](std::int64_t id, const void* pointer) {
    ids[count] = id;
    pointers[count] = const_cast<void*>(pointer);
    ++count;
  };
  add(kIn, buffers.in);
  add(kOut, buffers.out);
  if ((stage.parts & kConvolve) != 0) add(kFilter, buffers.filter);
  if ((stage.parts & kBias) != 0) add(kBiasValues, buffers.bias);
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<const std::int64_t>(ids.data(), count));
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::span<void* const>(pointers.data(), count));
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::span<void* const>(&workspace, 1));
  pack.finalize();
  TWINPATCH_CUDA_CHECK(cudnnBackendExecute(handle, stage.plan.get(), pack.get()));
}

void execute(cudnnHandle_t handle, const Way& way, const Buffers& buffers, void* workspace) {
  auto* scratch = static_cast<std::byte*>(workspace) + way.between;
  if (way.stages.size() == 1) {
    execute(handle, way.stages[0], buffers, scratch);
    return;
  }
  execute(handle, way.stages[0], {buffers.in, buffers.filter, buffers.bias, workspace}, scratch);
  execute(handle, way.stages[1], {workspace, buffers.filter, buffers.bias, buffers.out}, scratch);
}

/// Median time of one run, in microseconds.
double time_of(cudnnHandle_t handle, cudaStream_t stream, const Way& way, const Buffers& buffers, void* workspace) {
  for (int i = 0; i < kWarmUps; ++i) execute(handle, way, buffers, workspace);
  const Event begin = make_timed_event();
  const Event end = make_timed_event();
  std::array<float, kTimings> times{};
  for (float& time : times) {
    TWINPATCH_CUDA_CHECK(cudaEventRecord(begin.get(), stream));
    execute(handle, way, buffers, workspace);
    TWINPATCH_CUDA_CHECK(cudaEventRecord(end.get(), stream));
    TWINPATCH_CUDA_CHECK(cudaEventSynchronize(end.get()));
    TWINPATCH_CUDA_CHECK(cudaEventElapsedTime(&time, begin.get(), end.get()));
  }
  std::nth_element(times.begin(), times.begin() + kTimings / 2, times.end());
  return 1000.0 * static_cast<double>(times[kTimings / 2]);
}

}  // namespace

struct ConvolutionPlan::State {
  Libraries::State* libraries = nullptr;
  ConvolutionRequest request;
  std::string key;
  std::vector<Way> ways;  // the first one is taken
  bool tuned = false;
};

ConvolutionPlan::ConvolutionPlan(Libraries& libraries, const ConvolutionRequest& request)
    : state_(std::make_unique<State>()) {
  request.validate();
  State& state = *state_;
  state.libraries = &libraries.state();
  state.request = request;
  state.key = state.libraries->key + "; " + to_text(request);
  const CudnnTarget target{state.libraries->dnn.get(), nullptr};
  if (const auto kept = state.libraries->cache.load(state.key)) {
    try {
      state.ways.push_back(restore(target, request, *kept));
      state.tuned = true;
      return;
    } catch (const OutOfMemory&) {
      throw;
    } catch (const DeviceError& error) {
      state.libraries->say(fmt::format("ignored {}, it will be made anew: {}",
                                       state.libraries->cache.file(state.key).string(), error.what()));
    }
  }
  state.ways = find_ways(target, request, state.libraries->options.tune);
  state.tuned = !state.libraries->options.tune;
}

ConvolutionPlan::~ConvolutionPlan() = default;
ConvolutionPlan::ConvolutionPlan(ConvolutionPlan&&) noexcept = default;
ConvolutionPlan& ConvolutionPlan::operator=(ConvolutionPlan&&) noexcept = default;

std::int64_t ConvolutionPlan::workspace_bytes() const {
  std::int64_t most = 0;
  for (const Way& way : state_->ways) most = std::max(most, way.workspace);
  return most;
}

bool ConvolutionPlan::needs_tuning() const { return !state_->tuned; }

void ConvolutionPlan::tune(cudaStream_t stream, const void* in, const void* filter, const void* bias, void* out,
                           void* workspace) {
  State& state = *state_;
  if (state.tuned) return;
  const cudnnHandle_t handle = state.libraries->dnn_on(stream);
  std::size_t best = state.ways.size();
  double shortest = std::numeric_limits<double>::infinity();
  std::string reason;
  for (std::size_t i = 0; i < state.ways.size(); ++i) {
    try {
      const double time = time_of(handle, stream, state.ways[i], {in, filter, bias, out}, workspace);
      if (time < shortest) {
        shortest = time;
        best = i;
      }
    } catch (const DeviceError& error) {
      reason = error.what();
      // A fault that has cost the device its context shows here again, and is thrown.
      TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream));
    }
  }
  if (best == state.ways.size()) {
    throw DeviceError(fmt::format("no way to compute {} runs on this device: {}", to_text(state.request), reason));
  }
  std::vector<Way> chosen;
  chosen.push_back(std::move(state.ways[best]));
  state.ways = std::move(chosen);
  state.tuned = true;
  state.libraries->say(fmt::format("{}: {}, {:.0f} µs", to_text(state.request), description(), shortest));
  state.libraries->cache.store(state.key, keep(state.ways.front(), shortest));
}

void ConvolutionPlan::run(cudaStream_t stream, const void* in, const void* filter, const void* bias, void* out,
                          void* workspace) const {
  const Way& way = state_->ways.front();
  if (workspace == nullptr && way.workspace > 0) throw InvalidArgument("a convolution without its workspace");
  execute(state_->libraries->dnn_on(stream), way, {in, filter, bias, out}, workspace);
}

const ConvolutionRequest& ConvolutionPlan::request() const { return state_->request; }

std::string ConvolutionPlan::description() const { return state_->ways.front().description(); }

}  // namespace twinpatch::cuda
