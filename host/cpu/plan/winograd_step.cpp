// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/winograd_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/winograd_kernels.hpp"
#include "kernels/winograd_matrices.hpp"
#include "twinpatch/core/buffer.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// What the transforms of one pass may take: the better part of a second-level cache of 1 to 2 MiB. Integers, whose
/// products are twice as fast, wait for what does not fit: 3 % of a layer of 5×5.
constexpr std::int64_t kBlockBytes = std::int64_t{1200} << 10;
constexpr std::int64_t kIntegerBlockBytes = std::int64_t{600} << 10;
/// Larger maps than this go to oneDNN: their transforms leave every cache.
constexpr std::int64_t kMaxItemBytes = std::int64_t{8} << 20;
/// A pass takes at least so many tiles (or one item), that the weights it streams in are used often enough.
constexpr std::int64_t kMinTiles = 24;

/// Weights [out, in, taps, taps] → G w Gᵀ, in double, as [out / panel][points²][in][panel].
template <int kOutputs, int kTaps>
void transform_weights(const WinogradTask& task, const float* weight, float* out) {
  constexpr auto& kMatrices = kWinograd<kOutputs, kTaps>;
  constexpr int kPoints = kMatrices.kPoints;
  for (std::int64_t o = 0; o < task.out; ++o) {
    for (std::int64_t c = 0; c < task.channels; ++c, weight += kTaps * kTaps) {
      double half[kPoints][kTaps] = {};
      for (int a = 0; a < kPoints; ++a) {
        for (int i = 0; i < kTaps; ++i) {
          for (int j = 0; j < kTaps; ++j) half[a][j] += kMatrices.filter[a][i] * weight[i * kTaps + j];
        }
      }
      for (int a = 0; a < kPoints; ++a) {
        for (int b = 0; b < kPoints; ++b) {
          double sum = 0;
          for (int j = 0; j < kTaps; ++j) sum += half[a][j] * kMatrices.filter[b][j];
          const auto matrix = (o / task.panel * kPoints + a) * kPoints + b;
          out[(matrix * task.channels + c) * task.panel + o % task.panel] = static_cast<float>(sum);
        }
      }
    }
  }
}

/// F(outputs × outputs, taps × taps), points² products for each pair of channels.
struct Form {
  int outputs, taps, points;
  WinogradKernels::Run WinogradKernels::*run;
  void (*transform_weights)(const WinogradTask& task, const float* weight, float* out);
};

template <int kOutputs, int kTaps>
constexpr Form form(WinogradKernels::Run WinogradKernels::*run) {
  return {kOutputs, kTaps, kWinograd<kOutputs, kTaps>.kPoints, run, &transform_weights<kOutputs, kTaps>};
}

constexpr Form kForms[] = {form<3, 5>(&WinogradKernels::f3x5), form<6, 5>(&WinogradKernels::f6x5),
                           form<4, 3>(&WinogradKernels::f4x3)};

std::int64_t tiles_of(const Form& form, Shape output) {
  return ceil_divide(output.height, form.outputs) * ceil_divide(output.width, form.outputs);
}

/// The form with the fewest products for this filter and map; null: none has such a filter.
const Form* best_form(const Convolution& layer, Shape output) {
  const Form* best = nullptr;
  const auto products = [&](const Form& form) { return tiles_of(form, output) * form.points * form.points; };
  for (const Form& form : kForms) {
    if (layer.kernel != Extent{form.taps, form.taps}) continue;
    if (best == nullptr || products(form) < products(*best)) best = &form;
  }
  return best;
}

/// Products in 16-bit integers for a layer in low precision; null for fp32 and where the processor has none.
const PairedProducts* integer_products(const Convolution& layer, Precision precision) {
  if (precision == Precision::fp32 || layer.in > kMaxPairedDepth) return nullptr;
  return winograd_kernels().panel(layer.out) % kPairedLanes == 0 ? paired_products() : nullptr;
}

WinogradTask make_task(const Form& form, const Convolution& layer, Shape input, Shape output,
                       const PairedProducts* products = nullptr) {
  WinogradTask task;
  task.height = input.height;
  task.width = input.width;
  task.channels = input.channels;
  task.out_height = output.height;
  task.out_width = output.width;
  task.out = output.channels;
  task.pad_y = layer.padding.height;
  task.pad_x = layer.padding.width;
  task.tiles_y = ceil_divide(output.height, form.outputs);
  task.tiles_x = ceil_divide(output.width, form.outputs);
  task.panel = winograd_kernels().panel(task.out);
  task.products = products;
  const std::int64_t channel_bytes = products != nullptr ? sizeof(std::int16_t) : sizeof(float);
  const auto tile_bytes = form.points * form.points *
                          (task.channels * channel_bytes + task.panel * static_cast<std::int64_t>(sizeof(float)));
  const auto tiles = std::max(kMinTiles, (products != nullptr ? kIntegerBlockBytes : kBlockBytes) / tile_bytes);
  task.block = std::max<std::int64_t>(1, tiles / (task.tiles_y * task.tiles_x));
  return task;
}

/// Transformed weights as integers, those of a point with one step: the largest that keeps every column's norm.
struct PairedWeights {
  std::vector<std::int16_t> integers;  ///< [out / panel][points²][in / 2][panel][2]
  std::vector<float> steps;            ///< [points²]
};

PairedWeights round_weights(const WinogradTask& task, const Buffer<float>& weights, std::int64_t matrices) {
  const auto at = [&](std::int64_t matrix, std::int64_t o, std::int64_t c) {
    const auto of_panel = o / task.panel * matrices + matrix;
    return weights[(of_panel * task.channels + c) * task.panel + o % task.panel];
  };
  constexpr float kLargest = 32767;
  PairedWeights result{std::vector<std::int16_t>(static_cast<std::size_t>(weights.size())),
                       std::vector<float>(static_cast<std::size_t>(matrices))};
  for (std::int64_t matrix = 0; matrix < matrices; ++matrix) {
    double step = 0;
    for (std::int64_t o = 0; o < task.out; ++o) {
      double squares = 0;
      for (std::int64_t c = 0; c < task.channels; ++c) {
        const double value = at(matrix, o, c);
        squares += value * value;
        step = std::max(step, std::abs(value) / kLargest);
      }
      step = std::max(step, std::sqrt(squares) / kColumnNorm);
    }
    result.steps[static_cast<std::size_t>(matrix)] = static_cast<float>(step);
    for (std::int64_t o = 0; step > 0 && o < task.out; ++o) {
      for (std::int64_t c = 0; c < task.channels; ++c) {
        const auto of_panel = o / task.panel * matrices + matrix;
        const auto to = (of_panel * task.channels + c / 2 * 2) * task.panel + o % task.panel * 2 + c % 2;
        result.integers[static_cast<std::size_t>(to)] =
            static_cast<std::int16_t>(std::nearbyint(at(matrix, o, c) / step));
      }
    }
  }
  return result;
}

class WinogradStep final : public Step {
 public:
  WinogradStep(const Form& form, const ConvolutionWork& work)
      : form_(form),
        task_(
            make_task(form, work.layer, work.input, work.output, integer_products(work.layer, work.numbers.precision))),
        bias_(work.layer.out) {
    task_.relu = work.activation == Activation::Kind::relu;
    task_.pool = work.pool;
    const auto& kernels = winograd_kernels();
    const auto matrices = std::int64_t{form.points} * form.points;
    weights_ = Buffer<float>(checked_multiply(matrices, task_.channels * task_.out));
    form.transform_weights(task_, work.weight, weights_.data());
    for (std::int64_t o = 0; o < task_.out; ++o) bias_[o] = work.bias == nullptr ? 0 : work.bias[o];
    if (task_.products != nullptr) {
      integers_ = round_weights(task_, weights_, matrices);
      weights_ = {};
      task_.integers = integers_.integers.data();
      task_.steps = integers_.steps.data();
    }
    task_.weights = weights_.data();
    task_.bias = bias_.data();
    scratch_bytes_ = kernels.scratch(task_, form.points) * static_cast<std::int64_t>(sizeof(float));
    run_ = kernels.*form.run;
    target_ = kernels.target;
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    run_(task_, batch, in, out, reinterpret_cast<float*>(scratch));
  }
  [[nodiscard]] std::int64_t scratch_bytes() const override { return scratch_bytes_; }
  [[nodiscard]] std::string name() const override {
    return fmt::format("Winograd convolution F({0}×{0}, {1}×{1}){2} {3}{4}", form_.outputs, form_.taps,
                       task_.pool ? " with pooling" : "", target_,
                       task_.products != nullptr ? ", products of 16-bit integers" : "");
  }

 private:
  const Form& form_;
  WinogradTask task_;
  Buffer<float> weights_, bias_;
  PairedWeights integers_;
  std::int64_t scratch_bytes_ = 0;
  WinogradKernels::Run run_ = nullptr;
  const char* target_ = "";
};

}  // namespace

bool winograd_fits(const Convolution& layer, Shape output) {
  const Form* const form = best_form(layer, output);
  if (form == nullptr || layer.stride != Extent{1, 1} || layer.in % 16 != 0 || layer.out % 16 != 0) return false;
  const auto products = tiles_of(*form, output) * form->points * form->points;
  const auto panel = winograd_kernels().panel(layer.out);
  if (products * (layer.in + panel) * std::int64_t{4} > kMaxItemBytes) return false;
  const auto direct = std::int64_t{output.height} * output.width * layer.kernel.height * layer.kernel.width;
  return 5 * products <= 3 * direct;  // less is eaten up by the transforms
}

std::unique_ptr<Step> make_winograd_step(const ConvolutionWork& work) {
  const Form* const form = best_form(work.layer, work.output);
  if (form == nullptr) throw InvalidArgument("Winograd's method supports only 5×5 and 3×3 filters");
  return std::make_unique<WinogradStep>(*form, work);
}

}  // namespace twinpatch::cpu
