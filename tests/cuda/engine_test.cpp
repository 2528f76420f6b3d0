// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cuda/backend.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
namespace tolerance = test::tolerance;

namespace {

/// Rows, columns, k: none, one, more than there are, and sizes that are no multiple of anything.
struct Grid {
  std::int64_t left, right;
  int top_k;
};
const std::vector<Grid> kGrids = {{0, 3, 1}, {3, 0, 1}, {1, 1, 2}, {1, 37, 3}, {23, 41, 2}};

std::vector<IndexPair> random_pairs(std::int64_t count, std::int64_t left, std::int64_t right, std::uint64_t seed) {
  Random random(seed);
  std::vector<IndexPair> pairs(static_cast<std::size_t>(count));
  for (IndexPair& pair : pairs) {
    pair = {static_cast<std::int32_t>(random.below(left)), static_cast<std::int32_t>(random.below(right))};
  }
  return pairs;
}

}  // namespace

TEST_CASE("an engine on CUDA finds what the one on the CPU finds") {
  if (no_device()) return;
  for (const NetworkSpec& spec : tiny_networks()) {
    INFO("network " << spec.name);
    const Model model = random_model(spec, 5);
    Engine on_cuda = cuda_engine(model);
    Engine on_cpu = cpu_engine(model);
    for (const Grid& grid : kGrids) {
      INFO("grid " << grid.left << " × " << grid.right);
      const Patches left(grid.left, kTinyPatch, 1);
      const Patches right(grid.right, kTinyPatch, 2);
      const Matrix scores = all_scores(on_cpu, left.view, right.view);
      expect_close(all_scores(on_cuda, left.view, right.view).span(), widened(scores.span()), tolerance::kScoreFp32);
      const GridOptions options{.top_k = grid.top_k, .column_best = grid.left > 0, .threshold = -1e3F};
      expect_same_kept(on_cuda.grid(left.view, right.view, options), on_cpu.grid(left.view, right.view, options),
                       scores.view(), 1e-4);
      if (grid.left == 0 || grid.right == 0) continue;
      const auto pairs = random_pairs(50, grid.left, grid.right, 3);
      expect_close(on_cuda.score(left.view, right.view, pairs), widened(on_cpu.score(left.view, right.view, pairs)),
                   tolerance::kScoreFp32);
      if (!has_descriptors(spec)) continue;
      const Matrix descriptors = on_cpu.describe(left.view);
      expect_close(on_cuda.describe(left.view).span(), widened(descriptors.span()), tolerance::kDescriptorFp32);
      expect_same_kept(on_cuda.grid(descriptors.view(), right.view, options),
                       on_cpu.grid(descriptors.view(), right.view, options), scores.view(), 1e-4);
    }
  }
}

TEST_CASE("batches so large that plans are timed, and pool with their convolutions, give what the CPU gives") {
  if (no_device()) return;
  constexpr std::int64_t kMany = 300;  // timed from 256 on
  for (const NetworkSpec& spec : {tiny_two_channel(), tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true})}) {
    INFO("network " << spec.name);
    const Model model = random_model(spec, 14);
    ExecutionOptions options = cuda_options();
    options.batch = 512;
    Engine on_cuda(Model(model), make_cuda_backend(options), options);
    Engine on_cpu = cpu_engine(model);
    const Patches left(kMany, kTinyPatch, 15);
    const Patches right(3, kTinyPatch, 16);
    const Matrix scores = all_scores(on_cpu, left.view, right.view);
    expect_close(all_scores(on_cuda, left.view, right.view).span(), widened(scores.span()), tolerance::kScoreFp32);
    const auto pairs = random_pairs(kMany, kMany, 3, 17);
    expect_close(on_cuda.score(left.view, right.view, pairs), widened(on_cpu.score(left.view, right.view, pairs)),
                 tolerance::kScoreFp32);
    if (!has_descriptors(spec)) continue;
    expect_close(on_cuda.describe(left.view).span(), widened(on_cpu.describe(left.view).span()),
                 tolerance::kDescriptorFp32);
  }
}

TEST_CASE("matches on CUDA are those of the CPU") {
  if (no_device()) return;
  for (const NetworkSpec& spec : {tiny_two_channel(), tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true})}) {
    const Model model = random_model(spec, 6);
    Engine on_cuda = cuda_engine(model);
    Engine on_cpu = cpu_engine(model);
    const Patches patches(45, kTinyPatch, 4);
    MatchRules rules;
    rules.mutual = true;
    const auto expected = on_cpu.match(patches.view.slice(0, 20), patches.view.slice(20, 25), rules);
    const auto got = on_cuda.match(patches.view.slice(0, 20), patches.view.slice(20, 25), rules);
    REQUIRE(got.size() == expected.size());
    CHECK_FALSE(got.empty());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].left == expected[i].left);
      CHECK(got[i].right == expected[i].right);
    }
  }
}

TEST_CASE("several devices find what one finds, bit for bit") {
  const int devices = GENERATE(2, 3);
  const auto machine = machine_of(devices);
  if (machine == nullptr) {
    if (!no_device()) WARN("skipped: this case needs " << devices << " CUDA devices");
    return;
  }
  const std::string names = devices == 2 ? "cuda:0,1" : "cuda:0,1,2";
  for (const NetworkSpec& spec : tiny_networks()) {
    const Model model = random_model(spec, 7);
    Engine one = cuda_engine(model);
    Engine several = cuda_engine(model, names);
    for (const Grid& grid : kGrids) {
      INFO("network " << spec.name << ", grid " << grid.left << " × " << grid.right);
      const Patches left(grid.left, kTinyPatch, 8);
      const Patches right(grid.right, kTinyPatch, 9);
      const GridOptions options{.top_k = grid.top_k, .column_best = true};
      expect_same(several.grid(left.view, right.view, options), one.grid(left.view, right.view, options));
      if (grid.left == 0 || grid.right == 0) continue;
      const Matrix scores = all_scores(one, left.view, right.view);
      const Matrix spread = all_scores(several, left.view, right.view);
      CHECK(std::equal(scores.data(), scores.data() + scores.size(), spread.data()));
      const auto pairs = random_pairs(50, grid.left, grid.right, 10);
      CHECK(several.score(left.view, right.view, pairs) == one.score(left.view, right.view, pairs));
    }
    CHECK_THROWS_AS(cuda_engine(model, "cuda:0,9"), Error);
  }
}

TEST_CASE("too little memory is shared out as long as it can be, then refused with the numbers") {
  if (no_device()) return;
  for (const NetworkSpec& spec : tiny_networks()) {
    const Model model = random_model(spec, 11);
    const Patches left(22, kTinyPatch, 12);
    const Patches right(26, kTinyPatch, 13);
    const GridOptions options{.top_k = 2, .column_best = true};
    Engine roomy = cuda_engine(model);
    const Selected expected = roomy.grid(left.view, right.view, options);
    bool refused = false;
    bool shrunk = false;
    for (const std::int64_t memory : {400'000, 200'000, 100'000, 50'000, 20'000, 5'000}) {
      INFO("network " << spec.name << ", " << memory << " bytes");
      try {
        Engine tight = cuda_engine(model, "cuda:0", memory);
        expect_same(tight.grid(left.view, right.view, options), expected);
        CHECK_FALSE(refused);
        shrunk = true;
      } catch (const OutOfMemory& error) {
        refused = true;
        CHECK_THAT(error.what(), Catch::Contains("byte") || Catch::Contains("KiB") || Catch::Contains("MiB"));
      }
    }
    CHECK(shrunk);
    CHECK(refused);
  }
}
