// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/stem_step.hpp"

#include <fmt/format.h>

#include <vector>

#include "kernels/stem_kernels.hpp"
#include "plan/paired_stem_step.hpp"
#include "plan/winograd_stem_step.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

class StemStep final : public Step {
 public:
  explicit StemStep(const ConvolutionWork& work)
      : kernels_(stem_kernels()),
        weights_(std::int64_t{work.layer.out} * work.layer.in * window(work.layer)),
        bias_(work.layer.out) {
    const Convolution& layer = work.layer;
    task_.item = work.input.size();
    task_.row = std::int64_t{layer.stride.height} * work.input.width;
    task_.column = layer.stride.width;
    task_.out_height = work.output.height;
    task_.out_width = work.output.width;
    task_.out = layer.out;
    task_.relu = work.activation == Activation::Kind::relu;
    task_.pool = work.pool;
    task_.panel = kernels_.panel(layer.out);
    task_.taps = layer.in * window(layer);
    for (int channel = 0; channel < layer.in; ++channel) {
      for (int y = 0; y < layer.kernel.height; ++y) {
        for (int x = 0; x < layer.kernel.width; ++x) {
          offsets_.push_back((std::int64_t{channel} * work.input.height + y) * work.input.width + x);
        }
      }
    }
    for (std::int64_t o = 0; o < layer.out; ++o) {
      for (std::int64_t tap = 0; tap < task_.taps; ++tap) {
        const auto at = (o / task_.panel * task_.taps + tap) * task_.panel + o % task_.panel;
        weights_[at] = work.weight[o * task_.taps + tap];
      }
      bias_[o] = work.bias == nullptr ? 0 : work.bias[o];
    }
    task_.offsets = offsets_.data();
    task_.weights = weights_.data();
    task_.bias = bias_.data();
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* /*scratch*/) override {
    kernels_.run(task_, batch, in, out);
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("first convolution{} {}", task_.pool ? " with pooling" : "", kernels_.target);
  }

 private:
  static std::int64_t window(const Convolution& layer) {
    return std::int64_t{layer.kernel.height} * layer.kernel.width;
  }

  const StemKernels& kernels_;
  StemTask task_;
  std::vector<std::int64_t> offsets_;
  Buffer<float> weights_, bias_;
};

}  // namespace

bool stem_fits(const Convolution& layer, Shape output, bool pool) {
  const auto panel = stem_kernels().panel(layer.out);
  if (layer.in > 2 || layer.padding != Extent{} || panel == 0) return false;
  const int step = pool ? 2 : 1;
  return output.height >= step && output.width / step * step >= stem_kernels().min_width(panel, pool);
}

std::unique_ptr<Step> make_stem_step(const ConvolutionWork& work, const StemOptions& options) {
  if (!options.direct && winograd_stem_fits(work, options.precision)) return make_winograd_stem_step(work);
  if (paired_stem_fits(work.layer, work.output, work.pool, options.precision)) return make_paired_stem_step(work);
  return std::make_unique<StemStep>(work);
}

}  // namespace twinpatch::cpu
