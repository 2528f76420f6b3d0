// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "backend_table.hpp"
#include "twinpatch/core/error.hpp"

// One left image against many right images in one call keeps what image by image keeps, bit for bit.

namespace twinpatch::test {
namespace {

using Sizes = std::vector<std::int64_t>;

/// Where each of these right images begins in a grid.
Sizes begins(const Sizes& images) {
  Sizes result(images.size());
  std::exclusive_scan(images.begin(), images.end(), result.begin(), std::int64_t{0});
  return result;
}

std::int64_t total(const Sizes& images) { return std::accumulate(images.begin(), images.end(), std::int64_t{0}); }

/// Right rows in parts of the given sizes, each with its place.
struct Parts {
  template <class View>
  Parts(const Rig& rig, const View& right, const Sizes& sizes) {
    std::int64_t first = 0;
    for (const std::int64_t size : sizes) {
      rows.push_back(rig.branch->rows(right.slice(first, size), Side::right));
      placed.push_back({rows.back().get(), first});
      first += size;
    }
  }
  [[nodiscard]] Parts reversed() const {
    Parts result = *this;
    std::reverse(result.placed.begin(), result.placed.end());
    return result;
  }
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<PlacedRows> placed;
};

/// Each image alone in a grid of its own, put together as segments.
template <class View>
Selected image_by_image(const Rig& rig, const View& left, const View& right, SelectionRequest request,
                        const Sizes& images) {
  Selected all;
  all.segments = begins(images);
  all.columns = total(images);
  std::vector<Selected> alone;
  for (std::size_t s = 0; s < images.size(); ++s) {
    alone.push_back(rig.select(left, right.slice(all.segments[s], images[s]), request, 1000, 1000));
  }
  all.rows = alone.front().rows;
  all.top_k = request.top_k;
  const auto join = [&](auto Selected::*member, std::int64_t size) {
    auto& joined = all.*member;
    joined = std::remove_reference_t<decltype(joined)>(size);
    auto* to = joined.data();
    for (const Selected& one : alone) to = std::copy_n((one.*member).data(), (one.*member).size(), to);
  };
  const std::int64_t kept = std::ssize(images) * all.rows * all.top_k;
  join(&Selected::indices, kept);
  join(&Selected::scores, kept);
  join(&Selected::column_indices, request.column_best ? all.columns : 0);
  join(&Selected::column_scores, request.column_best ? all.columns : 0);
  return all;
}

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 1, .column_best = true},
    {.top_k = 2, .column_best = false, .threshold = -0.9F},
    {.top_k = 3, .column_best = true, .threshold = -1.1F},
};

/// `left` against `images` in one call, in parts that are images and parts that are not, keeps what image by image
/// keeps; so do calls of tiles in any order.
template <class View>
void expect_segments(const Rig& rig, const View& left, const View& right, const Sizes& images) {
  const auto left_rows = rig.branch->rows(left, Side::left);
  const std::int64_t rows = left_rows->size();
  const std::int64_t columns = total(images);
  const std::int64_t third = columns / 3;
  const Parts of_images(rig, right, images);
  const Parts backwards = of_images.reversed();
  const Parts whole(rig, right, {columns});
  const Parts across(
      rig, right,
      {third, std::min<std::int64_t>(1, columns - third), 0, std::max<std::int64_t>(0, columns - third - 1)});
  const auto selection = rig.backend->make_selection({});  // one, used again and again
  for (SelectionRequest request : kRequests) {
    INFO("top " << request.top_k);
    const Selected expected = image_by_image(rig, left, right, request, images);
    request.rows = rows;
    request.columns = columns;
    request.segments = begins(images);
    for (const Parts* parts : {&of_images, &backwards, &whole, &across}) {
      selection->begin(request);
      rig.scorer->score_tile({left_rows.get(), 0}, parts->placed, *selection);
      expect_same(selection->read(), expected);
    }
    // Left rows in two tiles, images from the last to the first, each in a call of its own.
    selection->begin(request);
    const std::int64_t cut = rows / 3;
    const auto top = rig.branch->rows(left.slice(0, cut), Side::left);
    const auto bottom = rig.branch->rows(left.slice(cut, rows - cut), Side::left);
    for (std::size_t s = images.size(); s-- > 0;) {
      rig.scorer->score_tile({bottom.get(), cut}, of_images.placed[s], *selection);
      rig.scorer->score_tile({top.get(), 0}, of_images.placed[s], *selection);
    }
    expect_same(selection->read(), expected);
  }
}

const auto kRelu = Activation{Activation::Kind::relu};

/// A decision of each kind, on descriptors of length 20.
const std::vector<Decision> kDecisions = {
    DecisionMetric{DecisionMetric::Kind::l2, true},
    DecisionMetric{DecisionMetric::Kind::l1, false},
    DecisionMetric{DecisionMetric::Kind::cosine, true},
    two_layer_head(20, 37),
    DecisionLayers{{Linear{40, 50}, kRelu, Linear{50, 7}, kRelu, Linear{7, 1}}},
};

}  // namespace

TEST_CASE("many images in one call keep what image by image keeps") {
  if (no_device()) return;
  const Decision decision = GENERATE(from_range(kDecisions));
  const auto model = shared_model(small_spec(20, decision));
  // None, one, odd, around a panel of 16, a tile of 64 and a strip of 256; in the middle and at both ends.
  const Sizes images = {0, 3, 130, 1, 0, 15, 16, 17, 63, 64, 65, 257, 0};
  const Sizes few = {0, 1, 33, 0, 31, 3, 0};
  for_each_backend({.precisions = true, .instruction_sets = true}, [&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const Sizes& some = on.simulated ? few : images;
    for (const std::int64_t rows : {1, 7, 130}) {
      if (on.simulated && rows == 130) continue;
      INFO("left image of " << rows);
      const Matrix left = some_descriptors(rows, 20, 1, true);
      const Matrix right = some_descriptors(total(some), 20, 2, true);  // with duplicates
      expect_segments(rig, left.view(), right.view(), some);
    }
  });
}

TEST_CASE("images that are empty, one, or many times the same") {
  if (no_device()) return;
  const Decision decision = GENERATE(from_range(kDecisions));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix left = some_descriptors(5, 20, 3, true);
  const Matrix one_right = some_descriptors(9, 20, 4, true);
  Matrix right(36, 20);
  for (std::int64_t copy = 0; copy < 4; ++copy) std::copy_n(one_right.data(), 9 * 20, right.row(9 * copy).data());
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    expect_segments(rig, left.view(), right.view(), {36});          // one segment
    expect_segments(rig, left.view(), right.view(), {9, 9, 9, 9});  // the same image four times
    expect_segments(rig, left.view(), right.view().slice(0, 0), {0, 0, 0});
    expect_segments(rig, left.view().slice(0, 0), right.view(), {20, 0, 16});
    // No segments at all are one segment, but for how it is written down.
    const SelectionRequest request{.rows = 5, .columns = 36, .top_k = 2, .column_best = true};
    Selected none = rig.select(left.view(), right.view(), request, 1000, 1000);
    none.segments = {0};
    expect_same(none, image_by_image(rig, left.view(), right.view(), request, {36}));
  });
}

TEST_CASE("of nothing but ties every segment keeps its lowest indices") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(8, DecisionMetric{DecisionMetric::Kind::l2, false}));
  Matrix same(70, 8);
  std::fill(same.span().begin(), same.span().end(), 0.25F);
  const Sizes images = {2, 0, 65, 3};
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto left = rig.branch->rows(same.view(), Side::left);
    const Parts parts(rig, same.view(), images);
    const auto selection = rig.backend->make_selection(
        {.rows = 70, .columns = 70, .top_k = 3, .column_best = true, .segments = begins(images)});
    rig.scorer->score_tile({left.get(), 0}, parts.placed, *selection);
    const Selected kept = selection->read();
    for (std::int64_t s = 0; s < std::ssize(images); ++s) {
      INFO("segment " << s);
      const SelectedView segment = kept.segment(s);
      const std::int64_t size = images[static_cast<std::size_t>(s)];
      REQUIRE(segment.columns == size);
      for (std::size_t at = 0; at < segment.indices.size(); ++at) {
        const auto place = static_cast<std::int64_t>(at % 3);
        CHECK(segment.indices[at] == (place < size ? place : -1));
      }
      CHECK(
          std::all_of(segment.column_indices.begin(), segment.column_indices.end(), [](auto row) { return row == 0; }));
    }
  });
}

TEST_CASE("a small bound on memory cuts many images into tiles and changes nothing") {
  if (no_device()) return;
  const Decision decision = GENERATE(from_range(kDecisions));
  const auto model = shared_model(small_spec(20, decision));
  const Sizes images = {13, 0, 40, 1, 29};
  const Matrix left = some_descriptors(23, 20, 5, true);
  const Matrix right = some_descriptors(total(images), 20, 6, true);
  for_each_backend([&](const BackendRow& on) {
    ExecutionOptions options = on.options;
    options.memory = 200'000;
    expect_segments(on.rig(model, options), left.view(), right.view(), images);
  });
}

TEST_CASE("many images in one call are more than what is packed at a time") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(1500, DecisionMetric{DecisionMetric::Kind::l2, true}));
  const Sizes images = {400, 37, 1000, 300};  // 10 MB
  const Matrix left = some_descriptors(6, 1500, 3, true);
  const Matrix right = some_descriptors(total(images), 1500, 4, true);
  for_each_backend([&](const BackendRow& on) {
    if (!on.simulated) expect_segments(on.rig(model), left.view(), right.view(), images);
  });
}

TEST_CASE("many images of a 2-channel network keep what image by image keeps") {
  if (no_device()) return;
  const auto model = shared_model(joining_networks().at(3), 5);
  const Sizes images = {3, 0, 11, 1};
  const Patches left(4, {17, 13}, 6);
  const Patches right(total(images), {17, 13}, 7);
  for_each_backend({.precisions = true}, [&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto left_rows = rig.branch->rows(left.view, Side::left);
    const Parts parts(rig, right.view, images);
    for (SelectionRequest request : kRequests) {
      const Selected expected = image_by_image(rig, left.view, right.view, request, images);
      request.rows = 4;
      request.columns = total(images);
      request.segments = begins(images);
      const auto selection = rig.backend->make_selection(request);
      rig.scorer->score_tile({left_rows.get(), 0}, parts.placed, *selection);
      expect_same(selection->read(), expected);
    }
  });
}

TEST_CASE("a selection begun again has forgotten what was before, larger or smaller") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}));
  const Matrix right = some_descriptors(60, 20, 8, false);
  Matrix left = some_descriptors(30, 20, 9, false);
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto selection = rig.backend->make_selection({.rows = 1, .columns = 1});
    const auto expect_whole = [&](std::int64_t rows, SelectionRequest request) {
      request.rows = rows;
      const MatrixView a = left.view().slice(0, rows);
      const MatrixView b = right.view().slice(0, request.columns);
      const auto left_rows = rig.branch->rows(a, Side::left);
      const auto right_rows = rig.branch->rows(b, Side::right);
      selection->begin(request);
      CHECK(selection->request().columns == request.columns);
      rig.scorer->score_tile({left_rows.get(), 0}, {right_rows.get(), 0}, *selection);
      const auto scores = rig.list(a, b);
      expect_same(selection->read(), reference::select({scores.data(), rows, request.columns}, request));
    };
    expect_whole(30, {.columns = 60, .top_k = 3, .column_best = true, .segments = {0, 20, 40}});
    expect_whole(3, {.columns = 7, .top_k = 1});
    expect_whole(29, {.columns = 59, .top_k = 2, .column_best = true, .segments = {0, 0, 58}});
    selection->begin({.rows = 4, .columns = 5, .top_k = 2, .column_best = true});  // nothing is scored
    const Selected nothing = selection->read();
    CHECK(std::all_of(nothing.indices.span().begin(), nothing.indices.span().end(), [](auto i) { return i == -1; }));
    CHECK(nothing.column_indices[4] == -1);
    // Nor does it remember a score that was not finite.
    std::fill(left.row(2).begin(), left.row(2).end(), 3e38F);
    CHECK_THROWS_AS(expect_whole(30, {.columns = 60}), NotFinite);
    left = some_descriptors(30, 20, 9, false);
    expect_whole(30, {.columns = 60, .segments = {0, 20}});
  });
}

TEST_CASE("a score of many images that is not finite is reported with its place in the grid") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}));
  Matrix left = some_descriptors(50, 20, 12, false);
  Matrix right = some_descriptors(90, 20, 13, false);
  std::fill(left.row(41).begin(), left.row(41).end(), 5e37F);  // too far apart for a float
  std::fill(right.row(65).begin(), right.row(65).end(), -5e37F);
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto left_rows = rig.branch->rows(left.view(), Side::left);
    const Parts parts(rig, right.view(), {30, 30, 30});
    const auto selection = rig.backend->make_selection({.rows = 50, .columns = 90, .segments = {0, 30, 60}});
    try {
      rig.scorer->score_tile({left_rows.get(), 0}, parts.placed, *selection);
      (void)selection->read();
      FAIL("not reported");
    } catch (const NotFinite& error) {
      CHECK(error.pair() == IndexPair{41, 65});
      CHECK_THAT(error.what(), Catch::Contains("left patch 41 and right patch 65"));
    }
  });
}

TEST_CASE("segments and parts that make no sense are refused") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}));
  const Matrix right = some_descriptors(9, 20, 14, false);
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    for (const Sizes& segments : {Sizes{1, 4}, Sizes{0, 5, 4}, Sizes{0, 10}}) {
      CHECK_THROWS_AS(rig.backend->make_selection({.rows = 2, .columns = 9, .segments = segments}), InvalidArgument);
    }
    const auto left_rows = rig.branch->rows(right.view().slice(0, 2), Side::left);
    const Parts parts(rig, right.view(), {4, 5});
    const auto selection = rig.backend->make_selection({.rows = 2, .columns = 8, .segments = {0, 4}});
    CHECK_THROWS_WITH(rig.scorer->score_tile({left_rows.get(), 0}, parts.placed, *selection),
                      Catch::Contains("outside the grid"));
    const std::vector<PlacedRows> wrong_side{parts.placed[0], {left_rows.get(), 4}};
    CHECK_THROWS_AS(rig.scorer->score_tile({left_rows.get(), 0}, wrong_side, *selection), InvalidArgument);
  });
}

}  // namespace twinpatch::test
