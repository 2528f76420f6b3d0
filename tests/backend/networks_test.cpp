// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "backend_table.hpp"

// Whole networks: patches → descriptors and scores.

namespace twinpatch::test {
namespace {

Extent test_extent(const NetworkSpec& spec) { return spec.input.value_or(Extent{53, 47}); }

/// Lists and blocks give the scores expected.
void expect_scores(const Rig& rig, PatchView left, PatchView right, std::span<const double> expected, Tolerance limit) {
  expect_close(rig.list(left, right), expected, limit);
  expect_close(rig.block(left, right), expected, limit);
}

}  // namespace

TEST_CASE("every network of the catalogue gives the reference's scores") {
  if (no_device()) return;
  for (const NetworkSpec& spec : catalogue()) {
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches left(2, test_extent(spec), 21);
    const Patches right(2, test_extent(spec), 22);
    const auto expected = reference::scores(*model, left.view, right.view);
    for_each_backend({.cpu_precisions = true, .exact_convolutions = true}, [&](const BackendRow& on) {
      const std::int64_t rows = on.simulated ? 1 : 2;
      expect_scores(on.rig(model), left.view.slice(0, rows), right.view,
                    std::span(expected).first(static_cast<std::size_t>(rows * 2)), on.score_limit());
    });
  }
}

TEST_CASE("every network with descriptors gives the reference's, for both sides") {
  if (no_device()) return;
  for (const NetworkSpec& spec : catalogue()) {
    if (!has_descriptors(spec)) continue;
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches patches(3, test_extent(spec), 23);
    for (const Side side : {Side::left, Side::right}) {
      if (side == Side::right && spec.coupling != Coupling::pseudo_siamese) continue;
      const auto expected = reference::descriptors(*model, side == Side::right, patches.view);
      for_each_backend([&](const BackendRow& on) {
        ExecutionOptions options = on.options;
        options.batch = 2;  // two passes, the second one short
        const auto branch = on.make(options)->make_branch(fold_batch_normalisation(model));
        CHECK(branch->descriptor_size() == branch_size(spec));
        expect_close(branch->descriptors(patches.view, side).span(), expected, tolerance::kDescriptorFp32);
      });
    }
  }
}

TEST_CASE("the precisions of a run stay within their tolerances") {
  if (no_device()) return;
  for (const char* name : {"2ch", "siam", "siam-l2", "siam-2stream", "chopra-2005", "2ch-2stream"}) {
    INFO("network " << name);
    const NetworkSpec& spec = network(name);
    const auto model = shared_model(spec, 9);  // scores well apart from 0
    const Patches left(1, test_extent(spec), 24);
    const Patches right(2, test_extent(spec), 25);
    const auto expected = reference::scores(*model, left.view, right.view);
    for_each_backend({.precisions = true}, [&](const BackendRow& on) {
      expect_scores(on.rig(model), left.view, right.view, expected, on.score_limit());
    });
  }
}

TEST_CASE("results do not depend on batches and threads, nor on how often a plan ran before") {
  if (no_device()) return;
  for (const char* name : {"2ch", "2ch-2stream", "siam", "chopra-2005", "tfeat"}) {
    INFO("network " << name);
    const NetworkSpec& spec = network(name);
    const bool heavy = spec.coupling == Coupling::two_channel;
    const auto model = shared_model(spec);
    const Patches left(5, test_extent(spec), 31);
    const Patches right(23, test_extent(spec), 32);
    for_each_backend([&](const BackendRow& on) {
      if (on.simulated && std::string_view(name) == "2ch-2stream") return;  // as 2ch there, and many times slower
      const PatchView rows = on.simulated ? left.view.slice(0, 2) : left.view;
      const PatchView columns = on.simulated ? right.view.slice(0, heavy ? 3 : 7) : right.view;
      const auto expected = widened(on.rig(model).list(rows, columns));
      for (const auto& [threads, batch] : {std::pair{3, 4}, {2, 1}, {1, 7}}) {
        INFO("threads " << threads << ", batch " << batch);
        if (on.simulated && batch == 7) continue;
        ExecutionOptions options = on.options;
        options.threads = threads;
        options.batch = batch;
        const Rig rig = on.rig(model, options);
        const auto first = rig.list(rows, columns);  // on CUDA direct, then captured, then replayed
        expect_close(first, expected, tolerance::kScoreFp32);
        CHECK(rig.list(rows, columns) == first);
        CHECK(rig.list(rows, columns) == first);
        expect_close(rig.block(rows, columns), expected, tolerance::kScoreFp32);
      }
    });
  }
}

TEST_CASE("pairs of a list come in any order, patches once or many times") {
  if (no_device()) return;
  std::vector<NetworkSpec> networks = tiny_networks();
  for (const char* name : {"2ch", "2ch-deep", "2ch-spp"}) networks.push_back(network(name));
  for (const NetworkSpec& spec : networks) {
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches patches(12, test_extent(spec), 33);
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < 12; ++i) pairs.push_back({11 - i, i});
    Random random(34);
    for (std::int32_t i = 0; i < 29; ++i) pairs.push_back({7, static_cast<std::int32_t>(random.below(12))});
    for_each_backend([&](const BackendRow& on) {
      if (on.simulated && spec.input != kTinyPatch) return;
      ExecutionOptions options = on.options;
      options.batch = 8;
      const Rig rig = on.rig(model, options);
      const auto grid = rig.block(patches.view, patches.view);
      const auto left = rig.branch->rows(patches.view, Side::left);
      const auto right = rig.branch->rows(patches.view, Side::right);
      for (const std::size_t count : {pairs.size(), std::size_t{12}, std::size_t{1}}) {
        const std::span some(pairs.data(), count);
        std::vector<double> expected;
        for (const IndexPair& pair : some)
          expected.push_back(grid[static_cast<std::size_t>(pair.left * 12 + pair.right)]);
        std::vector<float> scores(count);
        rig.scorer->score_list(*left, *right, some, scores);
        expect_close(scores, expected, tolerance::kScoreFp32);
      }
    });
  }
}

TEST_CASE("halves of first convolutions are joined as the reference has it, whatever follows") {
  if (no_device()) return;
  for (const NetworkSpec& spec : joining_networks()) {
    INFO(spec.name);
    const auto model = shared_model(spec, 9);
    const Patches left(3, test_extent(spec), 43);
    const Patches right(5, test_extent(spec), 44);
    const auto expected = reference::scores(*model, left.view, right.view);
    for_each_backend({.precisions = true}, [&](const BackendRow& on) {
      expect_scores(on.rig(model), left.view, right.view, expected, on.score_limit());
    });
  }
}

TEST_CASE("a grid of a 2-channel network fills a selection, tile by tile") {
  if (no_device()) return;
  for (const NetworkSpec& spec : {tiny_two_channel(), network("2ch")}) {
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches left(5, *spec.input, 51);
    const Patches right(9, *spec.input, 52);
    for_each_backend([&](const BackendRow& on) {
      if (on.simulated && spec.input != kTinyPatch) return;
      const Rig rig = on.rig(model);
      const auto scores = rig.block(left.view, right.view);
      const MatrixView matrix{scores.data(), 5, 9};
      const SelectionRequest request{.rows = 5, .columns = 9, .top_k = 2, .column_best = true};
      expect_same_kept(rig.select(left.view, right.view, request, 3, 4), reference::select(matrix, request), matrix,
                       1e-4);
    });
  }
}

TEST_CASE("raw patches are fed to networks as they are") {
  if (no_device()) return;
  for (const char* name : {"2ch", "siam-l2", "siam-2stream-l2"}) {
    INFO("network " << name);
    const auto model = shared_model(network(name));
    const auto values = normal_floats(3 * 64 * 64, 61);
    const PatchView all{PixelType::f32, values.data(), 3, 64, 64};
    const PatchView left = all.slice(0, 1);
    const PatchView right = all.slice(1, 2);
    const auto expected = reference::scores(*model, left, right);
    for_each_backend(
        [&](const BackendRow& on) { expect_close(on.rig(model).list(left, right), expected, tolerance::kScoreFp32); });
  }
}

TEST_CASE("patches of different sizes go through one network of any input size") {
  if (no_device()) return;
  const auto model = shared_model(network("siam-spp-l2"));
  const std::vector<Extent> sizes{{64, 64}, {48, 71}, {64, 64}, {46, 49}};
  std::vector<Patches> patches;
  std::vector<reference::Vector> expected;
  for (const Extent size : sizes) {
    patches.emplace_back(1, size, 71);
    expected.push_back(reference::descriptors(*model, false, patches.back().view));
  }
  for_each_backend([&](const BackendRow& on) {
    const auto branch = on.backend()->make_branch(model);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      expect_close(branch->descriptors(patches[i].view, Side::left).span(), expected[i], tolerance::kDescriptorFp32);
    }
  });
}

}  // namespace twinpatch::test
