// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "simt_calls.hpp"
#include "support/small_networks.hpp"

// What one left image against all right images of a block costs once it is warm: numbers of calls, which are what small
// images wait for on a GPU.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Ten right images of one block, and left images of different sizes that pass.
struct BlockOfImages {
  explicit BlockOfImages(const Rig& on) : rig(on) {
    for (std::uint64_t i = 0; i < 10; ++i) {
      const Matrix descriptors = some_descriptors(40 + 3 * static_cast<std::int64_t>(i), 20, 10 + i, true);
      right.push_back(rig.branch->rows(descriptors.view(), Side::right));
      request.segments.push_back(request.columns);
      request.columns += right.back()->size();
    }
    for (std::uint64_t i = 0; i < 6; ++i) {
      const Matrix descriptors = some_descriptors(50 + static_cast<std::int64_t>(i), 20, 30 + i, true);
      left.push_back(rig.branch->rows(descriptors.view(), Side::left));
    }
    selection = rig.backend->make_selection(request);
  }

  /// The left images, one call and one read each, against right images [first, 10).
  std::int64_t pass(std::size_t first = 0) {
    std::vector<PlacedRows> parts;
    for (std::size_t i = first; i < right.size(); ++i) parts.push_back({right[i].get(), request.segments[i]});
    std::int64_t kept = 0;
    for (const auto& image : left) {
      request.rows = image->size();
      selection->begin(request);
      rig.scorer->score_tile({image.get(), 0}, parts, *selection);
      kept += selection->read().indices.size();
    }
    return kept;
  }

  const Rig& rig;
  SelectionRequest request{.top_k = 2, .column_best = true};
  std::vector<std::shared_ptr<const Rows>> left, right;
  std::unique_ptr<Selection> selection;
};

void check_steady(const simt::Statistics& calls, std::int64_t images, std::int64_t launches_a_tile,
                  std::int64_t copies_a_tile = 3) {
  CHECK(calls.synchronisations == images);  // one read() an image, nothing a pair
  CHECK(calls.device_allocations == 0);
  CHECK(calls.host_allocations == 0);
  CHECK(calls.pageable_copies == 0);
  CHECK(calls.launches == launches_a_tile * images);
  CHECK(calls.copies == copies_a_tile * images);  // keys and marks cleared, keys read
}

}  // namespace

TEST_CASE("a warm block of images costs one read an image and nothing a pair") {
  const simt::Machine machine({});
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const auto precision = GENERATE(Precision::fp32, Precision::fp16);
  const Rig rig = cuda_rig(shared_model(small_spec(20, decision)), cuda_options(precision));
  BlockOfImages block(rig);
  (void)block.pass();
  (void)block.pass();
  // Values of a tile, limits of rows (and of columns, where values are bounds), the best of columns and of rows.
  const bool metric = std::holds_alternative<DecisionMetric>(decision);
  check_steady(calls_of([&] { (void)block.pass(); }), 6, metric ? 5 : 4);
}

TEST_CASE("a warm block of images costs fused kernels three launches and one read an image") {
  const simt::Machine machine({});
  using Kind = DecisionMetric::Kind;
  const auto [decision, precision] = GENERATE(std::pair(Decision(DecisionMetric{Kind::l2, true}), Precision::fp16),
                                              std::pair(Decision(DecisionMetric{Kind::l1, true}), Precision::fp32),
                                              std::pair(Decision(two_layer_head(20, 37)), Precision::fp16));
  ExecutionOptions options = cuda_options(precision);
  options.kernels = Kernels::fused;
  const Rig rig = cuda_rig(shared_model(small_spec(20, decision)), options);
  BlockOfImages block(rig);
  (void)block.pass();
  (void)block.pass();
  // Summaries, the best of rows and of columns; no marks to clear.
  check_steady(calls_of([&] { (void)block.pass(); }), 6, 3, 2);
}

TEST_CASE("the right images that are left of a triangle of pairs are not gathered again") {
  const simt::Machine machine({});
  const Rig rig = cuda_rig(shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, true})));
  BlockOfImages block(rig);
  for (int warm_up = 0; warm_up < 2; ++warm_up) {
    for (const std::size_t first : {0, 3, 9}) (void)block.pass(first);
  }
  (void)block.pass();
  for (const std::size_t first : {3, 9}) check_steady(calls_of([&] { (void)block.pass(first); }), 6, 5);
}
