// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/winograd_stem_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kernels/winograd_stem.hpp"
#include "plan/stem_rounding.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr float kGrowth = 4;  // of a pixel by the transforms of two sides, two terms each

/// One term of a side: a point of F(2, 3) or F(2, 2) on the pixels of one phase, and what its weight is of the taps.
struct SideTerm {
  int point;
  StemTerm pixels;
  std::vector<double> taps;  ///< [kernel]
};

/// Every phase's terms for a filter of `kernel` taps, stride + (kernel) of them.
std::vector<SideTerm> side_terms(int kernel, int stride) {
  std::vector<SideTerm> result;
  for (int phase = 0; phase < stride; ++phase) {
    const auto add = [&](int point, const StemTerm& places, std::array<double, 3> of_taps) {
      const auto pixel = [&](std::int64_t place) { return phase + stride * place; };
      SideTerm term{point, {pixel(places.first), pixel(places.second), places.sign}, {}};
      term.taps.assign(static_cast<std::size_t>(kernel), 0);
      for (int i = 0; i < 3; ++i) {
        const int tap = phase + stride * i;
        if (tap < kernel) term.taps[static_cast<std::size_t>(tap)] = of_taps[static_cast<std::size_t>(i)];
      }
      result.push_back(std::move(term));
    };
    if (phase + 2 * stride < kernel) {  // three taps: F(2, 3)
      add(0, {0, 2, -1}, {1, 0, 0});
      add(1, {1, 2, +1}, {0.5, 0.5, 0.5});
      add(2, {2, 1, -1}, {0.5, -0.5, 0.5});
      add(3, {1, 3, -1}, {0, 0, -1});
    } else {  // two: F(2, 2), with the same transform of outputs, without a product at −1
      add(0, {0, 1, -1}, {1, 0, 0});
      add(1, {1, 0, 0}, {1, 1, 0});
      add(3, {1, 2, -1}, {0, -1, 0});
    }
  }
  return result;
}

/// A term of both sides: their places in side_terms().
struct TileTerm {
  std::size_t y, x;
};

class WinogradStemStep final : public Step {
 public:
  explicit WinogradStemStep(const ConvolutionWork& work)
      : kernels_(*winograd_stems()), steps_(work.layer.out), bias_(work.layer.out) {
    const Convolution& layer = work.layer;
    sides_ = side_terms(layer.kernel.width, layer.stride.width);
    for (const SideTerm& term : sides_) terms_.push_back(term.pixels);
    stem_.channels = layer.in;
    stem_.height = work.input.height;
    stem_.width = work.input.width;
    stem_.stride = layer.stride.width;
    stem_.side = std::ssize(terms_);
    stem_.tiles_y = work.output.height / 2;
    stem_.tiles_x = work.output.width / 2;
    stem_.out = layer.out;
    stem_.relu = work.activation == Activation::Kind::relu;
    stem_.pool = work.pool;
    out_item_ = stem_.tiles_y * stem_.tiles_x * stem_.out * (work.pool ? 1 : 4);
    const auto weighed = pair_terms();
    weights_ = Buffer<std::int16_t>(2 * std::ssize(pairs_) * stem_.out);
    for (int o = 0; o < layer.out; ++o) round_weights(work, weighed, o);
    stem_.terms = terms_.data();
    stem_.pair_count = std::ssize(pairs_);
    stem_.pairs = pairs_.data();
    stem_.weights = weights_.data();
    stem_.steps = steps_.data();
    stem_.bias = bias_.data();
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    const std::int64_t in_item = stem_.channels * stem_.height * stem_.width;
    for (; batch > 0; --batch, in += in_item, out += out_item_) {
      const float step = pixel_step(in, in_item, kLargestStemPixel);
      if (std::isnan(step)) {
        std::fill_n(out, out_item_, step);
      } else {
        kernels_.run(stem_, in, step, out, reinterpret_cast<std::int32_t*>(scratch));
      }
    }
  }
  [[nodiscard]] std::int64_t scratch_bytes() const override {
    return kernels_.scratch(stem_) * std::int64_t{sizeof(std::int32_t)};
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("first convolution by Winograd's method{} {}, products of 16-bit integers",
                       stem_.pool ? " with pooling" : "", kernels_.name);
  }

 private:
  /// What one integer of a pair weighs: a channel's term; of the filling of an odd pair, nothing.
  struct Weighed {
    std::int64_t channel;  ///< -1: nothing
    TileTerm term;
  };

  /// Lays the terms out as pairs, those of a point together; returns the two of each.
  std::vector<Weighed> pair_terms() {
    std::vector<Weighed> weighed;
    for (int point = 0; point < kStemPoints * kStemPoints; ++point) {
      const int row = kStemOrder[point / kStemPoints];
      const int column = kStemOrder[point % kStemPoints];
      const std::int64_t before = std::ssize(pairs_);
      std::vector<TileTerm> of_point;
      for (std::size_t y = 0; y < sides_.size(); ++y) {
        for (std::size_t x = 0; x < sides_.size(); ++x) {
          if (sides_[y].point == row && sides_[x].point == column) of_point.push_back({y, x});
        }
      }
      const std::size_t terms_of_pair = stem_.channels == 1 ? 2 : 1;
      for (std::size_t i = 0; i < of_point.size(); i += terms_of_pair) {
        StemPair pair{place(of_point[i]), {}, stem_.channels == 1 && i + 1 < of_point.size()};
        weighed.push_back({0, of_point[i]});
        if (pair.has_high) pair.high = place(of_point[i + 1]);
        const Weighed filling{-1, {}};
        weighed.push_back(stem_.channels == 2 ? Weighed{1, of_point[i]}
                                              : (pair.has_high ? Weighed{0, of_point[i + 1]} : filling));
        pairs_.push_back(pair);
      }
      stem_.counts[point] = std::ssize(pairs_) - before;
    }
    return weighed;
  }

  /// Of a term of both sides among the terms across of a tile's rows, [height, side, tile].
  [[nodiscard]] StemTerm place(const TileTerm& term) const {
    const StemTerm& rows = sides_[term.y].pixels;
    const auto at = [&](std::int64_t row) { return (row * stem_.side + static_cast<std::int64_t>(term.x)) * kLanes; };
    return {at(rows.first), at(rows.second), rows.sign};
  }

  void round_weights(const ConvolutionWork& work, const std::vector<Weighed>& weighed, int o) {
    const Convolution& layer = work.layer;
    const std::int64_t window = std::int64_t{layer.kernel.height} * layer.kernel.width;
    const std::span<const float> of_output(work.weight + o * layer.in * window,
                                           static_cast<std::size_t>(layer.in * window));
    std::vector<double> values;
    double largest = 0;
    for (const Weighed& one : weighed) {
      const double value = one.channel < 0 ? 0 : transformed(of_output.data() + one.channel * window, one.term);
      values.push_back(value);
      largest = std::max(largest, std::abs(value));
    }
    steps_[o] =
        stem_weight_step(of_output, {.largest_pixel = kLargestStemPixel, .growth = kGrowth, .largest_weight = largest});
    bias_[o] = work.bias == nullptr ? 0 : work.bias[o];
    for (std::int64_t i = 0; i < std::ssize(values); ++i) {
      const std::int64_t pair = o / kStemPanel * std::ssize(pairs_) + i / 2;
      weights_[2 * (pair * kStemPanel + o % kStemPanel) + i % 2] =
          static_cast<std::int16_t>(std::nearbyint(values[static_cast<std::size_t>(i)] / steps_[o]));
    }
  }

  [[nodiscard]] double transformed(const float* filter, const TileTerm& term) const {
    const auto& down = sides_[term.y].taps;
    const auto& across = sides_[term.x].taps;
    double sum = 0;
    for (const double y : down) {
      for (const double x : across) sum += y * x * static_cast<double>(*filter++);
    }
    return sum;
  }

  const WinogradStems& kernels_;
  WinogradStem stem_;
  std::vector<SideTerm> sides_;
  std::vector<StemTerm> terms_;
  std::vector<StemPair> pairs_;
  std::int64_t out_item_ = 0;  // values
  Buffer<std::int16_t> weights_;
  Buffer<float> steps_, bias_;
};

}  // namespace

bool winograd_stem_fits(const ConvolutionWork& work, Precision precision) {
  if (precision == Precision::fp32 || winograd_stems() == nullptr) return false;
  const Convolution& layer = work.layer;
  const int kernel = layer.kernel.width;
  const int stride = layer.stride.width;
  const bool is_square = layer.kernel.height == kernel && layer.stride.height == stride;
  const bool has_phases = kernel >= 2 * stride && kernel <= 3 * stride;  // of two or three taps each
  const bool is_even = work.output.height % 2 == 0 && work.output.width % 2 == 0;
  const std::int64_t tiles = work.output.width / 2;
  return is_square && has_phases && kernel > 3 && kernel + stride <= kLargestStemTile && (work.pool || is_even) &&
         work.output.height >= 2 && work.input.width <= kWidestStem && tiles >= winograd_stems()->min_tiles &&
         tiles <= kLanes && layer.out % kStemPanel == 0;
}

std::unique_ptr<Step> make_winograd_stem_step(const ConvolutionWork& work) {
  return std::make_unique<WinogradStemStep>(work);
}

}  // namespace twinpatch::cpu
