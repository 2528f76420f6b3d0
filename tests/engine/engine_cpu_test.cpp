// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <thread>

#include "support/random.hpp"
#include "support/reference.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "twinpatch/engine/engine.hpp"

// The engine on the CPU, from patches to matches, against the reference.

namespace twinpatch::test {
namespace {

NetworkSpec small_network(Coupling coupling, Decision decision, bool any_size) {
  NetworkSpec spec;
  spec.name = "small";
  if (any_size) {
    spec.minimum_input = Extent{4, 4};
  } else {
    spec.input = Extent{12, 12};
  }
  spec.coupling = coupling;
  const int channels = coupling == Coupling::two_channel ? 2 : 1;
  spec.streams = {Stream{
      {},
      {Convolution{channels, 5, {3, 3}}, Activation{}, any_size ? Layer(SpatialPyramid{{1, 2}}) : Layer(Pooling{})}}};
  spec.decision = std::move(decision);
  return spec;
}

ExecutionOptions cpu_options(int threads, std::int64_t memory = 0) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = threads;
  options.memory = memory;
  return options;
}

PatchSet photographs(std::int64_t count, int side, std::uint64_t seed) {
  PatchSet result(count, side, side);
  const auto pixels = structured_patches(count, side, side, seed);
  for (std::int64_t i = 0; i < count; ++i)
    std::copy_n(pixels.data() + i * side * side, side * side, result.mutable_patch(i));
  return result;
}

Decision head(int length) { return DecisionLayers{{Linear{2 * length, 40}, Activation{}, Linear{40, 1}}}; }

}  // namespace

TEST_CASE("siamese networks on the CPU, from patches to matches") {
  const int length = 5 * 5 * 5;
  const auto coupling = GENERATE(Coupling::siamese, Coupling::pseudo_siamese);
  const auto decision = GENERATE_COPY(head(length), Decision(DecisionMetric{DecisionMetric::Kind::l2, true}));
  const auto memory = GENERATE(std::int64_t{0}, std::int64_t{4096});
  const Model model = random_model(small_network(coupling, decision, false), 5);
  const PatchSet left = photographs(75, 12, 1);
  const PatchSet right = photographs(131, 12, 2);
  const auto expected = reference::scores(model, left.view(), right.view());

  Engine engine(model, cpu_options(2, memory));
  CHECK_THAT(engine.device(), Catch::Contains("CPU, 2 threads"));
  std::vector<IndexPair> pairs;
  for (std::int32_t j = 130; j >= 0; --j) {
    for (std::int32_t i = 0; i < 75; ++i) pairs.push_back({i, j});
  }
  const auto listed = engine.score(left.view(), right.view(), pairs);
  std::vector<double> expected_list;
  for (const IndexPair pair : pairs)
    expected_list.push_back(expected[static_cast<std::size_t>(pair.left * 131 + pair.right)]);
  expect_close(listed, expected_list, tolerance::kScoreFp32);

  Matrix scores(75, 131);
  engine.grid(left, right, [&](std::int64_t row, std::int64_t column, MatrixView tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.row(i).data(), tile.columns, scores.row(row + i).data() + column);
    }
  });
  expect_close(scores.span(), expected, tolerance::kScoreFp32);

  const Selected selected = engine.grid(left, right, {.top_k = 2, .column_best = true});
  const MatchRules rules;
  CHECK(engine.match(left, right, rules) == matches(selected, rules));
  for (std::int64_t i = 0; i < 75; ++i) {
    const auto first = expected.begin() + i * 131;
    CHECK(selected.scores[i * 2] == Approx(*std::max_element(first, first + 131)).margin(1e-4));
  }
  // Results depend neither on threads nor on memory.
  const Selected again = Engine(model, cpu_options(3)).grid(left, right, {.top_k = 2, .column_best = true});
  CHECK(std::equal(selected.indices.span().begin(), selected.indices.span().end(), again.indices.data()));
  CHECK(std::equal(selected.scores.span().begin(), selected.scores.span().end(), again.scores.data()));
}

TEST_CASE("patches of different sizes in one run") {
  const Model model =
      random_model(small_network(Coupling::siamese, DecisionMetric{DecisionMetric::Kind::l2, true}, true), 6);
  const PatchSet small = photographs(9, 10, 3);
  const PatchSet large = photographs(14, 17, 4);
  Engine engine(model, cpu_options(2));
  const std::vector<PatchView> groups = {large.view(), PatchView{}, small.view()};
  const Matrix all = engine.describe(groups);
  REQUIRE(all.rows() == 23);
  const auto of_large = reference::descriptors(model, false, large.view());
  expect_close(all.span().first(of_large.size()), of_large, tolerance::kDescriptorFp32);
  expect_close(all.span().subspan(of_large.size()), reference::descriptors(model, false, small.view()),
               tolerance::kDescriptorFp32);
  const Selected mixed = engine.grid(all.view(), small, GridOptions{});
  CHECK(mixed.rows == 23);
  CHECK(mixed.indices[14 + 5] == 5);
  CHECK(mixed.scores[14 + 5] == 0.0F);
  CHECK_THROWS_AS(engine.describe(photographs(2, 3, 5).view()), ShapeError);
}

TEST_CASE("a descriptor file where a decision is needed is refused") {
  Model model = random_model(small_network(Coupling::siamese, head(125), false), 7);
  std::erase_if(model.weights, [](const auto& entry) { return entry.first.starts_with("decision."); });
  model.descriptor_only = true;
  Engine engine(model, cpu_options(1));
  const PatchSet patches = photographs(4, 12, 8);
  CHECK(engine.describe(patches.view()).rows() == 4);
  CHECK_THROWS_WITH(engine.grid(patches, patches, GridOptions{}),
                    Catch::Contains("small") && Catch::Contains("cannot be scored"));
  CHECK_THROWS_AS(engine.score(patches.view(), std::vector<IndexPair>{{0, 1}}), InvalidArgument);
}

TEST_CASE("threads share an engine") {
  const Model model = random_model(small_network(Coupling::siamese, head(125), false), 9);
  const PatchSet left = photographs(70, 12, 10);
  const PatchSet right = photographs(90, 12, 11);
  Engine engine(model, cpu_options(2));
  const Selected expected = engine.grid(left, right, {.top_k = 3});
  const std::vector<IndexPair> pairs = {{3, 4}, {60, 80}, {3, 5}};
  const auto expected_scores = engine.score(left.view(), right.view(), pairs);
  std::vector<char> right_answers(8, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < right_answers.size(); ++t) {
      threads.emplace_back([&, t] {
        if (t % 2 == 0) {
          const Selected got = engine.grid(left, right, {.top_k = 3});
          right_answers[t] = std::equal(got.indices.span().begin(), got.indices.span().end(), expected.indices.data());
        } else {
          right_answers[t] = engine.score(left.view(), right.view(), pairs) == expected_scores;
        }
      });
    }
  }
  CHECK(right_answers == std::vector<char>(8, 1));
}

TEST_CASE("devices by name") {
  std::string why;
  CHECK(select_backend(cpu_options(1), why) != nullptr);
  CHECK_THAT(why, Catch::Contains("CPU") && Catch::Contains("as requested"));
  ExecutionOptions options;
  if (count_cuda_devices() == 0) {
    CHECK(select_backend(options, why) != nullptr);
    CHECK_THAT(why, Catch::Contains("no usable CUDA device"));
    for (const char* device : {"cuda", "cuda:0", "cuda:0,1"}) {
      options.device = device;
      CHECK_THROWS_AS(select_backend(options, why), DeviceError);
    }
  }
  for (const char* device : {"gpu", "cuda:", "cuda:a", "cuda:0,", "cuda:,1", "cpu:0"}) {
    options.device = device;
    CHECK_THROWS_WITH(select_backend(options, why), Catch::Contains("unknown device"));
  }
  options.device = "";
  CHECK_THROWS_AS(select_backend(options, why), InvalidArgument);
  options = cpu_options(-1);
  CHECK_THROWS_WITH(select_backend(options, why), Catch::Contains("threads"));
  CHECK(parse_precision("bf16") == Precision::bf16);
  CHECK(parse_precision("auto") == Precision::automatic);
  CHECK(std::string(to_string(Precision::int8)) == "int8");
  CHECK_THROWS_WITH(parse_precision("fp64"), Catch::Contains("fp32, tf32, fp16, bf16, int8"));
  for (const auto kernels : {Kernels::automatic, Kernels::library, Kernels::fused}) {
    CHECK(parse_kernels(to_string(kernels)) == kernels);
  }
  CHECK_THROWS_WITH(parse_kernels("cudnn"), Catch::Contains("auto, library, fused"));
}

TEST_CASE("float patches and weights that could overflow within the network are refused") {
  Engine engine(random_model(network("siam-l2"), 1), cpu_options(1));
  std::vector<float> pixels = normal_floats(std::size_t{3} * 64 * 64, 4);
  const PatchView patches{PixelType::f32, pixels.data(), 3, 64, 64};
  const auto expect_refused = [&] {
    const auto refused = Catch::Contains("patch 1 has a pixel that is not finite or above 1e+06 in magnitude");
    CHECK_THROWS_WITH(engine.describe(patches), refused);
    CHECK_THROWS_WITH(engine.grid(patches, patches, {.top_k = 1}), refused);
    CHECK_THROWS_WITH(engine.score(patches, patches, std::vector<IndexPair>{{0, 0}}), refused);
  };
  CHECK_NOTHROW(engine.describe(patches));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 1.1e6F}) {
    pixels[2 * 64 * 64 - 1] = bad;
    expect_refused();
  }
  Model heavy = random_model(network("siam-l2"), 1);
  for (float& value : heavy.weights.at("branch.0.3.weight").values) value *= 1e36F;
  CHECK_THROWS_WITH(Engine(heavy, cpu_options(1)), Catch::Contains("layer branch.0.3") && Catch::Contains("so large"));
}

TEST_CASE("auto is settled before a backend is made") {
  const Model model = random_model(network("siam"), 1);
  ExecutionOptions options = cpu_options(1);
  options.precision = Precision::automatic;
  const Engine engine(model, options);
  CHECK(engine.precision().precision == Precision::fp32);
  CHECK_THAT(engine.precision().why, Catch::Contains("no lower one was shown to be accurate"));
  CHECK_THROWS_WITH(Engine(model, make_cpu_backend(cpu_options(1)), options),
                    Catch::Contains("has its precision already"));
}

TEST_CASE("a small specification that asks for more memory than is allowed is refused") {
  NetworkSpec spec;
  spec.name = "bomb";
  spec.input = Extent{128, 128};
  spec.streams = {Stream{{}, {Convolution{1, 65536, {1, 1}}, Pooling{.window = {64, 64}, .stride = {64, 64}}}}};
  spec.decision = DecisionMetric{};
  const auto pixels = structured_patches(1, 128, 128, 1);
  const auto describe = [&] {
    Engine engine(random_model(spec, 1), cpu_options(1, std::int64_t{1} << 30));
    return engine.describe(PatchView{PixelType::u8, pixels.data(), 1, 128, 128});
  };
  // Three buffers of 65536 x 128 x 128 floats: 12 GiB.
  CHECK_THROWS_AS(describe(), OutOfMemory);
}

TEST_CASE("without a device the choice of the CPU opens none of CUDA's libraries") {
  if (count_cuda_devices() > 0) {
    WARN("skipped: this host has a CUDA device");
    return;
  }
  ExecutionOptions options = cpu_options(1);
  options.device = "auto";
  std::string why;
  CHECK(select_backend(options, why) != nullptr);
  std::ifstream maps("/proc/self/maps");
  const std::string mapped{std::istreambuf_iterator<char>(maps), {}};
  CHECK(mapped.find("libcublas") == std::string::npos);  // 0.2 s of every command
  CHECK(mapped.find("libcudnn") == std::string::npos);
}

}  // namespace twinpatch::test
