// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"

// What only CUDA's backend has; tests/backend has what every backend has.

using namespace twinpatch;
using namespace twinpatch::test;

TEST_CASE("a precision that the device lacks is refused") {
  if (no_device()) return;
  ExecutionOptions options = cuda_options();
  options.precision = Precision::int8;
  CHECK_THROWS_WITH(make_cuda_backend(options), "the CUDA engine supports fp32, tf32, fp16 and bf16, not int8");
}

TEST_CASE("the device says what it is and what it did") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(network("chopra-2005")));
  CHECK_THAT(rig.backend->description(), Catch::Contains("CUDA device 0") && Catch::Contains("fp32"));
  const Patches patches(5, {56, 46}, 94);
  (void)rig.list(patches.view, patches.view);
  const auto summaries = rig.backend->summaries();
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].patches == 10);
  CHECK(summaries[0].pairs == 25);
  CHECK(summaries[0].operations > 1e6);
  REQUIRE(summaries[0].slowest() != nullptr);
  CHECK(summaries[0].text().size() == 2);
}

TEST_CASE("rows and selections of the CPU are refused by the device") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(network("chopra-2005")));
  const Rig other = cpu_rig(rig.model);
  const Patches patches(5, {56, 46}, 95);
  const auto left = rig.branch->rows(patches.view, Side::left);
  const auto right = rig.branch->rows(patches.view, Side::right);
  const auto foreign = other.branch->rows(patches.view, Side::left);
  const SelectionRequest request{.rows = 5, .columns = 5};
  const auto selection = rig.backend->make_selection(request);
  const auto foreign_selection = other.backend->make_selection(request);
  CHECK_THROWS_WITH(rig.scorer->score_tile({foreign.get(), 0}, {right.get(), 0}, *selection),
                    Catch::Contains("another backend"));
  CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 0}, {right.get(), 0}, *foreign_selection),
                    Catch::Contains("another backend"));
}

TEST_CASE("segments are the same on two devices as on one") {
  const auto machine = machine_of(2);
  if (machine == nullptr) {
    if (!no_device()) WARN("skipped: this case needs two CUDA devices");
    return;
  }
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix left = some_descriptors(67, 20, 1, true);
  const Matrix right = some_descriptors(392, 20, 2, true);
  const SelectionRequest request{
      .rows = 67, .columns = 392, .top_k = 3, .column_best = true, .segments = {0, 33, 33, 34, 104, 104, 361}};
  const auto kept_on = [&](const std::string& device) {
    ExecutionOptions options = cuda_options();
    options.device = device;
    const Rig rig = cuda_rig(model, options);
    const auto rows = rig.branch->rows(left.view(), Side::left);
    std::vector<std::shared_ptr<const Rows>> images;
    std::vector<PlacedRows> parts;
    for (std::int64_t s = 0; s < request.segment_count(); ++s) {
      const std::int64_t first = request.segment_begin(s);
      images.push_back(rig.branch->rows(right.view().slice(first, request.segment_begin(s + 1) - first), Side::right));
      parts.push_back({images.back().get(), first});
    }
    const auto selection = rig.backend->make_selection(request);
    rig.scorer->score_tile({rows.get(), 0}, parts, *selection);
    return selection->read();
  };
  expect_same(kept_on("cuda:0,1"), kept_on("cuda:0"));
}
