// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "engine_support.hpp"
#include "support/small_networks.hpp"

// One left image against all right images of a block in one call keeps what pair by pair does, bit for bit.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Rows of several images of one side, and where each begins among all of them.
struct Images {
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<std::int64_t> begins;
  std::int64_t count = 0;

  void add(std::shared_ptr<const Rows> image) {
    begins.push_back(count);
    count += image->size();
    rows.push_back(std::move(image));
  }
  [[nodiscard]] std::vector<PlacedRows> placed() const {
    std::vector<PlacedRows> parts;
    for (std::size_t i = 0; i < rows.size(); ++i) parts.push_back({rows[i].get(), begins[i]});
    return parts;
  }
};

// Nothing, one row, odd numbers, more than a warp, more than a word of marks.
const std::vector<std::int64_t> kSizes = {33, 0, 1, 70, 0, 257, 31, 0};

Images descriptor_images(const Rig& rig, int length, const std::vector<std::int64_t>& sizes) {
  Images images;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Matrix descriptors = some_descriptors(sizes[i], length, 40 + i, true);
    images.add(rig.branch->rows(descriptors.view(), Side::right));
  }
  return images;
}

/// What is kept of left × the images, one call and one read an image.
std::vector<Selected> pair_by_pair(const Rig& rig, const Rows& left, const Images& right, SelectionRequest request) {
  std::vector<Selected> kept;
  for (const auto& image : right.rows) {
    request.rows = left.size();
    request.columns = image->size();
    const auto selection = rig.backend->make_selection(request);
    rig.scorer->score_tile({&left, 0}, {image.get(), 0}, *selection);
    kept.push_back(selection->read());
  }
  return kept;
}

template <class T>
void expect_equal(std::span<const T> got, const Buffer<T>& expected) {
  REQUIRE(std::ssize(got) == expected.size());
  CHECK(std::equal(got.begin(), got.end(), expected.data()));
}

void expect_segments(const Selected& got, const std::vector<Selected>& expected) {
  REQUIRE(got.segment_count() == std::ssize(expected));
  for (std::int64_t s = 0; s < got.segment_count(); ++s) {
    INFO("segment " << s);
    const SelectedView view = got.segment(s);
    const Selected& alone = expected[static_cast<std::size_t>(s)];
    CHECK(view.rows == alone.rows);
    CHECK(view.columns == alone.columns);
    expect_equal(view.indices, alone.indices);
    expect_equal(view.scores, alone.scores);
    expect_equal(view.column_indices, alone.column_indices);
    expect_equal(view.column_scores, alone.column_scores);
  }
}

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 2, .column_best = true},
    {.top_k = 1, .column_best = true, .threshold = -0.9F},
    {.top_k = 40, .column_best = false},
};

}  // namespace

TEST_CASE("segments of a grid on the device are the grids of its images, bit for bit") {
  if (no_device()) return;
  using Kind = DecisionMetric::Kind;
  const auto decision =
      GENERATE(Decision(DecisionMetric{Kind::l2, true}), Decision(DecisionMetric{Kind::l1, false}),
               Decision(DecisionMetric{Kind::cosine, true}), Decision(two_layer_head(20, 37)),
               Decision(DecisionLayers{{Linear{40, 9}, Activation{}, Linear{9, 5}, Activation{}, Linear{5, 1}}}));
  const auto precision = GENERATE(Precision::fp32, Precision::fp16);
  ExecutionOptions options = cuda_options(precision);
  const bool tight = GENERATE(false, true);
  if (tight) options.memory = 500'000;  // many tiles, whose edges no segment knows of
  const Rig rig = cuda_rig(shared_model(small_spec(20, decision)), options);
  const Matrix descriptors = some_descriptors(67, 20, 1, true);
  const auto left = rig.branch->rows(descriptors.view(), Side::left);
  const Images right = descriptor_images(rig, 20, kSizes);
  auto selection = rig.backend->make_selection({});
  for (SelectionRequest request : kRequests) {
    const auto expected = pair_by_pair(rig, *left, right, request);
    request.rows = left->size();
    request.columns = right.count;
    request.segments = right.begins;
    auto parts = right.placed();
    for (int order = 0; order < 2; ++order) {
      selection->begin(request);
      rig.scorer->score_tile({left.get(), 0}, parts, *selection);
      expect_segments(selection->read(), expected);
      std::reverse(parts.begin(), parts.end());
    }
  }
}

TEST_CASE("parts that cross segments keep the same on the device, in any order and more than once") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, true})));
  const Matrix left_descriptors = some_descriptors(50, 20, 1, true);
  const Matrix descriptors = some_descriptors(300, 20, 2, true);
  const SelectionRequest request{
      .rows = 50, .columns = 300, .top_k = 2, .column_best = true, .segments = {0, 0, 17, 100, 101, 101, 290, 300}};
  const auto left = rig.branch->rows(left_descriptors.view(), Side::left);
  const auto whole = rig.branch->rows(descriptors.view(), Side::right);
  const auto scores = rig.list(left_descriptors.view(), descriptors.view());
  const Selected expected = reference::select({scores.data(), 50, 300}, request);
  const auto selection = rig.backend->make_selection(request);
  rig.scorer->score_tile({left.get(), 0}, {whole.get(), 0}, *selection);
  expect_same(selection->read(), expected);

  selection->begin(request);
  std::vector<std::shared_ptr<const Rows>> parts;
  for (const std::int64_t begin : {130, 0, 64, 130}) {  // neither ascending nor next to each other
    parts.push_back(
        rig.branch->rows(descriptors.view().slice(begin, begin == 130 ? 170 : 64 + begin / 32), Side::right));
    const std::vector<PlacedRows> placed{{parts.back().get(), begin}};
    for (const std::int64_t row : {20, 0}) {
      const auto rows = rig.branch->rows(left_descriptors.view().slice(row, row == 0 ? 20 : 30), Side::left);
      rig.scorer->score_tile({rows.get(), row}, placed, *selection);
    }
  }
  expect_same(selection->read(), expected);
}

TEST_CASE("segments of a 2-channel grid on the device are the grids of its images, bit for bit") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(tiny_two_channel()));
  const Patches left_patches(9, kTinyPatch, 1);
  const auto left = rig.branch->rows(left_patches.view, Side::left);
  Images right;
  for (const std::int64_t size : {5, 0, 1, 8}) {
    const Patches patches(size, kTinyPatch, static_cast<std::uint64_t>(2 + size));
    right.add(rig.branch->rows(patches.view, Side::right));
  }
  SelectionRequest request{.top_k = 2, .column_best = true};
  const auto expected = pair_by_pair(rig, *left, right, request);
  request.rows = left->size();
  request.columns = right.count;
  request.segments = right.begins;
  const auto selection = rig.backend->make_selection(request);
  rig.scorer->score_tile({left.get(), 0}, right.placed(), *selection);
  expect_segments(selection->read(), expected);
}

TEST_CASE("segments are the same on two devices as on one") {
  const auto machine = machine_of(2);
  if (machine == nullptr) return;
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix descriptors = some_descriptors(67, 20, 1, true);
  const auto kept_on = [&](const std::string& device) {
    ExecutionOptions options = cuda_options();
    options.device = device;
    const Rig rig = cuda_rig(model, options);
    const auto left = rig.branch->rows(descriptors.view(), Side::left);
    const Images right = descriptor_images(rig, 20, kSizes);
    const auto selection = rig.backend->make_selection(
        {.rows = 67, .columns = right.count, .top_k = 3, .column_best = true, .segments = right.begins});
    rig.scorer->score_tile({left.get(), 0}, right.placed(), *selection);
    return selection->read();
  };
  expect_same(kept_on("cuda:0,1"), kept_on("cuda:0"));
}

TEST_CASE("a score that is not finite is named by its place in the grid, not in its segment") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false})));
  Matrix left = some_descriptors(80, 20, 12, false);
  Matrix right = some_descriptors(90, 20, 13, false);
  for (float& value : left.row(71)) value = 5e37F;
  for (float& value : right.row(55)) value = -5e37F;
  const auto a = rig.branch->rows(left.view(), Side::left);
  const auto b = rig.branch->rows(right.view(), Side::right);
  const auto selection = rig.backend->make_selection({.rows = 80, .columns = 90, .segments = {0, 50}});
  rig.scorer->score_tile({a.get(), 0}, {b.get(), 0}, *selection);
  try {
    (void)selection->read();
    FAIL("not reported");
  } catch (const NotFinite& error) {
    CHECK(error.pair().left == 71);
    CHECK(error.pair().right == 55);
  }
}
