// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "numbers.hpp"
#include "runtime/launch.cuh"
#include "stand_in.hpp"
#include "twinpatch/core/error.hpp"

// The interface of cuda/library/convolution.hpp by reference code, for builds that run the engine on the CPU. It is
// launched as a kernel, one block of one thread an item, so that it runs late and out of order as kernels do, and is
// captured with them. Everything a launch needs travels in its arguments.

namespace twinpatch::cuda {
namespace {

/// What one launch computes. Shapes and layouts as ConvolutionRequest has them; plain data, copied into the launch.
struct Job {
  Shape input, convolved, output;
  Convolution layer;
  Pooling pooling;
  bool relu = false;
  bool pooled = false;
  Precision precision = Precision::fp32;
  NumberType type = NumberType::fp32;
};

/// The filter as factors, [kernel height, kernel width, in, out]: output channels innermost, so that the sums below go
/// over contiguous memory.
std::vector<float> factors(const Job& job, const void* filter) {
  const auto& layer = job.layer;
  const std::int64_t window = std::int64_t{layer.kernel.height} * layer.kernel.width * layer.in;
  std::vector<float> values(static_cast<std::size_t>(window * layer.out));
  for (std::int64_t o = 0; o < layer.out; ++o) {
    for (std::int64_t w = 0; w < window; ++w) {
      values[static_cast<std::size_t>(w * layer.out + o)] =
          stand_in::factor(filter, o * window + w, job.precision, job.type);
    }
  }
  return values;
}

/// Sum over the window of one output position, for all output channels: sums[o].
void convolve_at(const Job& job, const void* in, std::int64_t item, int y, int x, const std::vector<float>& filter,
                 std::vector<float>& sums) {
  std::fill(sums.begin(), sums.end(), 0.0F);
  const auto& layer = job.layer;
  for (int ky = 0; ky < layer.kernel.height; ++ky) {
    for (int kx = 0; kx < layer.kernel.width; ++kx) {
      const int from_y = y * layer.stride.height + ky - layer.padding.height;
      const int from_x = x * layer.stride.width + kx - layer.padding.width;
      if (from_y < 0 || from_y >= job.input.height || from_x < 0 || from_x >= job.input.width) continue;
      const std::int64_t at = ((item * job.input.height + from_y) * job.input.width + from_x) * layer.in;
      for (int c = 0; c < layer.in; ++c) {
        const float value = stand_in::factor(in, at + c, job.precision, job.type);
        const float* row = filter.data() + ((std::int64_t{ky} * layer.kernel.width + kx) * layer.in + c) * layer.out;
        for (std::size_t o = 0; o < sums.size(); ++o) sums[o] += value * row[o];
      }
    }
  }
}

/// One block computes one item of the batch: blockIdx.x. The workspace [batch, convolved] holds what lies before the
/// pooling, where there is one.
__global__ void stand_in_convolution(Job job, ConvolutionBuffers buffers) {
  const auto& [in, filter, bias, out, unpooled] = buffers;
  const std::int64_t item = blockIdx.x;
  const std::vector<float> weights = factors(job, filter);
  std::vector<float> sums(static_cast<std::size_t>(job.layer.out));
  void* convolved = job.pooled ? unpooled : out;
  for (int y = 0; y < job.convolved.height; ++y) {
    for (int x = 0; x < job.convolved.width; ++x) {
      convolve_at(job, in, item, y, x, weights, sums);
      const std::int64_t at = ((item * job.convolved.height + y) * job.convolved.width + x) * job.convolved.channels;
      for (int o = 0; o < job.layer.out; ++o) {
        float value = sums[static_cast<std::size_t>(o)];
        if (job.layer.bias) value += stand_in::load(bias, o, job.type);
        if (job.relu && value < 0.0F) value = 0.0F;  // leaves NaN as it is
        stand_in::store(convolved, at + o, value, job.type);
      }
    }
  }
  if (!job.pooled) return;
  const auto& pool = job.pooling;
  for (int y = 0; y < job.output.height; ++y) {
    for (int x = 0; x < job.output.width; ++x) {
      const int end_y = std::min(y * pool.stride.height + pool.window.height, job.convolved.height);
      const int end_x = std::min(x * pool.stride.width + pool.window.width, job.convolved.width);
      for (int c = 0; c < job.output.channels; ++c) {
        float best = -std::numeric_limits<float>::infinity();
        for (int from_y = y * pool.stride.height; from_y < end_y; ++from_y) {
          for (int from_x = x * pool.stride.width; from_x < end_x; ++from_x) {
            const float value = stand_in::load(
                unpooled,
                ((item * job.convolved.height + from_y) * job.convolved.width + from_x) * job.convolved.channels + c,
                job.type);
            if (value > best || value != value) best = value;
          }
        }
        stand_in::store(out, ((item * job.output.height + y) * job.output.width + x) * job.output.channels + c, best,
                        job.type);
      }
    }
  }
}

/// On nothing but zeros all algorithms agree, and on what is not a number none do.
void check_content(cudaStream_t stream, const ConvolutionRequest& request, const void* in) {
  const NumberType type = storage_of(request.precision);
  std::vector<std::byte> item(static_cast<std::size_t>(request.input.size() * size_of(type)));
  if (cudaStreamSynchronize(stream) != cudaSuccess ||
      cudaMemcpy(item.data(), in, item.size(), cudaMemcpyDeviceToHost) != cudaSuccess) {
    throw DeviceError("the input of a convolution cannot be read while it is tuned");
  }
  bool zeros = true;
  for (std::int64_t i = 0; i < request.input.size(); ++i) {
    const float value = stand_in::load(item.data(), i, type);
    if (!std::isfinite(value)) throw DeviceError("convolution " + to_text(request) + " is tuned on no numbers");
    zeros = zeros && value == 0;
  }
  if (zeros) throw DeviceError("convolution " + to_text(request) + " is tuned on zeros");
}

}  // namespace

struct ConvolutionPlan::State {
  ConvolutionRequest request;
  int device = 0;
  Job job;
  bool tuned = false;
};

ConvolutionPlan::ConvolutionPlan(Libraries& libraries, const ConvolutionRequest& request)
    : state_(std::make_unique<State>()) {
  request.validate();
  state_->request = request;
  state_->device = libraries.state().device;
  Job& job = state_->job;
  job.input = request.input;
  job.convolved = request.convolved();
  job.output = request.output();
  job.layer = request.layer;
  job.relu = request.relu;
  job.pooled = request.pooling.has_value();
  if (request.pooling) job.pooling = *request.pooling;
  job.precision = request.precision;
  job.type = storage_of(request.precision);
}

ConvolutionPlan::~ConvolutionPlan() = default;
ConvolutionPlan::ConvolutionPlan(ConvolutionPlan&&) noexcept = default;
ConvolutionPlan& ConvolutionPlan::operator=(ConvolutionPlan&&) noexcept = default;

std::int64_t ConvolutionPlan::workspace_bytes() const {
  const auto& job = state_->job;
  return job.pooled ? state_->request.batch * job.convolved.size() * size_of(job.type) : 0;
}

bool ConvolutionPlan::needs_tuning() const { return !state_->tuned; }

void ConvolutionPlan::tune(cudaStream_t stream, const ConvolutionBuffers& buffers) {
  if (state_->tuned) return;
  check_content(stream, state_->request, buffers.in);
  run(stream, buffers);
  if (cudaStreamSynchronize(stream) != cudaSuccess) throw DeviceError("a convolution failed while it was tuned");
  state_->tuned = true;
}

void ConvolutionPlan::run(cudaStream_t stream, const ConvolutionBuffers& buffers) const {
  if (buffers.workspace == nullptr && workspace_bytes() > 0)
    throw InvalidArgument("a convolution without its workspace");
  const std::string text = "convolution " + to_text(state_->request);
  stand_in::check_call(text, state_->device, stream);
  const void* const pointers[] = {buffers.in, buffers.filter, buffers.out, buffers.workspace};
  for (const void* pointer : pointers) stand_in::check_aligned(text, pointer, 16);
  launch(stream, {.grid = {state_->request.batch}, .block = dim3(1)}, "stand_in_convolution", &stand_in_convolution,
         state_->job, buffers);
}

const ConvolutionRequest& ConvolutionPlan::request() const { return state_->request; }

std::string ConvolutionPlan::description() const { return "reference code, " + to_text(state_->request); }

}  // namespace twinpatch::cuda
