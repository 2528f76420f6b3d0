// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/dnnl_steps.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "plan/dnnl_primitives.hpp"
#include "plan/input_rounding.hpp"
#include "twinpatch/core/buffer.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

using dnnl::memory;
using Dims = memory::dims;

/// oneDNN's exceptions, told in our own terms.
template <class Work>
auto translated(std::string_view what, const Work& work) {
  try {
    return work();
  } catch (const dnnl::error& error) {
    const auto text =
        fmt::format("oneDNN cannot make {}: {} (status {})", what, error.what(), static_cast<int>(error.status));
    if (error.status == dnnl_out_of_memory) throw OutOfMemory(text);
    throw DeviceError(text);
  }
}

memory::desc describe_memory(const Dims& dims, memory::format_tag tag,
                             memory::data_type type = memory::data_type::f32) {
  return {dims, type, tag};
}

/// Activations: NHWC.
memory::desc map(std::int64_t batch, Shape shape, memory::data_type type = memory::data_type::f32) {
  return describe_memory({batch, shape.channels, shape.height, shape.width}, memory::format_tag::nhwc, type);
}

memory::data_type input_type(const LayerNumbers& numbers) {
  if (numbers.precision == Precision::bf16) return memory::data_type::bf16;
  if (numbers.precision != Precision::int8) return memory::data_type::f32;
  return integer_steps(numbers.range).is_signed ? memory::data_type::s8 : memory::data_type::u8;
}
memory::data_type weight_type(const LayerNumbers& numbers) {
  return numbers.precision == Precision::int8 ? memory::data_type::s8 : input_type(numbers);
}

/// Values of an item before a step and after it, and what those before it are rounded to.
struct ItemSizes {
  std::int64_t in, out;
  LayerNumbers numbers{};
};

/// In plain layout; each may be empty. Factors: one for each output, where a run is given them.
struct PlainWeights {
  memory weights, bias, factors;
};

/// A oneDNN primitive has its batch built in. A step keeps one for each of a few sizes (the planned batch, a quarter of
/// it, … 1) and takes a batch apart into those; their weights are shared where their layouts agree.
class DnnlStep final : public Step {
 public:
  /// `make(batch)` plans one size.
  template <class Make>
  DnnlStep(std::string kind, ItemSizes items, StepSize size, const PlainWeights& weights, const Make& make)
      : kind_(std::move(kind)), items_(items), rounding_(items.numbers, items.in, size.batch), stream_(dnnl_engine()) {
    const SingleThreaded alone;  // implementations split their work when they are planned
    translated(kind_, [&] {
      for (auto batch = size.batch; batch >= 1; batch = batch == 1 ? 0 : ceil_divide(batch, 4)) {
        add_variant(make(batch), batch, weights, size.workers);
      }
    });
  }

  void run(int worker, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    for (auto& variant : variants_) {
      for (; batch >= variant.batch; batch -= variant.batch) {
        auto& arguments = variant.workers[static_cast<std::size_t>(worker)];
        // oneDNN has no const memory
        arguments.source.set_data_handle(const_cast<void*>(rounding_.round(in, variant.batch, scratch)));
        arguments.destination.set_data_handle(out);
        arguments.scratchpad.set_data_handle(scratch + rounding_.scratch_bytes());
        translated(kind_, [&] {
          dnnl::error::wrap_c_api(
              dnnl_primitive_execute(variant.primitive.get(), stream_.get(), arguments.count, arguments.list.data()),
              "could not execute a primitive");
        });
        rounding_.spoil(scratch, variant.batch, out, items_.out);
        in += variant.batch * items_.in;
        out += variant.batch * items_.out;
      }
    }
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override { return rounding_.scratch_bytes() + scratch_bytes_; }
  [[nodiscard]] std::string name() const override {
    return fmt::format("oneDNN {} {}", kind_, variants_.front().implementation);
  }

 private:
  /// One worker's handles: their pointers are set for each run.
  struct Arguments {
    memory source, destination, scratchpad;
    std::array<dnnl_exec_arg_t, 6> list{};
    int count = 0;
    void add(int index, const memory& value) { list[static_cast<std::size_t>(count++)] = {index, value.get()}; }
  };
  struct Variant {
    std::int64_t batch = 0;
    dnnl::primitive primitive;
    std::string implementation;
    memory weights, bias, factors;
    std::vector<Arguments> workers;
  };

  void add_variant(const PlannedPrimitive& plan, std::int64_t batch, const PlainWeights& plain, int workers) {
    Variant variant;
    variant.batch = batch;
    variant.primitive = plan.primitive;
    variant.implementation = plan.implementation;
    if (plain.weights) variant.weights = reordered(plan.weights, plain.weights, &Variant::weights);
    if (plain.bias) variant.bias = reordered(plan.bias, plain.bias, &Variant::bias);
    if (plain.factors) variant.factors = reordered(plain.factors.get_desc(), plain.factors, &Variant::factors);
    for (int worker = 0; worker < workers; ++worker) {
      Arguments arguments;
      arguments.source = memory(plan.source, dnnl_engine(), nullptr);
      arguments.destination = memory(plan.destination, dnnl_engine(), nullptr);
      arguments.scratchpad = memory(plan.scratchpad, dnnl_engine(), nullptr);
      arguments.add(DNNL_ARG_SRC, arguments.source);
      arguments.add(DNNL_ARG_DST, arguments.destination);
      arguments.add(DNNL_ARG_SCRATCHPAD, arguments.scratchpad);
      if (plain.weights) arguments.add(DNNL_ARG_WEIGHTS, variant.weights);
      if (plain.bias) arguments.add(DNNL_ARG_BIAS, variant.bias);
      if (plain.factors) arguments.add(kFactorsArgument, variant.factors);
      variant.workers.push_back(std::move(arguments));
    }
    scratch_bytes_ = std::max(scratch_bytes_, static_cast<std::int64_t>(plan.scratchpad.get_size()));
    variants_.push_back(std::move(variant));
  }

  memory reordered(const memory::desc& wanted, const memory& plain, memory Variant::*member) {
    for (const auto& earlier : variants_) {
      if ((earlier.*member).get_desc() == wanted) return earlier.*member;
    }
    memory result(wanted, dnnl_engine());
    dnnl::reorder(plain, result).execute(stream_, const_cast<memory&>(plain), result);
    stream_.wait();
    return result;
  }

  std::string kind_;
  ItemSizes items_;
  InputRounding rounding_;
  dnnl::stream stream_;
  std::vector<Variant> variants_;   // largest batch first, the last is 1
  std::int64_t scratch_bytes_ = 0;  // of oneDNN
};

memory plain_memory(const float* values, const Dims& dims, memory::format_tag tag) {
  return {describe_memory(dims, tag), dnnl_engine(), const_cast<float*>(values)};  // only read, by a reorder
}

/// Weights [out, …] and biases as a primitive in these numbers wants them. Sums of integers have a factor for each
/// output.
struct LayerWeights {
  LayerWeights(const LayerNumbers& numbers, const Dims& dims, const float* weight, const float* bias)
      : weights{weight, weight + product(dims)}, biases(bias, bias == nullptr ? nullptr : bias + dims[0]) {
    if (numbers.precision != Precision::int8) return;
    auto [integers, steps] = integer_weights(weights, dims[0]);
    weights = std::move(integers);
    factors = std::move(steps);
    for (float& factor : factors) factor *= integer_steps(numbers.range).step;
    if (kFactorsArgument != 0) return;
    for (std::size_t i = 0; i < biases.size(); ++i) biases[i] /= factors[i];
  }
  static std::int64_t product(const Dims& dims) {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
  }
  [[nodiscard]] PlainWeights plain(const Dims& dims, memory::format_tag tag) const {
    const auto vector = [](const std::vector<float>& values) {
      if (values.empty()) return memory();
      return plain_memory(values.data(), {static_cast<std::int64_t>(values.size())}, memory::format_tag::x);
    };
    return {plain_memory(weights.data(), dims, tag), vector(biases),
            kFactorsArgument != 0 ? vector(factors) : memory()};
  }
  std::vector<float> weights, biases, factors;  // factors: of int8
};

}  // namespace

std::unique_ptr<Step> make_convolution_step(const ConvolutionWork& work, StepSize size) {
  const Convolution& layer = work.layer;
  const Dims kernel{layer.out, layer.in, layer.kernel.height, layer.kernel.width};
  const Dims stride{layer.stride.height, layer.stride.width};
  const Dims padding{layer.padding.height, layer.padding.width};
  const LayerWeights weights(work.numbers, kernel, work.weight, work.bias);
  const auto any = describe_memory(kernel, memory::format_tag::any, weight_type(work.numbers));
  const auto any_bias = work.bias == nullptr ? memory::desc() : describe_memory({layer.out}, memory::format_tag::x);
  const WindowSteps window{.size = {}, .stride = stride, .padding_before = padding, .padding_after = padding};
  const auto make = [&](std::int64_t batch) {
    return plan_convolution({.source = map(batch, work.input, input_type(work.numbers)),
                             .weights = any,
                             .bias = any_bias,
                             .destination = map(batch, work.output)},
                            window, work.activation, weights.factors);
  };
  return translated("a convolution", [&] {
    return std::make_unique<DnnlStep>("convolution", ItemSizes{work.input.size(), work.output.size(), work.numbers},
                                      size, weights.plain(kernel, memory::format_tag::oihw), make);
  });
}

std::unique_ptr<Step> make_inner_product_step(const ProductWork& work, StepSize size) {
  const Dims matrix{work.out, work.in};
  const LayerWeights weights(work.numbers, matrix, work.weight, work.bias);
  const auto any = describe_memory(matrix, memory::format_tag::any, weight_type(work.numbers));
  const auto any_bias = work.bias == nullptr ? memory::desc() : describe_memory({work.out}, memory::format_tag::x);
  const auto make = [&](std::int64_t batch) {
    return plan_inner_product(
        {.source = describe_memory({batch, work.in}, memory::format_tag::nc, input_type(work.numbers)),
         .weights = any,
         .bias = any_bias,
         .destination = describe_memory({batch, work.out}, memory::format_tag::nc)},
        work.activation, weights.factors);
  };
  return translated("an inner product", [&] {
    return std::make_unique<DnnlStep>("inner product", ItemSizes{work.in, work.out, work.numbers}, size,
                                      weights.plain(matrix, memory::format_tag::oi), make);
  });
}

std::unique_ptr<Step> make_pooling_step(const Pooling& layer, Shape input, Shape output, StepSize size) {
  const Dims window{layer.window.height, layer.window.width};
  const Dims stride{layer.stride.height, layer.stride.width};
  // A window that rounding up leaves hanging over the border is a padding there (negative: values left over).
  const Dims after{(output.height - 1) * stride[0] + window[0] - input.height,
                   (output.width - 1) * stride[1] + window[1] - input.width};
  const auto algorithm =
      layer.kind == Pooling::Kind::max ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
  const auto make = [&](std::int64_t batch) {
    return plan_pooling(algorithm,
                        {.source = map(batch, input), .weights = {}, .bias = {}, .destination = map(batch, output)},
                        {.size = window, .stride = stride, .padding_before = {0, 0}, .padding_after = after});
  };
  return translated("a pooling", [&] {
    return std::make_unique<DnnlStep>("pooling", ItemSizes{input.size(), output.size()}, size, PlainWeights(), make);
  });
}

std::unique_ptr<Step> make_activation_step(Activation::Kind kind, std::int64_t values, StepSize size) {
  const auto make = [&](std::int64_t batch) {
    return plan_activation(kind, describe_memory({batch, values}, memory::format_tag::nc));
  };
  return translated("an activation", [&] {
    return std::make_unique<DnnlStep>("activation", ItemSizes{values, values}, size, PlainWeights(), make);
  });
}

SingleThreaded::SingleThreaded() : threads_before_(omp_get_max_threads()) { omp_set_num_threads(1); }
SingleThreaded::~SingleThreaded() { omp_set_num_threads(threads_before_); }

DnnlProducts dnnl_products() {
  const auto set = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [&](dnnl::cpu_isa wanted) {
    return (set & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
  };
  return {.bf16 = has(dnnl::cpu_isa::avx512_core_bf16),
          .int8 = has(dnnl::cpu_isa::avx512_core_vnni) || has(dnnl::cpu_isa::avx2_vnni),
          .amx = has(dnnl::cpu_isa::avx512_core_amx)};
}

std::string dnnl_version() {
  const auto* version = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace twinpatch::cpu
