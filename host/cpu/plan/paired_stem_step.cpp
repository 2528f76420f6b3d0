// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/paired_stem_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/narrow_kernels.hpp"
#include "kernels/paired_stem.hpp"
#include "plan/stem_rounding.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kLanes = 16;

/// Vectors of channels of one pass; 0: none fits.
std::int64_t vectors_of(std::int64_t out) {
  for (const std::int64_t vectors : {3, 2, 1}) {
    if (out % (vectors * kLanes) == 0) return vectors;
  }
  return 0;
}

class PairedStemStep final : public Step {
 public:
  explicit PairedStemStep(const ConvolutionWork& work)
      : kernels_(*paired_stems()),
        pixels_(work.input.height * std::int64_t{work.input.width}),
        width_(work.input.width),
        channels_(work.layer.in),
        out_item_(pooled(work)),
        steps_(work.layer.out),
        bias_(work.layer.out) {
    const Convolution& layer = work.layer;
    stem_.row = std::int64_t{layer.stride.height} * work.input.width;
    stem_.column = layer.stride.width;
    stem_.out_height = work.output.height;
    stem_.out_width = work.output.width;
    stem_.out = layer.out;
    stem_.relu = work.activation == Activation::Kind::relu;
    stem_.pool = work.pool;
    stem_.vectors = vectors_of(layer.out);
    const int rows_of_pair = channels_ == 1 ? 2 : 1;
    for (int y = 0; y < layer.kernel.height; y += rows_of_pair) {
      for (int x = 0; x < layer.kernel.width; ++x) offsets_.push_back(y * std::int64_t{width_} + x);
    }
    stem_.taps = std::ssize(offsets_);
    weights_ = Buffer<std::int16_t>(2 * stem_.taps * stem_.out);
    round_weights(work);
    stem_.offsets = offsets_.data();
    stem_.weights = weights_.data();
    stem_.steps = steps_.data();
    stem_.bias = bias_.data();
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    auto* const pairs = reinterpret_cast<std::int32_t*>(scratch);
    for (; batch > 0; --batch, in += channels_ * pixels_, out += out_item_) {
      const float step = pixel_step(in, channels_ * pixels_, kLargestPixel);
      if (std::isnan(step)) {
        std::fill_n(out, out_item_, step);
        continue;
      }
      pair_pixels(in, 1 / step, pairs);
      kernels_.run(stem_, pairs, step, out);
    }
  }
  [[nodiscard]] std::int64_t scratch_bytes() const override { return pixels_ * std::int64_t{sizeof(std::int32_t)}; }
  [[nodiscard]] std::string name() const override {
    return fmt::format("first convolution{} {}, products of 16-bit integers", stem_.pool ? " with pooling" : "",
                       kernels_.name);
  }

 private:
  static std::int64_t pooled(const ConvolutionWork& work) {
    const int divisor = work.pool ? 2 : 1;
    return std::int64_t{work.output.height / divisor} * (work.output.width / divisor) * work.layer.out;
  }

  /// [height, width] pairs: of both channels, or of one and the pixel below (of the last row, with zeros).
  void pair_pixels(const float* in, float factor, std::int32_t* pairs) const {
    if (channels_ == 2) return narrow_kernels().to_pairs(in, in + pixels_, pixels_, factor, pairs);
    const std::int64_t above = pixels_ - width_;
    narrow_kernels().to_pairs(in, in + width_, above, factor, pairs);
    for (std::int64_t i = above; i < pixels_; ++i) {
      pairs[i] = static_cast<std::uint16_t>(static_cast<std::int16_t>(std::nearbyint(in[i] * factor)));
    }
  }

  void round_weights(const ConvolutionWork& work) {
    const Convolution& layer = work.layer;
    const std::int64_t panel = kLanes * std::max<std::int64_t>(1, stem_.vectors);
    const std::int64_t window = std::int64_t{layer.kernel.height} * layer.kernel.width;
    for (std::int64_t o = 0; o < layer.out; ++o) {
      const std::span<const float> of_output(work.weight + o * layer.in * window,
                                             static_cast<std::size_t>(layer.in * window));
      steps_[o] = stem_weight_step(of_output, {.largest_pixel = kLargestPixel});
      bias_[o] = work.bias == nullptr ? 0 : work.bias[o];
      const auto integer = [&](std::int64_t channel, std::int64_t y, std::int64_t x) {
        if (y >= layer.kernel.height) return std::int16_t{0};
        const auto at = static_cast<std::size_t>(channel * window + y * layer.kernel.width + x);
        return static_cast<std::int16_t>(std::nearbyint(of_output[at] / steps_[o]));
      };
      for (std::int64_t tap = 0; tap < stem_.taps; ++tap) {
        const std::int64_t x = tap % layer.kernel.width;
        const std::int64_t y = tap / layer.kernel.width * (channels_ == 1 ? 2 : 1);
        std::int16_t* const to = weights_.data() + 2 * ((o / panel * stem_.taps + tap) * panel + o % panel);
        to[0] = integer(0, y, x);
        to[1] = channels_ == 1 ? integer(0, y + 1, x) : integer(1, y, x);
      }
    }
  }

  const PairedStems& kernels_;
  PairedStem stem_;
  std::int64_t pixels_;
  int width_, channels_;
  std::int64_t out_item_;  // values
  std::vector<std::int64_t> offsets_;
  Buffer<std::int16_t> weights_;
  Buffer<float> steps_, bias_;
};

}  // namespace

bool paired_stem_fits(const Convolution& layer, Shape output, bool pool, Precision precision) {
  const std::int64_t vectors = vectors_of(layer.out);
  if (precision == Precision::fp32 || paired_stems() == nullptr || vectors == 0) return false;
  const int step = pool ? 2 : 1;
  return output.width / step * step >= paired_stems()->min_width(vectors, pool);
}

std::unique_ptr<Step> make_paired_stem_step(const ConvolutionWork& work) {
  return std::make_unique<PairedStemStep>(work);
}

}  // namespace twinpatch::cpu
