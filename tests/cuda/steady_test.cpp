// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "simt_calls.hpp"
#include "support/small_networks.hpp"

// What a run does to its device again and again once it is warm: what does not grow with the number of batches must
// not.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr std::int64_t kBatch = 4;

/// Calls of a warm `work(batches)` per batch: what is paid once a run falls out.
template <class Work>
simt::Statistics per_batch(const Work& work) {
  constexpr std::int64_t kFew = 5;
  constexpr std::int64_t kMany = 25;
  for (int warm_up = 0; warm_up < 4; ++warm_up) work(kMany);  // plans, graphs, all three slots of pinned memory
  const simt::Statistics few = calls_of([&] { work(kFew); });
  const simt::Statistics more = difference(calls_of([&] { work(kMany); }), few);
  constexpr std::int64_t kOf = kMany - kFew;
  CHECK(more.graph_launches % kOf == 0);
  CHECK(more.launches % kOf == 0);
  return {.launches = more.launches / kOf,
          .pageable_copies = more.pageable_copies,
          .device_allocations = more.device_allocations,
          .host_allocations = more.host_allocations,
          .graph_launches = more.graph_launches / kOf,
          .synchronisations = more.synchronisations};
}

ExecutionOptions small_batches() {
  ExecutionOptions options = cuda_options();
  options.batch = kBatch;
  return options;
}

}  // namespace

TEST_CASE("a warm tower costs a graph a batch and waits for pinned memory alone") {
  const simt::Machine machine({});
  const Rig rig = cuda_rig(shared_model(tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true})), small_batches());
  const Patches patches(25 * kBatch, kTinyPatch, 1);
  const auto describe = [&](std::int64_t batches) {
    (void)rig.branch->descriptors(patches.view.slice(0, batches * kBatch), Side::left);
  };
  const simt::Statistics one = per_batch(describe);
  CHECK(one.graph_launches == 1);
  CHECK(one.pageable_copies == 0);
  CHECK(one.device_allocations == 0);
  CHECK(one.host_allocations == 0);
  CHECK(one.synchronisations <= 20 * 2);  // a slot of the ring up, and one of the ring down
}

TEST_CASE("a warm list of pairs costs a graph a batch and waits for nothing in between") {
  const simt::Machine machine({});
  const Rig rig = cuda_rig(shared_model(tiny_two_channel()), small_batches());
  const Patches left(10, kTinyPatch, 2);
  const Patches right(10, kTinyPatch, 3);
  const auto a = rig.branch->rows(left.view, Side::left);
  const auto b = rig.branch->rows(right.view, Side::right);
  const auto pairs = all_pairs(10, 10);
  std::vector<float> scores(pairs.size());
  const auto score = [&](std::int64_t batches) {
    const auto count = static_cast<std::size_t>(batches * kBatch);
    rig.scorer->score_list(*a, *b, std::span(pairs).first(count), std::span(scores).first(count));
  };
  const simt::Statistics one = per_batch(score);
  CHECK(one.graph_launches == 1);
  CHECK(one.pageable_copies == 0);
  CHECK(one.device_allocations == 0);
  CHECK(one.host_allocations == 0);
  CHECK(one.synchronisations == 0);
}

TEST_CASE("a warm grid of a 2-channel network costs a graph and one kernel a batch, and waits for nothing") {
  const simt::Machine machine({});
  constexpr std::int64_t kSide = 24;  // 144 batches; panels of 32 pairs hold 8 of them
  const Rig rig = cuda_rig(shared_model(tiny_two_channel()), small_batches());
  const Patches left(kSide, kTinyPatch, 5);
  const Patches right(kSide, kTinyPatch, 6);
  const auto a = rig.branch->rows(left.view, Side::left);
  const auto b = rig.branch->rows(right.view, Side::right);
  const SelectionRequest request{.rows = kSide, .columns = kSide};
  const auto selection = rig.backend->make_selection(request);
  const auto score = [&] {
    selection->begin(request);
    rig.scorer->score_tile({a.get(), 0}, {b.get(), 0}, *selection);
    (void)selection->read();  // nothing is left for the next call
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) score();
  const simt::Statistics calls = calls_of(score);
  constexpr std::int64_t kBatches = kSide * kSide / kBatch;
  constexpr std::int64_t kPanels = kBatches / 8;
  CHECK(calls.graph_launches == kBatches);
  CHECK(calls.synchronisations == 1);  // read()
  CHECK(calls.device_allocations == 0);
  CHECK(calls.host_allocations == 0);
  CHECK(calls.pageable_copies == 0);
  // A batch: the sums of halves and nine kernels of the graph. The rest: patches to halves, selections.
  CHECK(calls.launches <= kBatches * (1 + 9) + 4 * kPanels);
  CHECK(calls.copies <= kBatches + 2);
}

TEST_CASE("a profiler is shown the warm part of a run alone where asked for") {
  const simt::Machine machine({});
  ExecutionOptions options = small_batches();
  options.profile_warm = true;
  const Patches patches(6 * kBatch, kTinyPatch, 4);
  {
    const Rig rig = cuda_rig(shared_model(tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true})), options);
    CHECK_FALSE(simt::profiling());
    (void)rig.branch->descriptors(patches.view.slice(0, kBatch), Side::left);
    CHECK_FALSE(simt::profiling());
    (void)rig.branch->descriptors(patches.view, Side::left);
    CHECK(simt::profiling());
  }
  CHECK_FALSE(simt::profiling());
}
