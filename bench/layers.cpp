// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Single layers on one thread of the CPU: directly in each precision that the processor has, and by Winograd's method
// in fp32 and in 16-bit integers. `items_per_second` is multiply-adds of the direct form, whatever is really computed,
// so that rows compare.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "plan/dnnl_steps.hpp"
#include "plan/winograd_step.hpp"
#include "twinpatch/core/buffer.hpp"

namespace {

using namespace twinpatch;

constexpr std::int64_t kBatch = 32;

struct Case {
  const char* name;
  Convolution layer;
  int side;  ///< of the input
};

Convolution square(int in, int out, int kernel, int stride = 1, int padding = 0) {
  return {.in = in, .out = out, .kernel = {kernel, kernel}, .stride = {stride, stride}, .padding = {padding, padding}};
}

Shape output_of(const Case& of) { return output_shape(of.layer, {of.layer.in, of.side, of.side}); }

void run(benchmark::State& state, const Case& of, Precision precision, bool winograd) {
  const cpu::SingleThreaded alone;
  const Shape in{of.layer.in, of.side, of.side};
  const Shape out = output_of(of);
  const auto taps = std::int64_t{of.layer.in} * of.layer.kernel.height * of.layer.kernel.width;
  std::uint32_t random = 1;
  const auto next = [&] { return static_cast<float>((random = random * 1664525U + 1013904223U) >> 8) * 0x1p-24F; };
  std::vector<float> weight(static_cast<std::size_t>(taps * of.layer.out));
  std::generate(weight.begin(), weight.end(), [&] { return next() - 0.5F; });
  const std::vector<float> bias(static_cast<std::size_t>(of.layer.out), 0.1F);
  const cpu::ConvolutionWork work{of.layer,      in,          out,        Activation::Kind::relu, false,
                                  weight.data(), bias.data(), {precision}};
  const auto step =
      winograd ? cpu::make_winograd_step(work) : cpu::make_convolution_step(work, {.batch = kBatch, .workers = 1});
  Buffer<float> source(kBatch * in.size());
  Buffer<float> destination(kBatch * out.size());
  Buffer<std::byte> scratch(step->scratch_bytes());
  std::generate_n(source.data(), kBatch * in.size(), next);
  state.SetLabel(step->name());
  for (auto _ : state) {
    step->run(0, kBatch, source.data(), destination.data(), scratch.data());
    benchmark::DoNotOptimize(destination.data());
  }
  state.SetItemsProcessed(state.iterations() * kBatch * out.size() * taps);
}

}  // namespace

int main(int argc, char** argv) {
  const Case cases[] = {
      {"7x7/3_2_96_at_64", square(2, 96, 7, 3), 64},      {"5x5_96_192_at_10", square(96, 192, 5), 10},
      {"3x3_32_32_at_32", square(32, 32, 3, 1, 1), 32},   {"3x3/2_32_64_at_32", square(32, 64, 3, 2, 1), 32},
      {"3x3_64_64_at_16", square(64, 64, 3, 1, 1), 16},   {"3x3/2_64_128_at_16", square(64, 128, 3, 2, 1), 16},
      {"3x3_128_128_at_8", square(128, 128, 3, 1, 1), 8}, {"8x8_128_128_at_8", square(128, 128, 8), 8}};
  for (const Case& of : cases) {
    const auto add = [&](const std::string& how, Precision precision, bool winograd) {
      benchmark::RegisterBenchmark((std::string(of.name) + "/" + how).c_str(), [of, precision, winograd](auto& state) {
        run(state, of, precision, winograd);
      })->MeasureProcessCPUTime();
    };
    for (const Precision precision : cpu::processor_precisions()) add(to_string(precision), precision, false);
    if (!cpu::winograd_fits(of.layer, output_of(of))) continue;
    add("winograd", Precision::fp32, true);
    add("winograd_integers", Precision::bf16, true);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
