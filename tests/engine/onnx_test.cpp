// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "support/random.hpp"
#include "support/small_networks.hpp"
#include "support/temporary_folder.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/net/onnx.hpp"

// Every network as ONNX Runtime runs it. The Python that has it is $TWINPATCH_ONNX_PYTHON (default: python3).

using namespace twinpatch;

namespace {

constexpr std::int64_t kPatches = 3;

struct Case {
  std::string file;
  NetworkSpec spec;
  std::vector<float> ours;
};

/// Layers that no network of the catalogue has.
std::vector<NetworkSpec> other_networks() {
  NetworkSpec odd;
  odd.name = "odd";
  odd.input = Extent{13, 11};
  odd.normalisation = {.scale = 0.01, .divide_deviation = true, .deviation_epsilon = 1e-3, .unbiased_deviation = true};
  odd.streams = {{{StreamView::Kind::whole},
                  {BatchNormalisation{.channels = 1},
                   Convolution{.in = 1, .out = 4, .kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 0}},
                   Pooling{.kind = Pooling::Kind::average, .window = {3, 2}, .stride = {2, 2}, .ceil = true},
                   Activation{Activation::Kind::tanh}, Subsampling{4, {2, 1}}, SpatialPyramid{{1, 2}}, Linear{20, 6},
                   Activation{}, Subsampling{6, {1, 1}}}}};
  odd.decision = DecisionMetric{DecisionMetric::Kind::l1, false};
  NetworkSpec raw = odd;
  raw.name = "raw";
  raw.normalisation = {.scale = 0.25, .subtract_mean = false};
  raw.coupling = Coupling::pseudo_siamese;
  NetworkSpec cosine = raw;
  cosine.name = "cosine";
  cosine.decision = DecisionMetric{DecisionMetric::Kind::cosine, true};
  for (const NetworkSpec* spec : {&odd, &raw, &cosine}) check(*spec);
  return {odd, raw, cosine};
}

PatchView view_of(const std::vector<std::uint8_t>& pixels, Extent size) {
  return {PixelType::u8, pixels.data(), kPatches, size.height, size.width};
}

/// Writes the graph and its inputs, and computes what it should put out.
Case prepare(const NetworkSpec& spec, std::uint64_t seed, const test::TemporaryFolder& folder) {
  const Model model = random_model(spec, seed);
  const Extent size = spec.input.value_or(Extent{64, 64});
  const auto left = test::structured_patches(kPatches, size.height, size.width, seed);
  const auto right = test::structured_patches(kPatches, size.height, size.width, seed + 1000);
  Case result{(folder / spec.name).string(), spec, {}};
  Engine engine(model, {.device = "cpu"});
  const OnnxModel graph = to_onnx(model);
  if (graph.inputs.size() == 1) {
    const Matrix descriptors = engine.describe(view_of(left, size));
    result.ours.assign(descriptors.span().begin(), descriptors.span().end());
  } else {
    result.ours =
        engine.score(view_of(left, size), view_of(right, size), std::vector<IndexPair>{{0, 0}, {1, 1}, {2, 2}});
  }
  const auto bytes = serialize_onnx(graph);
  (void)folder.file(spec.name + ".onnx", bytes);
  for (const OnnxValue& input : graph.inputs) {
    const auto& pixels = input.name == "right" ? right : left;
    const std::vector<float> floats(pixels.begin(), pixels.end());
    write_npy(result.file + "." + input.name + ".npy", std::span(floats), {kPatches, 1, size.height, size.width});
  }
  return result;
}

}  // namespace

TEST_CASE("ONNX Runtime puts out what the engine does, for every network") {
  const char* const chosen = std::getenv("TWINPATCH_ONNX_PYTHON");
  const std::string python = chosen == nullptr ? "python3" : chosen;
  if (std::system((python + " -c 'import numpy, onnxruntime' 2>/dev/null").c_str()) != 0) {
    std::puts("skipped: no Python with onnxruntime and numpy (TWINPATCH_ONNX_PYTHON)");
    return;
  }
  const test::TemporaryFolder folder;
  std::vector<Case> cases;
  std::uint64_t seed = 0;
  for (const NetworkSpec& spec : catalogue()) cases.push_back(prepare(spec, ++seed, folder));
  for (const NetworkSpec& spec : other_networks()) cases.push_back(prepare(spec, ++seed, folder));
  REQUIRE(std::system((python + " " + TWINPATCH_ONNX_SCRIPT + " " + folder.path().string()).c_str()) == 0);
  double worst = 0;
  for (const Case& one : cases) {
    INFO(one.spec.name);
    const NpyArray theirs = read_npy(one.file + ".out.npy");
    const auto values = theirs.values<float>();
    test::expect_close(one.ours, std::vector<double>(values.begin(), values.end()), test::tolerance::kOnnxFp32);
    for (std::size_t i = 0; i < values.size(); ++i) {
      worst = std::max(worst, std::abs(double{values[i]} - one.ours[i]) / std::max(1.0, std::abs(double{values[i]})));
    }
  }
  std::printf("%zu networks, largest difference %.2g\n", cases.size(), worst);
}
