// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>

#include "support/random.hpp"
#include "support/reference.hpp"
#include "support/small_networks.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/cpu/backend.hpp"

using namespace twinpatch;
namespace tolerance = test::tolerance;

namespace {

ExecutionOptions cpu_options(int threads = 2, bool exact = false, std::int64_t batch = 0) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = threads;
  options.exact_convolutions = exact;
  options.batch = batch;
  return options;
}

Extent test_extent(const NetworkSpec& spec) { return spec.input.value_or(Extent{53, 47}); }

/// Patches, u8, of the size a network takes.
struct Patches {
  Patches(std::int64_t count, Extent size, std::uint64_t seed)
      : pixels(test::structured_patches(count, size.height, size.width, seed)),
        view{PixelType::u8, pixels.data(), count, size.height, size.width} {}
  std::vector<std::uint8_t> pixels;
  PatchView view;
};

std::shared_ptr<const Model> shared_model(const NetworkSpec& spec, std::uint64_t seed = 3) {
  return std::make_shared<const Model>(random_model(spec, seed));
}

std::vector<IndexPair> all_pairs(std::int64_t rows, std::int64_t columns) {
  std::vector<IndexPair> pairs;
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t j = 0; j < columns; ++j) pairs.push_back({i, j});
  }
  return pairs;
}

std::vector<float> list_scores(Backend& backend, const std::shared_ptr<const Model>& model, PatchView left,
                               PatchView right) {
  const auto branch = backend.make_branch(model);
  const auto scorer = backend.make_scorer(model);
  const auto pairs = all_pairs(left.count, right.count);
  std::vector<float> scores(pairs.size());
  scorer->score_list(*branch->rows(left, Side::left), *branch->rows(right, Side::right), pairs, scores);
  return scores;
}

std::vector<float> block_scores(Backend& backend, const std::shared_ptr<const Model>& model, PatchView left,
                                PatchView right) {
  const auto branch = backend.make_branch(model);
  const auto scorer = backend.make_scorer(model);
  std::vector<float> scores(static_cast<std::size_t>(left.count * right.count));
  scorer->score_block(*branch->rows(left, Side::left), *branch->rows(right, Side::right), scores.data(), right.count);
  return scores;
}

std::vector<double> widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

}  // namespace

TEST_CASE("Every network of the catalogue gives the reference's scores, exactly and with Winograd") {
  for (const auto& spec : catalogue()) {
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches left(2, test_extent(spec), 21);
    const Patches right(2, test_extent(spec), 22);
    const auto expected = reference::scores(*model, left.view, right.view);
    for (const bool exact : {false, true}) {
      INFO("exact " << exact);
      const auto backend = make_cpu_backend(cpu_options(2, exact));
      test::expect_close(list_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
      test::expect_close(block_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
    }
  }
}

TEST_CASE("Every network with descriptors gives the reference's, for both sides") {
  for (const auto& spec : catalogue()) {
    if (!has_descriptors(spec)) continue;
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches patches(2, test_extent(spec), 23);
    const auto branch = make_cpu_backend(cpu_options())->make_branch(model);
    CHECK(branch->descriptor_size() == branch_size(spec));
    for (const auto side : {Side::left, Side::right}) {
      const auto got = branch->descriptors(patches.view, side);
      test::expect_close(got.span(), reference::descriptors(*model, side == Side::right, patches.view),
                         tolerance::kDescriptorFp32);
    }
  }
}

TEST_CASE("Results do not depend on batches and threads") {
  for (const char* name : {"2ch", "2ch-2stream", "siam"}) {
    INFO("network " << name);
    const auto& spec = network(name);
    const auto model = shared_model(spec);
    const Patches left(5, test_extent(spec), 31);
    const Patches right(23, test_extent(spec), 32);
    const auto base = make_cpu_backend(cpu_options(1));
    const auto expected = widened(list_scores(*base, model, left.view, right.view));
    test::expect_close(block_scores(*base, model, left.view, right.view), expected, tolerance::kScoreFp32);
    for (const auto& [threads, batch] : {std::pair{3, 0}, {2, 1}, {1, 7}}) {
      INFO("threads " << threads << ", batch " << batch);
      const auto backend = make_cpu_backend(cpu_options(threads, false, batch));
      const auto list = list_scores(*backend, model, left.view, right.view);
      test::expect_close(list, expected, tolerance::kScoreFp32);
      test::expect_close(block_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
      CHECK(list == list_scores(*backend, model, left.view, right.view));  // bit for bit
    }
  }
}

TEST_CASE("Pairs of a list come in any order, patches once or many times") {
  for (const char* name : {"2ch", "2ch-deep", "2ch-spp"}) {
    INFO("network " << name);
    const auto& spec = network(name);
    const auto model = shared_model(spec);
    const Patches patches(12, test_extent(spec), 33);
    const auto backend = make_cpu_backend(cpu_options(2, false, 8));
    const auto expected = block_scores(*backend, model, patches.view, patches.view);
    const auto branch = backend->make_branch(model);
    const auto scorer = backend->make_scorer(model);
    const auto left = branch->rows(patches.view, Side::left);
    const auto right = branch->rows(patches.view, Side::right);
    test::Random random(34);
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < 12; ++i) pairs.push_back({11 - i, i});
    for (std::int32_t i = 0; i < 29; ++i) pairs.push_back({7, static_cast<std::int32_t>(random.below(12))});
    std::vector<float> scores(pairs.size());
    for (const std::size_t count : {pairs.size(), std::size_t{12}, std::size_t{1}}) {
      const std::span some(pairs.data(), count);
      scores.resize(count);
      scorer->score_list(*left, *right, some, scores);
      std::vector<double> wanted;
      for (const auto& pair : some) wanted.push_back(expected[static_cast<std::size_t>(pair.left * 12 + pair.right)]);
      test::expect_close(scores, wanted, tolerance::kScoreFp32);
    }
  }
}

TEST_CASE("A small memory bound changes nothing but the blocks") {
  const auto& spec = network("2ch");
  const auto model = shared_model(spec);
  const Patches left(5, test_extent(spec), 41);
  const Patches right(7, test_extent(spec), 42);
  auto options = cpu_options();
  const auto expected = widened(list_scores(*make_cpu_backend(options), model, left.view, right.view));
  options.memory = 3'000'000;
  const auto backend = make_cpu_backend(options);
  const auto tile = backend->tile_size(*model, 64, 64);
  CHECK(tile.rows * tile.columns < 35);
  test::expect_close(block_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
}

TEST_CASE("Halves of first convolutions are joined as the reference has it, whatever follows") {
  const auto backend = make_cpu_backend(cpu_options());
  for (const NetworkSpec& spec : test::joining_networks()) {
    INFO(spec.name);
    const auto model = shared_model(spec, 9);
    const Patches left(3, test_extent(spec), 43);
    const Patches right(5, test_extent(spec), 44);
    const auto expected = reference::scores(*model, left.view, right.view);
    test::expect_close(list_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
    test::expect_close(block_scores(*backend, model, left.view, right.view), expected, tolerance::kScoreFp32);
  }
}

TEST_CASE("A grid of a 2-channel network fills a selection, tile by tile") {
  const auto& spec = network("2ch");
  const auto model = shared_model(spec);
  const Patches left(5, test_extent(spec), 51);
  const Patches right(9, test_extent(spec), 52);
  const auto backend = make_cpu_backend(cpu_options());
  const auto scores = block_scores(*backend, model, left.view, right.view);
  const SelectionRequest request{.rows = 5, .columns = 9, .top_k = 2, .column_best = true};
  const auto selection = backend->make_selection(request);
  const auto branch = backend->make_branch(model);
  const auto scorer = backend->make_scorer(model);
  for (const auto& [row, rows] : {std::pair<std::int64_t, std::int64_t>{0, 3}, {3, 2}}) {
    for (const auto& [column, columns] : {std::pair<std::int64_t, std::int64_t>{0, 4}, {4, 5}}) {
      scorer->score_tile({&*branch->rows(left.view.slice(row, rows), Side::left), row},
                         {&*branch->rows(right.view.slice(column, columns), Side::right), column}, *selection);
    }
  }
  const auto got = selection->read();
  const auto expected = reference::select({scores.data(), 5, 9}, request);
  for (std::int64_t i = 0; i < 10; ++i) {
    CHECK(got.indices[i] == expected.indices[i]);
    CHECK(got.scores[i] == Approx(expected.scores[i]).epsilon(1e-4));
  }
  for (std::int64_t j = 0; j < 9; ++j) CHECK(got.column_indices[j] == expected.column_indices[j]);
}

TEST_CASE("Raw patches are fed as they are") {
  for (const char* name : {"2ch", "siam-l2"}) {
    const auto& spec = network(name);
    const auto model = shared_model(spec);
    const auto values = test::normal_floats(4 * 64 * 64, 61);
    const PatchView all{PixelType::f32, values.data(), 4, 64, 64};
    const auto got = list_scores(*make_cpu_backend(cpu_options()), model, all.slice(0, 2), all.slice(2, 2));
    test::expect_close(got, reference::scores(*model, all.slice(0, 2), all.slice(2, 2)), tolerance::kScoreFp32);
  }
}

TEST_CASE("Patches of different sizes go through one network of any input size") {
  const auto& spec = network("siam-spp-l2");
  const auto model = shared_model(spec);
  const auto branch = make_cpu_backend(cpu_options())->make_branch(model);
  for (const auto& size : {Extent{64, 64}, Extent{48, 71}, Extent{64, 64}, Extent{46, 49}}) {
    const Patches patches(2, size, 71);
    test::expect_close(branch->descriptors(patches.view, Side::left).span(),
                       reference::descriptors(*model, false, patches.view), tolerance::kDescriptorFp32);
  }
}

TEST_CASE("Nothing is made of nothing") {
  const auto backend = make_cpu_backend(cpu_options());
  for (const char* name : {"2ch", "siam"}) {
    const auto model = shared_model(network(name));
    const auto branch = backend->make_branch(model);
    const auto scorer = backend->make_scorer(model);
    const PatchView none{PixelType::u8, nullptr, 0, 64, 64};
    const Patches one(1, {64, 64}, 81);
    const auto empty = branch->rows(none, Side::left);
    CHECK(empty->size() == 0);
    scorer->score_list(*empty, *branch->rows(one.view, Side::right), {}, {});
    scorer->score_block(*empty, *branch->rows(one.view, Side::right), nullptr, 1);
  }
}

TEST_CASE("What does not fit is refused with one line") {
  const auto backend = make_cpu_backend(cpu_options());
  const auto pair = shared_model(network("2ch"));
  const auto tower = shared_model(network("siam"));
  const Patches small(1, {32, 32}, 91);
  const auto pair_branch = backend->make_branch(pair);
  const auto tower_branch = backend->make_branch(tower);
  CHECK_THROWS_AS(pair_branch->rows(small.view, Side::left), ShapeError);
  CHECK_THROWS_WITH(tower_branch->descriptors(small.view, Side::left),
                    "network siam takes patches of 64×64, got 32×32");
  CHECK_THROWS_WITH(pair_branch->descriptors(Patches(1, {64, 64}, 92).view, Side::left),
                    "network 2ch sees both patches of a pair at once: it has no descriptors");
  const Matrix wrong(1, 17);
  CHECK_THROWS_AS(tower_branch->rows(wrong.view(), Side::left), ShapeError);
  CHECK_THROWS_AS(pair_branch->rows(wrong.view(), Side::left), InvalidArgument);
  CHECK(pair_branch->descriptor_size() == 0);

  const Patches whole(1, {64, 64}, 93);
  const auto rows = tower_branch->rows(whole.view, Side::left);
  float score = 0;
  CHECK_THROWS_AS(backend->make_scorer(pair)->score_block(*rows, *rows, &score, 1), InvalidArgument);

  auto options = cpu_options();
  options.precision = Precision::bf16;
  CHECK_THROWS_WITH(make_cpu_backend(options), "the CPU engine runs in fp32, precision bf16 was asked for");
  options.precision = Precision::fp32;
  options.kernels = Kernels::fused;
  CHECK_THROWS_WITH(make_cpu_backend(options), "fused kernels are of the CUDA engine, not of the CPU's");

  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(tower_branch->descriptors(whole.view, Side::left, {stop.get_token(), nullptr}), Interrupted);
}

TEST_CASE("The backend says what it is") {
  const auto text = make_cpu_backend(cpu_options(1))->description();
  CHECK(text.find("CPU, 1 thread, ") == 0);
  CHECK(text.find("oneDNN") != std::string::npos);
  CHECK(describe_cpu_devices().size() == 1);
}
