// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "cuda_support.hpp"
#include "support/small_networks.hpp"

// Fused kernels keep what the library's keep in fp32, bit for bit.

using namespace twinpatch;
using namespace twinpatch::test;
using Kind = DecisionMetric::Kind;

namespace {

ExecutionOptions fused(Precision precision) {
  ExecutionOptions options = cuda_options(precision);
  options.kernels = Kernels::fused;
  return options;
}

/// Selections of left × right in both half precisions, fused, against the library in fp32.
void expect_same_decisions(const Decision& decision, const Matrix& left, const Matrix& right,
                           const std::vector<SelectionRequest>& requests) {
  const auto model = shared_model(small_spec(static_cast<int>(left.columns()), decision), 7);
  const Rig exact = cuda_rig(model);
  for (const Precision precision : {Precision::fp16, Precision::bf16}) {
    INFO(left.rows() << " × " << right.rows() << " in " << to_string(precision));
    const Rig rig = cuda_rig(model, fused(precision));
    for (const SelectionRequest& request : requests) {
      INFO("top " << request.top_k << ", " << request.segment_count() << " segments");
      const Selected expected = exact.select(left.view(), right.view(), request, 1000, 1000);
      expect_same(rig.select(left.view(), right.view(), request, 1000, 1000), expected);
    }
  }
}

const std::vector<SelectionRequest> kRequests = {{.top_k = 2, .column_best = true},
                                                 {.top_k = 1, .column_best = false, .threshold = -0.9F}};

/// Rows [count, length] that are some of `centres` rows, moved by at most `spread`.
Matrix clustered(std::int64_t count, int length, std::int64_t centres, double spread, std::uint64_t seed) {
  const Matrix middle = some_descriptors(centres, length, 99, true);
  Random random(seed);
  Matrix rows(count, length);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto of = middle.view().row(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(centres))));
    for (std::int64_t k = 0; k < length; ++k) {
      rows.row(i)[static_cast<std::size_t>(k)] =
          of[static_cast<std::size_t>(k)] + static_cast<float>(spread * random.uniform(-1, 1));
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("fused metrics keep what fp32 keeps, whatever the sizes") {
  if (no_device()) return;
  const auto kind = GENERATE(Kind::l2, Kind::cosine, Kind::l1);
  struct Size {
    std::int64_t rows, columns;
    int length;
  };
  const Size size =
      GENERATE(Size{1, 1, 3}, Size{0, 5, 8}, Size{5, 0, 8}, Size{1, 257, 64}, Size{257, 1, 33}, Size{127, 129, 16},
               Size{129, 127, 35}, Size{31, 33, 16}, Size{32, 128, 16}, Size{20, 40, 300});
  expect_same_decisions(DecisionMetric{kind, false}, some_descriptors(size.rows, size.length, 1, true),
                        some_descriptors(size.columns, size.length, 2, true), kRequests);
}

TEST_CASE("fused metrics keep what fp32 keeps of rows that are nearly the same") {
  if (no_device()) return;
  const auto kind = GENERATE(Kind::l2, Kind::cosine, Kind::l1);
  // Copies; rows closer than what half precision tells apart, whole slabs of them; and somewhat further.
  const double spread = GENERATE(0.0, 1e-6, 1e-4, 1e-2);
  const Matrix left = clustered(33, 24, 3, spread, 5);
  const Matrix right = clustered(140, 24, 3, spread, 6);
  expect_same_decisions(DecisionMetric{kind, false}, left, right, {{.top_k = 2, .column_best = true}});
}

TEST_CASE("fused metrics keep what fp32 keeps of nothing but ties, and of more than two") {
  if (no_device()) return;
  Matrix same(140, 8);
  std::fill(same.span().begin(), same.span().end(), 0.25F);
  Matrix few(9, 8);
  std::fill(few.span().begin(), few.span().end(), 0.25F);
  expect_same_decisions(DecisionMetric{Kind::l2, false}, few, same, {{.top_k = 3, .column_best = true}});
  const Matrix left = some_descriptors(30, 16, 1, true);
  const Matrix right = some_descriptors(140, 16, 2, true);
  expect_same_decisions(DecisionMetric{Kind::l2, false}, left, right, {{.top_k = 40, .column_best = true}});
}

TEST_CASE("fused metrics keep what fp32 keeps of numbers beyond fp16's range and near its end") {
  if (no_device()) return;
  const auto kind = GENERATE(Kind::l2, Kind::l1);
  const float scale = GENERATE(1e-7F, 300.0F, 70000.0F, 1e25F);
  Matrix left = some_descriptors(20, 16, 5, false);
  Matrix right = some_descriptors(135, 16, 6, false);
  for (Matrix* const side : {&left, &right}) {
    for (float& value : side->span()) value *= scale;
  }
  // A single row that is out of range does not spoil the others.
  for (float& value : left.row(3)) value *= 1e6F;
  for (float& value : right.row(7)) value *= 1e6F;
  expect_same_decisions(DecisionMetric{kind, false}, left, right, {{.top_k = 2, .column_best = true}});
}

TEST_CASE("fused grids in fp32 and tf32 search in half precision, and keep what the library keeps") {
  if (no_device()) return;
  const auto decision = GENERATE(Decision(DecisionMetric{Kind::l2, true}), Decision(DecisionMetric{Kind::l1, false}),
                                 Decision(two_layer_head(24, 37)));
  const auto model = shared_model(small_spec(24, decision), 7);
  const Matrix left = clustered(33, 24, 3, 1e-4, 5);
  const Matrix right = clustered(140, 24, 3, 1e-4, 6);
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    expect_same(cuda_rig(model, fused(precision)).select(left.view(), right.view(), kRequests[0], 1000, 1000),
                cuda_rig(model, cuda_options(precision)).select(left.view(), right.view(), kRequests[0], 1000, 1000));
  }
}

TEST_CASE("fused metrics keep what fp32 keeps in every segment, in tiles that cut them") {
  if (no_device()) return;
  const auto kind = GENERATE(Kind::cosine, Kind::l1);
  const Matrix left = some_descriptors(37, 20, 1, true);
  Matrix right = some_descriptors(392, 20, 2, true);
  for (std::int64_t j = 0; j < 392; j += 3) std::copy_n(left.view().row(j % 37).data(), 20, right.row(j).data());
  const SelectionRequest request{.top_k = 2, .column_best = true, .segments = {0, 33, 33, 34, 104, 104, 361}};
  expect_same_decisions(DecisionMetric{kind, false}, left, right, {request});
  const auto model = shared_model(small_spec(20, DecisionMetric{kind, false}));
  const Rig rig = cuda_rig(model, fused(Precision::fp16));
  expect_same(rig.select(left.view(), right.view(), request, 29, 150),
              cuda_rig(model).select(left.view(), right.view(), request, 1000, 1000));
}

TEST_CASE("a small bound on memory changes nothing but the tiles of fused metrics") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, DecisionMetric{Kind::l2, true}));
  const Matrix left = some_descriptors(70, 20, 11, true);
  const Matrix right = some_descriptors(90, 20, 12, true);
  ExecutionOptions tight = fused(Precision::fp16);
  tight.memory = 70'000;
  expect_same(cuda_rig(model, tight).select(left.view(), right.view(), kRequests[0], 40, 50),
              cuda_rig(model).select(left.view(), right.view(), kRequests[0], 1000, 1000));
}

TEST_CASE("a score that is not finite is named by fused metrics as by others") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(4, DecisionMetric{Kind::l2, false}));
  Matrix left = some_descriptors(5, 4, 1, false);
  Matrix right = some_descriptors(9, 4, 2, false);
  left.row(2)[0] = 1.6e38F;
  right.row(4)[0] = -1.9e38F;
  try {
    (void)cuda_rig(model, fused(Precision::bf16)).select(left.view(), right.view(), kRequests[0], 1000, 1000);
    FAIL("not reported");
  } catch (const NotFinite& error) {
    CHECK(error.pair().left == 2);
    CHECK(error.pair().right == 4);
  }
}

TEST_CASE("fused heads keep what fp32 keeps, whatever the sizes") {
  if (no_device()) return;
  struct Size {
    std::int64_t rows, columns;
    int hidden;
  };
  const Size size =
      GENERATE(Size{1, 1, 1}, Size{0, 5, 8}, Size{5, 0, 8}, Size{3, 129, 40}, Size{129, 3, 37}, Size{17, 33, 300});
  expect_same_decisions(two_layer_head(20, size.hidden), some_descriptors(size.rows, 20, 1, false),
                        some_descriptors(size.columns, 20, 2, false),
                        {{.top_k = 2, .column_best = true}, {.top_k = 1, .column_best = false, .threshold = 0.1F}});
}

TEST_CASE("heads of one layer are searched as others are, and those of three by the library's products") {
  if (no_device()) return;
  struct Size {
    std::int64_t rows, columns;
  };
  const Size size = GENERATE(Size{0, 5}, Size{1, 1}, Size{3, 129}, Size{33, 31});
  const Matrix left = some_descriptors(size.rows, 20, 1, false);
  const Matrix right = some_descriptors(size.columns, 20, 2, false);
  expect_same_decisions(DecisionLayers{{Linear{40, 1}}}, left, right,
                        {{.top_k = 2, .column_best = true}, {.top_k = 1, .column_best = false, .threshold = 0.1F}});
  const Activation relu{};
  const auto deep =
      shared_model(small_spec(20, DecisionLayers{{Linear{40, 9}, relu, Linear{9, 7}, relu, Linear{7, 1}}}), 7);
  for (const Precision precision : {Precision::fp32, Precision::fp16}) {
    expect_same(cuda_rig(deep, fused(precision)).select(left.view(), right.view(), kRequests[0], 1000, 1000),
                cuda_rig(deep, cuda_options(precision)).select(left.view(), right.view(), kRequests[0], 1000, 1000));
  }
}

TEST_CASE("fused heads keep what fp32 keeps of rows that are nearly the same, in every segment") {
  if (no_device()) return;
  const double spread = GENERATE(0.0, 1e-4, 1e-2);
  const Matrix left = clustered(20, 24, 3, spread, 5);
  const Matrix right = clustered(140, 24, 3, spread, 6);
  expect_same_decisions(two_layer_head(24, 36), left, right,
                        {{.top_k = 2, .column_best = true, .segments = {0, 1, 30, 30}}});
}

TEST_CASE("fused heads keep what fp32 keeps of numbers beyond fp16's range") {
  if (no_device()) return;
  Matrix left = some_descriptors(12, 16, 5, false);
  const Matrix right = some_descriptors(20, 16, 6, false);
  for (float& value : left.row(3)) value *= 1e8F;
  expect_same_decisions(two_layer_head(16, 32), left, right, {{.top_k = 2, .column_best = true}});
}

TEST_CASE("segments of gathered images are the same for fused heads and metrics") {
  if (no_device()) return;
  const auto decision = GENERATE(Decision(DecisionMetric{Kind::l2, true}), Decision(DecisionMetric{Kind::l1, true}),
                                 Decision(two_layer_head(20, 37)));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix left = some_descriptors(9, 20, 1, true);
  const Matrix right = some_descriptors(70, 20, 2, true);
  const SelectionRequest request{
      .rows = 9, .columns = 70, .top_k = 2, .column_best = true, .segments = {0, 33, 33, 34}};
  const auto kept = [&](const Rig& rig) {
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
  expect_same(kept(cuda_rig(model, fused(Precision::fp16))), kept(cuda_rig(model)));
}
