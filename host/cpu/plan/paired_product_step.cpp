// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/paired_product_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/paired_products.hpp"
#include "kernels/paired_row_kernels.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

/// Vectors of outputs of one pass.
std::int64_t vectors_of(std::int64_t out) {
  for (const std::int64_t vectors : {4, 3, 2}) {
    if (out % (vectors * kPairedLanes) == 0) return vectors;
  }
  return 1;
}

class PairedProductStep final : public Step {
 public:
  PairedProductStep(const ProductWork& work, std::int64_t batch)
      : products_(*paired_products()),
        in_(work.in),
        out_(work.out),
        vectors_(vectors_of(work.out)),
        batch_(batch),
        relu_(work.activation == Activation::Kind::relu),
        weights_(work.in * work.out),
        steps_(work.out),
        bias_(work.out) {
    const std::int64_t panel = vectors_ * kPairedLanes;
    for (std::int64_t o = 0; o < out_; ++o) {
      const float* const row = work.weight + o * in_;
      steps_[o] = column_step({row, static_cast<std::size_t>(in_)});
      bias_[o] = work.bias == nullptr ? 0 : work.bias[o];
      for (std::int64_t i = 0; i < in_; ++i) {
        const auto to = (o / panel * in_ + i / 2 * 2) * panel + o % panel * 2 + i % 2;
        weights_[to] = static_cast<std::int16_t>(std::nearbyint(row[i] / steps_[o]));
      }
    }
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    const std::int64_t panel = vectors_ * kPairedLanes;
    auto* const sums = reinterpret_cast<std::int32_t*>(scratch);  // [batch, panel]
    auto* const row_steps = reinterpret_cast<float*>(sums + batch_ * panel);
    auto* const rows = reinterpret_cast<std::int16_t*>(row_steps + padded_batch());
    paired_row_kernels().narrow(in, batch, in_, rows, row_steps);
    for (std::int64_t first = 0; first < out_; first += panel) {
      products_.multiply(vectors_, {rows, batch, in_, weights_.data() + first * in_, sums});
      for (std::int64_t i = 0; i < batch; ++i) {
        paired_row_kernels().finish(
            {sums + i * panel, panel, row_steps[i], steps_.data() + first, bias_.data() + first, relu_},
            out + i * out_ + first);
      }
    }
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override {
    return 4 * (batch_ * vectors_ * kPairedLanes + padded_batch()) + 2 * batch_ * in_;
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("product of 16-bit integers {}", products_.name);
  }

 private:
  [[nodiscard]] std::int64_t padded_batch() const { return (batch_ + kPairedLanes - 1) / kPairedLanes * kPairedLanes; }

  /// The smallest step that keeps an output's integers within 16 bits and their norm within kColumnNorm.
  static float column_step(std::span<const float> weights) {
    double largest = 0;
    double squares = 0;
    for (const double value : weights) {
      largest = std::max(largest, std::abs(value));
      squares += value * value;
    }
    const double step = std::max(largest / 32767, std::sqrt(squares) / kColumnNorm);
    return step > 0 ? static_cast<float>(step) : 1.0F;
  }

  const PairedProducts& products_;
  std::int64_t in_, out_, vectors_, batch_;
  bool relu_;
  Buffer<std::int16_t> weights_;  // [out / panel][in / 2][panel][2]
  Buffer<float> steps_, bias_;
};

}  // namespace

bool paired_product_fits(const ProductWork& work) {
  return work.numbers.precision == Precision::bf16 && paired_products() != nullptr && work.in % kPairedLanes == 0 &&
         work.out % kPairedLanes == 0 && work.in <= kMaxPairedDepth && work.activation != Activation::Kind::tanh;
}

std::unique_ptr<Step> make_paired_product_step(const ProductWork& work, std::int64_t batch) {
  return std::make_unique<PairedProductStep>(work, batch);
}

}  // namespace twinpatch::cpu
