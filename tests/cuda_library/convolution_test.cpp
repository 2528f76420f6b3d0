// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution.hpp"

#include <catch2/catch.hpp>

#include "device_support.hpp"
#include "support/message.hpp"
#include "support/reference.hpp"
#include "support/temporary_folder.hpp"
#include "support/tolerances.hpp"

namespace twinpatch::test {
namespace {

using cuda::ConvolutionPlan;
using cuda::ConvolutionRequest;
using cuda::NumberType;

struct Case {
  const char* name;
  Shape input;
  Convolution layer;
  bool relu;
  std::optional<Pooling> pooling;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"first of siam, small", {1, 22, 25}, {1, 24, {7, 7}, {3, 3}, {0, 0}, true}, true, Pooling{}},
      {"first of 2ch, small", {2, 25, 22}, {2, 16, {7, 7}, {3, 3}, {0, 0}, true}, true, Pooling{}},
      {"5x5 after pooling", {16, 10, 10}, {16, 32, {5, 5}, {1, 1}, {0, 0}, true}, true, Pooling{}},
      {"to one pixel, no ReLU", {32, 3, 3}, {32, 24, {3, 3}, {1, 1}, {0, 0}, true}, false, std::nullopt},
      {"rounding up",
       {8, 9, 11},
       {8, 16, {3, 3}, {1, 1}, {0, 0}, true},
       true,
       Pooling{Pooling::Kind::max, {2, 2}, {2, 2}, true}},
      {"padded, no bias", {8, 5, 6}, {8, 8, {3, 3}, {1, 1}, {1, 1}, false}, true, std::nullopt},
      {"half of a first layer", {1, 16, 16}, {1, 96, {5, 5}, {1, 1}, {0, 0}, false}, false, std::nullopt},
      {"1x1 and windows of 3",
       {24, 7, 7},
       {24, 8, {1, 1}, {1, 1}, {0, 0}, true},
       true,
       Pooling{Pooling::Kind::max, {3, 3}, {2, 2}, false}},
  };
  return all;
}

Tolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return tolerance::kLayerFp32;
    case Precision::tf32:
      return tolerance::kLayerTf32;
    case Precision::fp16:
      return tolerance::kLayerFp16;
    default:
      return tolerance::kLayerBf16;
  }
}

/// Weights, a batch and a bias of one case, and what must come out.
struct Work {
  ConvolutionRequest request;
  std::vector<float> weights, bias, input;  // input: [batch, height, width, channels]
  std::vector<double> expected;             // likewise

  Work(const Case& from, Precision precision, std::int64_t batch, std::uint64_t seed) {
    request = {.batch = batch,
               .input = from.input,
               .layer = from.layer,
               .relu = from.relu,
               .pooling = from.pooling,
               .precision = precision};
    const NumberType type = cuda::storage_of(precision);
    const auto& layer = request.layer;
    const std::int64_t window = std::int64_t{layer.in} * layer.kernel.height * layer.kernel.width;
    weights = numbers(layer.out * window, seed, 1.0 / std::sqrt(static_cast<double>(window)), type);
    bias = numbers(layer.out, seed + 1, 0.5, type);
    input = numbers(batch * from.input.size(), seed + 2, 1.0, type);
    expect();
  }

  void expect() {
    const auto& layer = request.layer;
    reference::Weights tensors;
    tensors["weight"] = Tensor{{layer.out, layer.in, layer.kernel.height, layer.kernel.width}, weights};
    if (layer.bias) tensors["bias"] = Tensor{{layer.out}, bias};
    for (std::int64_t item = 0; item < request.batch; ++item) {
      reference::Map map(request.input);
      std::size_t at = static_cast<std::size_t>(item * request.input.size());
      for (int y = 0; y < map.shape.height; ++y) {
        for (int x = 0; x < map.shape.width; ++x) {
          for (int c = 0; c < map.shape.channels; ++c) map.at(c, y, x) = static_cast<double>(input[at++]);
        }
      }
      map = reference::apply(Layer(layer), map, tensors, "");
      if (request.relu) map = reference::apply(Layer(Activation{}), map, tensors, "");
      if (request.pooling) map = reference::apply(Layer(*request.pooling), map, tensors, "");
      for (int y = 0; y < map.shape.height; ++y) {
        for (int x = 0; x < map.shape.width; ++x) {
          for (int c = 0; c < map.shape.channels; ++c) expected.push_back(map.at(c, y, x));
        }
      }
    }
  }
};

/// Runs a work with a plan that may still be tuned; returns what came out.
std::vector<float> run(OpenDevice& device, ConvolutionPlan& plan, const Work& work) {
  const NumberType type = cuda::storage_of(work.request.precision);
  const auto stream = device.context.compute();
  const auto in = device.upload(cuda::pack(work.input, type));
  const auto filter = device.upload(cuda::pack_filter(work.request.layer, work.weights, type));
  const auto bias = device.upload(cuda::pack(work.bias, type));
  auto out = device.make(work.request.batch * work.request.output().size() * cuda::size_of(type));
  auto workspace = device.make(plan.workspace_bytes());
  plan.tune(stream, {in.data(), filter.data(), bias.data(), out.data(), workspace.data()});
  CHECK_FALSE(plan.needs_tuning());
  CHECK(plan.workspace_bytes() <= workspace.size());
  out = device.make(out.size());  // what tuning wrote must not count
  plan.run(stream, {in.data(), filter.data(), bias.data(), out.data(), workspace.data()});
  return unpack(device.download(out), type);
}

}  // namespace

TEST_CASE("a convolution with bias, ReLU and pooling equals the reference") {
  if (!have_device()) return;
  OpenDevice device;
  std::uint64_t seed = 100;
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    for (const Case& from : cases()) {
      for (const std::int64_t batch : {1, 5}) {
        INFO(from.name << ", " << to_string(precision) << ", batch " << batch);
        const Work work(from, precision, batch, seed += 10);
        ConvolutionPlan plan(device.libraries, work.request);
        INFO(plan.description());
        expect_close(run(device, plan, work), work.expected, tolerance_of(precision));
      }
    }
  }
}

TEST_CASE("a convolution is captured into a graph and replayed on new values") {
  if (!have_device()) return;
  OpenDevice device;
  const Work first(cases()[2], Precision::fp32, 3, 7);
  const Work second(cases()[2], Precision::fp32, 3, 8);
  ConvolutionPlan plan(device.libraries, first.request);
  const auto stream = device.context.compute();
  auto in = device.upload(cuda::pack(first.input, NumberType::fp32));
  auto filter = device.upload(cuda::pack_filter(first.request.layer, first.weights, NumberType::fp32));
  auto bias = device.upload(cuda::pack(first.bias, NumberType::fp32));
  auto out = device.make(3 * first.request.output().size() * 4);
  auto workspace = device.make(plan.workspace_bytes());
  const auto once = [&] { plan.run(stream, {in.data(), filter.data(), bias.data(), out.data(), workspace.data()}); };
  once();  // libraries load kernels on first use
  device.context.synchronize();
  const auto graph = cuda::Graph::capture(stream, once);
  for (const Work* work : {&second, &first}) {
    const auto put = [&](const std::vector<std::byte>& bytes, cuda::DeviceBuffer<std::byte>& to) {
      cuda::copy_to_device<std::byte>(bytes, to.view(), stream);
      device.context.synchronize();
    };
    put(cuda::pack(work->input, NumberType::fp32), in);
    put(cuda::pack_filter(work->request.layer, work->weights, NumberType::fp32), filter);
    put(cuda::pack(work->bias, NumberType::fp32), bias);
    graph.launch(stream);
    expect_close(unpack(device.download(out), NumberType::fp32), work->expected, tolerance::kLayerFp32);
  }
}

TEST_CASE("the plan of a convolution survives being kept on disk, and damage to it") {
  if (!have_device()) return;
  const TemporaryFolder folder;
  std::vector<std::string> lines;
  const cuda::LibraryOptions options{folder.path() / "plans", [&](const std::string& line) { lines.push_back(line); }};
  const Work work(cases()[2], Precision::fp16, 4, 21);
  std::vector<float> first;
  {
    OpenDevice device(options);
    ConvolutionPlan plan(device.libraries, work.request);
    first = run(device, plan, work);
  }
  for (const bool damaged : {false, true}) {
    lines.clear();
    if (damaged && std::filesystem::exists(options.tuned_plans)) {
      for (const auto& entry : std::filesystem::directory_iterator(options.tuned_plans)) {
        std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) / 2);
      }
    }
    OpenDevice device(options);
    ConvolutionPlan plan(device.libraries, work.request);
    const bool kept = !plan.needs_tuning();
    if (kept) CHECK_FALSE(damaged);
    if (damaged && std::filesystem::exists(options.tuned_plans)) CHECK_FALSE(lines.empty());
    expect_close(run(device, plan, work), work.expected, tolerance::kLayerFp16);
    if (kept) {
      const auto again = run(device, plan, work);
      CHECK(again == first);  // the same kernels: the same bits
    }
  }
}

TEST_CASE("a convolution that makes no sense is refused") {
  const Case from = cases()[0];
  ConvolutionRequest request{.batch = 0, .input = from.input, .layer = from.layer};
  CHECK(message_of<InvalidArgument>([&] { request.validate(); }).find("batch of 0") != std::string::npos);
  request.batch = 1;
  request.precision = Precision::int8;
  CHECK(message_of<InvalidArgument>([&] { request.validate(); }).find("int8") != std::string::npos);
  request.precision = Precision::fp32;
  request.pooling = Pooling{Pooling::Kind::average, {2, 2}, {2, 2}, false};
  (void)message_of<InvalidArgument>([&] { request.validate(); });
  request.pooling = Pooling{Pooling::Kind::max, {33, 33}, {1, 1}, false};
  (void)message_of<Error>([&] { request.validate(); });
  request.pooling.reset();
  request.input.channels = 3;
  (void)message_of<ShapeError>([&] { request.validate(); });
  request.input = from.input;
  request.batch = std::int64_t{1} << 62;
  (void)message_of<InvalidArgument>([&] { request.validate(); });
  (void)message_of<ShapeError>([&] { (void)cuda::pack_filter(from.layer, std::vector<float>(5), NumberType::fp32); });
}

}  // namespace twinpatch::test
