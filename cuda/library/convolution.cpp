// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "library/algorithm_choice.hpp"
#include "library/convolution_algorithms.hpp"
#include "library/libraries_state.hpp"
#include "runtime/handle.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch::cuda {
namespace {

constexpr int kWarmUps = 2;
constexpr int kTimings = 5;

void execute(cudnnHandle_t handle, const ExecutionPlan& stage, const ConvolutionBuffers& buffers) {
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
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::span<void* const>(&buffers.workspace, 1));
  pack.finalize();
  TWINPATCH_CUDA_CHECK(cudnnBackendExecute(handle, stage.plan.get(), pack.get()));
}

void pool(cudaStream_t stream, const ConvolutionRequest& request, const void* in, void* out) {
  const auto map = [](Shape shape) { return kernels::MapShape{shape.height, shape.width, shape.channels}; };
  const Pooling& pooling = *request.pooling;
  const kernels::PoolRule rule{.window_height = pooling.window.height,
                               .window_width = pooling.window.width,
                               .stride_height = pooling.stride.height,
                               .stride_width = pooling.stride.width};
  kernels::pool(stream, {storage_of(request.precision), in, request.batch, map(request.convolved())}, rule,
                map(request.output()), out);
}

/// Handles and what they compute.
struct Target {
  cudnnHandle_t handle = nullptr;  ///< with its stream set
  cudaStream_t stream = nullptr;
  const ConvolutionRequest& request;
};

/// What is between two stages lies at the start of the workspace.
void execute(const Target& target, const Algorithm& algorithm, const ConvolutionBuffers& buffers) {
  void* const between = buffers.workspace;
  ConvolutionBuffers first = buffers;
  first.workspace = static_cast<std::byte*>(buffers.workspace) + algorithm.between;
  ConvolutionBuffers second = first;
  if (algorithm.stages.size() == 1 && !algorithm.own_pool) return execute(target.handle, *algorithm.stages[0], first);
  first.out = between;
  execute(target.handle, *algorithm.stages[0], first);
  second.in = between;
  if (algorithm.own_pool) return pool(target.stream, target.request, between, second.out);
  execute(target.handle, *algorithm.stages[1], second);
}

/// Median time of one run, in microseconds.
double time_of(const Target& target, const Algorithm& algorithm, const ConvolutionBuffers& buffers) {
  for (int i = 0; i < kWarmUps; ++i) execute(target, algorithm, buffers);
  const Event begin = make_timed_event();
  const Event end = make_timed_event();
  std::array<float, kTimings> times{};
  for (float& time : times) {
    TWINPATCH_CUDA_CHECK(cudaEventRecord(begin.get(), target.stream));
    execute(target, algorithm, buffers);
    TWINPATCH_CUDA_CHECK(cudaEventRecord(end.get(), target.stream));
    TWINPATCH_CUDA_CHECK(cudaEventSynchronize(end.get()));
    TWINPATCH_CUDA_CHECK(cudaEventElapsedTime(&time, begin.get(), end.get()));
  }
  std::nth_element(times.begin(), times.begin() + kTimings / 2, times.end());
  return 1000.0 * static_cast<double>(times[kTimings / 2]);
}

std::vector<float> floats_of(std::span<const std::byte> bytes, NumberType type) {
  std::vector<float> values(bytes.size() / static_cast<std::size_t>(size_of(type)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (type == NumberType::fp32) {
      std::memcpy(&values[i], bytes.data() + 4 * i, 4);
      continue;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    values[i] = type == NumberType::fp16 ? from_half(bits) : from_bfloat16(bits);
  }
  return values;
}

/// The first and the last item of a result.
std::vector<float> sample_of(const Target& target, const void* out) {
  const NumberType type = storage_of(target.request.precision);
  const auto bytes = static_cast<std::size_t>(target.request.output().size() * size_of(type));
  std::vector<std::byte> items(2 * bytes);
  const auto* const last =
      static_cast<const std::byte*>(out) + static_cast<std::size_t>(target.request.batch - 1) * bytes;
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(items.data(), out, bytes, cudaMemcpyDeviceToHost, target.stream));
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(items.data() + bytes, last, bytes, cudaMemcpyDeviceToHost, target.stream));
  TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(target.stream));
  return floats_of(items, type);
}

/// How far results of two algorithms may differ, relative to the largest value: some thirty times what rounding does.
double tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return 1e-3;  // Winograd's transforms cost 5e-5
    case Precision::bf16:
      return 5e-2;
    default:
      return 1e-2;
  }
}

/// Runs and times an algorithm on an output where nothing is right before.
Trial try_algorithm(const Target& target, const Algorithm& algorithm, const ConvolutionBuffers& buffers) {
  Trial trial;
  try {
    const std::int64_t bytes =
        target.request.batch * target.request.output().size() * size_of(storage_of(target.request.precision));
    TWINPATCH_CUDA_CHECK(cudaMemsetAsync(buffers.out, 0xff, static_cast<std::size_t>(bytes), target.stream));  // NaN
    trial.microseconds = time_of(target, algorithm, buffers);
    trial.sample = sample_of(target, buffers.out);
  } catch (const DeviceError& error) {
    trial.failure = error.what();
    // A fault that has cost the device its context shows here again, and is thrown.
    TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(target.stream));
  }
  return trial;
}

}  // namespace

struct ConvolutionPlan::State {
  Libraries::State* libraries = nullptr;
  ConvolutionRequest request;
  std::string key;
  std::vector<Algorithm> algorithms;  // the first one is taken
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
      state.algorithms.push_back(restore(target, request, *kept));
      state.tuned = true;
      return;
    } catch (const OutOfMemory&) {
      throw;
    } catch (const DeviceError& error) {
      state.libraries->report(fmt::format("ignored {}, it will be replaced: {}",
                                          state.libraries->cache.file(state.key).string(), error.what()));
    }
  }
  state.algorithms = find_algorithms(target, request, state.libraries->options.tune);
  state.tuned = !state.libraries->options.tune;
}

ConvolutionPlan::~ConvolutionPlan() = default;
ConvolutionPlan::ConvolutionPlan(ConvolutionPlan&&) noexcept = default;
ConvolutionPlan& ConvolutionPlan::operator=(ConvolutionPlan&&) noexcept = default;

std::int64_t ConvolutionPlan::workspace_bytes() const {
  std::int64_t most = 0;
  for (const Algorithm& algorithm : state_->algorithms) most = std::max(most, algorithm.workspace);
  return most;
}

bool ConvolutionPlan::needs_tuning() const { return !state_->tuned; }

void ConvolutionPlan::tune(cudaStream_t stream, const ConvolutionBuffers& buffers) {
  State& state = *state_;
  if (state.tuned) return;
  const Target target{state.libraries->dnn_on(stream), stream, state.request};
  const Candidates candidates{
      .count = state.algorithms.size(),
      .run = [&](std::size_t i) { return try_algorithm(target, state.algorithms[i], buffers); },
      .name = [&](std::size_t i) { return to_text(state.request) + ": " + state.algorithms[i].description(); },
      .tolerance = tolerance_of(state.request.precision)};
  const AlgorithmChoice choice = choose_algorithm(candidates, state.libraries->options.log);
  std::vector<Algorithm> chosen;
  chosen.push_back(std::move(state.algorithms[choice.index]));
  state.algorithms = std::move(chosen);
  state.tuned = true;
  state.libraries->report(fmt::format("{}: {}, {:.0f} µs", to_text(state.request), description(), choice.microseconds));
  state.libraries->cache.store(state.key, keep(state.algorithms.front(), choice.microseconds));
}

void ConvolutionPlan::run(cudaStream_t stream, const ConvolutionBuffers& buffers) const {
  const Algorithm& algorithm = state_->algorithms.front();
  if (buffers.workspace == nullptr && algorithm.workspace > 0)
    throw InvalidArgument("a convolution without its workspace");
  execute({state_->libraries->dnn_on(stream), stream, state_->request}, algorithm, buffers);
}

const ConvolutionRequest& ConvolutionPlan::request() const { return state_->request; }

std::string ConvolutionPlan::description() const { return state_->algorithms.front().description(); }

}  // namespace twinpatch::cuda
