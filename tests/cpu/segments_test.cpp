// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "grid/selection.hpp"
#include "grid_support.hpp"
#include "twinpatch/cpu/backend.hpp"

// One left image against many right images in one call keeps what image by image keeps, bit for bit.

namespace twinpatch::test {
namespace {

/// Sizes of right images: none, smaller than a panel, whole panels, more than a strip.
const std::vector<std::int64_t> kImages = {0, 3, 130, 1, 48, 0, 16, 257, 0};

/// The first column of each image.
std::vector<std::int64_t> begins(const std::vector<std::int64_t>& images) {
  std::vector<std::int64_t> result(images.size());
  std::exclusive_scan(images.begin(), images.end(), result.begin(), std::int64_t{0});
  return result;
}

std::int64_t total(const std::vector<std::int64_t>& images) {
  return std::accumulate(images.begin(), images.end(), std::int64_t{0});
}

/// Right rows with their place, in parts of the given sizes.
struct Parts {
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<PlacedRows> placed;
};

Parts parts_of(const SiameseRig& rig, MatrixView right, const std::vector<std::int64_t>& sizes) {
  Parts parts;
  std::int64_t first = 0;
  for (const std::int64_t size : sizes) {
    parts.rows.push_back(rig.make(right.slice(first, size), Side::right));
    parts.placed.push_back({parts.rows.back().get(), first});
    first += size;
  }
  return parts;
}

/// Each image with a selection of its own, put together as segments.
Selected image_by_image(const SiameseRig& rig, MatrixView left, MatrixView right, SelectionRequest request,
                        const std::vector<std::int64_t>& images) {
  Selected all;
  all.rows = request.rows = left.rows;
  all.columns = right.rows;
  all.top_k = request.top_k;
  all.segments = begins(images);
  const std::int64_t of_image = left.rows * request.top_k;
  all.indices = Buffer<std::int32_t>(of_image * std::ssize(images));
  all.scores = Buffer<float>(of_image * std::ssize(images));
  all.column_indices = Buffer<std::int32_t>(request.column_best ? right.rows : 0);
  all.column_scores = Buffer<float>(request.column_best ? right.rows : 0);
  for (std::size_t s = 0; s < images.size(); ++s) {
    const std::int64_t first = all.segments[s];
    const Selected one = rig.select(left, right.slice(first, images[s]), request, 1000, 1000);
    const auto at = static_cast<std::int64_t>(s) * of_image;
    std::copy_n(one.indices.data(), of_image, all.indices.data() + at);
    std::copy_n(one.scores.data(), of_image, all.scores.data() + at);
    if (!request.column_best) continue;
    std::copy_n(one.column_indices.data(), images[s], all.column_indices.data() + first);
    std::copy_n(one.column_scores.data(), images[s], all.column_scores.data() + first);
  }
  return all;
}

void expect_same_segments(const Selected& got, const Selected& expected) {
  REQUIRE(got.rows == expected.rows);
  REQUIRE(got.columns == expected.columns);
  REQUIRE(got.top_k == expected.top_k);
  REQUIRE(got.segments == expected.segments);
  const auto same = [](const auto& a, const auto& b) {
    REQUIRE(a.size() == b.size());
    CHECK(std::equal(a.data(), a.data() + a.size(), b.data()));
  };
  same(got.indices, expected.indices);
  same(got.scores, expected.scores);
  same(got.column_indices, expected.column_indices);
  same(got.column_scores, expected.column_scores);
}

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 1, .column_best = true},
    {.top_k = 2, .column_best = false, .threshold = -0.9F},
    {.top_k = 5, .column_best = true},
};

/// `left` against `images` in one call, whole and divided in other ways, is `image_by_image`.
void expect_segments(const SiameseRig& rig, MatrixView left, MatrixView right,
                     const std::vector<std::int64_t>& images) {
  const auto left_rows = rig.make(left, Side::left);
  const Parts of_images = parts_of(rig, right, images);
  const Parts whole = parts_of(rig, right, {right.rows});
  const Parts across = parts_of(rig, right, {right.rows / 3, 1, right.rows - right.rows / 3 - 1});
  const auto selection = cpu::make_cpu_selection(rig.context, {});  // one, used again and again
  for (SelectionRequest request : kRequests) {
    const Selected expected = image_by_image(rig, left, right, request, images);
    request.rows = left.rows;
    request.columns = right.rows;
    request.segments = begins(images);
    for (const Parts* parts : {&of_images, &whole, &across}) {
      selection->begin(request);
      rig.scorer->score_tile({left_rows.get(), 0}, parts->placed, *selection);
      expect_same_segments(selection->read(), expected);
    }
    // Rows in two tiles, images from the last to the first, each in a call of its own.
    selection->begin(request);
    for (std::size_t s = images.size(); s-- > 0;) {
      for (const std::int64_t row : {std::int64_t{5}, std::int64_t{0}}) {
        const auto tile = rig.make(left.slice(row, row == 0 ? 5 : left.rows - 5), Side::left);
        rig.scorer->score_tile({tile.get(), row}, of_images.placed[s], *selection);
      }
    }
    expect_same_segments(selection->read(), expected);
  }
}

}  // namespace

TEST_CASE("many images in one call keep what image by image keeps, on every instruction set") {
  const auto relu = Activation{Activation::Kind::relu};
  const auto decision =
      GENERATE_COPY(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}),
                    Decision(DecisionMetric{DecisionMetric::Kind::l1, false}),
                    Decision(DecisionMetric{DecisionMetric::Kind::cosine, true}), Decision(two_layer_head(20, 37)),
                    Decision(DecisionLayers{{Linear{40, 50}, relu, Linear{50, 7}, relu, Linear{7, 1}}}));
  for_each_target([&] {
    for (const int threads : {1, 3}) {
      const SiameseRig rig(small_spec(20, decision), threads);
      for (const std::int64_t rows : {7, 130}) {
        const Matrix left = some_descriptors(rows, 20, 1, true);
        const Matrix right = some_descriptors(total(kImages), 20, 2, true);
        expect_segments(rig, left.view(), right.view(), kImages);
      }
    }
  });
}

TEST_CASE("many images in one call are more than what is packed at a time") {
  const SiameseRig rig(small_spec(1500, DecisionMetric{DecisionMetric::Kind::l2, true}), 2);
  const std::vector<std::int64_t> images = {400, 37, 1000, 300};  // 10 MB
  const Matrix left = some_descriptors(6, 1500, 3, true);
  const Matrix right = some_descriptors(total(images), 1500, 4, true);
  expect_segments(rig, left.view(), right.view(), images);
}

TEST_CASE("many images of a 2-channel network keep what image by image keeps") {
  const NetworkSpec spec = joining_networks().at(3);
  const auto model = std::make_shared<const Model>(random_model(spec, 5));
  const auto backend = make_cpu_backend(SiameseRig::options(2));
  const auto branch = backend->make_branch(model);
  const auto scorer = backend->make_scorer(model);
  const std::vector<std::int64_t> images = {3, 0, 11, 1};
  const auto first = begins(images);
  const auto pixels = structured_patches(4 + total(images), 17, 13, 6);
  const PatchView patches{PixelType::u8, pixels.data(), 4 + total(images), 17, 13};
  const auto left = branch->rows(patches.slice(0, 4), Side::left);
  const SelectionRequest request{
      .rows = 4, .columns = total(images), .top_k = 2, .column_best = true, .segments = first};
  const auto together = backend->make_selection(request);
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<PlacedRows> parts;
  for (std::size_t s = 0; s < images.size(); ++s) {
    rows.push_back(branch->rows(patches.slice(4 + first[s], images[s]), Side::right));
    parts.push_back({rows.back().get(), first[s]});
  }
  scorer->score_tile({left.get(), 0}, parts, *together);
  const Selected got = together->read();
  for (std::size_t s = 0; s < images.size(); ++s) {
    const auto alone = backend->make_selection({.rows = 4, .columns = images[s], .top_k = 2, .column_best = true});
    scorer->score_tile({left.get(), 0}, {rows[s].get(), 0}, *alone);
    const Selected expected = alone->read();
    const SelectedView view = got.segment(static_cast<std::int64_t>(s));
    CHECK(view.columns == images[s]);
    CHECK(std::equal(view.indices.begin(), view.indices.end(), expected.indices.data()));
    CHECK(std::equal(view.scores.begin(), view.scores.end(), expected.scores.data()));
    CHECK(std::equal(view.column_indices.begin(), view.column_indices.end(), expected.column_indices.data()));
    CHECK(std::equal(view.column_scores.begin(), view.column_scores.end(), expected.column_scores.data()));
  }
}

TEST_CASE("a score that is not finite is reported with its place in the grid") {
  const SiameseRig rig(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}), 2);
  Matrix left = some_descriptors(100, 20, 12, false);
  Matrix right = some_descriptors(300, 20, 13, false);
  for (float& value : left.row(71)) value = 5e37F;  // too far apart for a float
  for (float& value : right.row(205)) value = -5e37F;
  const auto left_rows = rig.make(left.view(), Side::left);
  const Parts parts = parts_of(rig, right.view(), {100, 100, 100});
  const auto selection = cpu::make_cpu_selection(rig.context, {.rows = 100, .columns = 300, .segments = {0, 100, 200}});
  try {
    rig.scorer->score_tile({left_rows.get(), 0}, parts.placed, *selection);
    FAIL("not reported");
  } catch (const NotFinite& error) {
    CHECK(error.pair() == IndexPair{71, 205});
  }
}

TEST_CASE("segments cut columns into pieces") {
  struct Piece {
    std::int64_t segment, first, count;
    bool operator==(const Piece&) const = default;
  };
  const auto pieces = [](std::vector<std::int64_t> segments, std::int64_t first, std::int64_t count) {
    std::vector<Piece> result;
    const SelectionRequest request{.rows = 1, .columns = 20, .segments = std::move(segments)};
    cpu::for_each_segment(request, first, count, [&](std::int64_t segment, std::int64_t begin, std::int64_t size) {
      result.push_back({segment, begin, size});
    });
    return result;
  };
  CHECK(pieces({}, 3, 9) == std::vector<Piece>{{0, 3, 9}});
  CHECK(pieces({0, 5, 5, 5, 12, 20}, 0, 20) == std::vector<Piece>{{0, 0, 5}, {3, 5, 7}, {4, 12, 8}});
  CHECK(pieces({0, 5, 5, 5, 12, 20}, 5, 3) == std::vector<Piece>{{3, 5, 3}});
  CHECK(pieces({0, 0, 5}, 4, 2) == std::vector<Piece>{{1, 4, 1}, {2, 5, 1}});
  CHECK(pieces({0, 5}, 5, 0).empty());
}

}  // namespace twinpatch::test
