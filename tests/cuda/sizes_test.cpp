// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "kernels/cutting.hpp"
#include "kernels/join.hpp"
#include "kernels/kernels.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "support/small_networks.hpp"

// Offsets and numbers beyond 2³¹, and beyond 2³² bytes: what kernels read and write far out is what they do near by.
// The stand-in's memory takes none where nothing is written.

using namespace twinpatch;
using namespace twinpatch::test;
using cuda::NumberType;
namespace kernels = twinpatch::cuda::kernels;

namespace {

constexpr std::int64_t kBeyond = std::int64_t{1} << 31;

/// A device with room for one such matrix, or none: then the case says so and returns.
struct Room {
  explicit Room(std::int64_t gibibytes) : machine(machine_of(1, gibibytes << 30)) {
    if (machine != nullptr) {
      context = std::make_unique<cuda::Context>(0);
    } else if (!no_device()) {
      WARN("skipped: this case needs a CUDA device with " << gibibytes << " GiB");
    }
  }
  explicit operator bool() const { return context != nullptr; }
  [[nodiscard]] cudaStream_t stream() const { return context->compute(); }

  template <class T>
  [[nodiscard]] cuda::DeviceBuffer<T> room(std::int64_t size) const {
    return {context->pool(), size, stream()};
  }
  template <class T>
  void put(const std::vector<T>& values, cuda::DeviceBuffer<T>& to, std::int64_t at) const {
    cuda::copy_to_device<T>(values, to.view().subspan(static_cast<std::size_t>(at), values.size()), stream());
  }
  template <class T>
  [[nodiscard]] cuda::DeviceBuffer<T> up(const std::vector<T>& values) const {
    return cuda::upload<T>(context->pool(), values, stream());
  }
  template <class T>
  [[nodiscard]] std::vector<T> down(const cuda::DeviceBuffer<T>& from, std::int64_t at, std::int64_t size) const {
    std::vector<T> values(static_cast<std::size_t>(size));
    cuda::copy_to_host<T>(from.view().subspan(static_cast<std::size_t>(at), values.size()), values, stream());
    context->synchronize();
    return values;
  }

  std::unique_ptr<DeviceMachine> machine;
  std::unique_ptr<cuda::Context> context;
};

}  // namespace

TEST_CASE("rows beyond 2³¹ values are scored and added like those at the beginning") {
  const Room device(10);
  if (!device) return;
  constexpr std::int64_t kLength = 1021;
  const std::int64_t far = kBeyond / kLength + 2;  // number of the first far row
  const auto values = normal_floats(3 * kLength, 1);
  auto rows = device.room<float>((far + 3) * kLength);
  device.put(values, rows, 0);
  device.put(values, rows, far * kLength);
  const auto row = static_cast<std::int32_t>(far);
  const auto near_pairs = device.up(std::vector<std::int32_t>{0, 1, 2, 0, 1, 2});
  const auto far_pairs = device.up(std::vector<std::int32_t>{row, row + 1, row + 2, row, row + 1, row + 2});
  const auto weights = device.up(normal_floats(kLength, 2));
  const kernels::RowMatrix matrix{rows.data(), nullptr, far + 3};
  for (const auto operation : {kernels::PairOperation::head, kernels::PairOperation::l2, kernels::PairOperation::l1,
                               kernels::PairOperation::dot}) {
    const auto scores = [&](const std::int32_t* pairs) {
      auto out = device.room<float>(3);
      kernels::score_pairs(device.stream(), {operation, matrix, matrix, kLength, weights.data(), 0.5F}, {pairs, 3},
                           out.data());
      return device.down(out, 0, 3);
    };
    const auto near = scores(near_pairs.data());
    CHECK(scores(far_pairs.data()) == near);
    CHECK(near[0] != near[1]);
  }
  const auto sums = [&](const std::int32_t* pairs) {
    auto out = device.room<float>(3 * kLength);
    kernels::add_rows(device.stream(), {rows.data(), rows.data(), kLength, kernels::ActivationKind::relu}, {pairs, 3},
                      out.data());
    return device.down(out, 0, 3 * kLength);
  };
  CHECK(sums(far_pairs.data()) == sums(near_pairs.data()));
}

TEST_CASE("patches and halves beyond 2³¹ values are gathered like those at the beginning") {
  const Room device(10);
  if (!device) return;
  constexpr std::int64_t kSize = 31 * 17;
  const std::int64_t far = kBeyond / kSize + 3;
  const Patches patches(2, {31, 17}, 3);
  {
    auto pixels = device.room<std::uint8_t>((far + 2) * kSize);
    device.put(patches.pixels, pixels, 0);
    device.put(patches.pixels, pixels, far * kSize);
    const auto load = [&](std::int64_t first, bool listed) {
      const std::vector<std::int32_t> order{static_cast<std::int32_t>(first) + 1, static_cast<std::int32_t>(first)};
      const auto index = device.up(order);
      kernels::PatchSource source{.pixels = pixels.data(), .first = first};
      if (listed) source.index = index.data();
      auto out = device.room<float>(2 * kSize);
      kernels::load_patches(device.stream(), {.sources = {&source, 1}, .count = 2, .height = 31, .width = 17},
                            out.data());
      return device.down(out, 0, 2 * kSize);
    };
    const auto near = load(0, false);
    CHECK(near[5] == static_cast<float>(patches.pixels[5]));
    CHECK(load(far, false) == near);
    CHECK(load(far, true) == load(0, true));
  }
  constexpr kernels::MapShape kShape{11, 7, 16};
  const std::int64_t far_map = kBeyond / kShape.size() + 2;
  const auto values = normal_floats(2 * kShape.size(), 4);
  auto halves = device.room<float>((far_map + 2) * kShape.size());
  device.put(values, halves, 0);
  device.put(values, halves, far_map * kShape.size());
  constexpr std::int64_t kJoined = std::int64_t{5} * 3 * 16;
  kernels::HalvesJoin join{.left = halves.data(),
                           .right = halves.data(),
                           .pairs = {.count = 4, .columns = 2},
                           .shape = kShape,
                           .activation = kernels::ActivationKind::relu,
                           .pool = true};
  const auto joined = [&](std::int64_t first) {
    join.pairs.first_left = join.pairs.first_right = first;
    auto out = device.room<float>(4 * kJoined);
    kernels::join_halves(device.stream(), join, out.data());
    return device.down(out, 0, 4 * kJoined);
  };
  const auto near = joined(0);
  CHECK(joined(far_map) == near);
  // Pairs whose numbers need 41 bits: those of rows 2⁴⁰ and 2⁴⁰ + 1, whose halves are there under lower numbers.
  constexpr std::int64_t kRow = std::int64_t{1} << 40;
  join.pairs.begin = 2 * kRow;
  join.pairs.first_left = -kRow;
  join.pairs.first_right = 0;
  auto out = device.room<float>(4 * kJoined);
  kernels::join_halves(device.stream(), join, out.data());
  CHECK(device.down(out, 0, 4 * kJoined) == near);
}

TEST_CASE("what is written beyond 2³¹ values is what is written at the beginning") {
  const Room device(20);
  if (!device) return;
  constexpr std::int64_t kStride = kBeyond + 12;
  constexpr std::int64_t kLength = 9;
  const auto left = device.up(normal_floats(2 * kLength, 5));
  const auto right = device.up(normal_floats(3 * kLength, 6));
  const auto grid = [&](std::int64_t stride) {
    auto out = device.room<float>(stride + 3);
    kernels::grid_tile(device.stream(),
                       {kernels::PairOperation::l1, {left.data(), nullptr, 2}, {right.data(), nullptr, 3}, kLength},
                       out.data(), stride);
    return device.down(out, stride, 3);  // the second row
  };
  CHECK(grid(kStride) == grid(3));

  constexpr kernels::MapShape kShape{4, 3, 2};
  const auto maps = device.up(normal_floats(2 * kShape.size(), 7));
  const kernels::Maps in{NumberType::fp32, maps.data(), 2, kShape};
  const auto second = [&](std::int64_t stride, bool pyramid) {
    auto out = device.room<float>(stride + kShape.size());
    if (pyramid) {
      kernels::pyramid_level(device.stream(), in, 2, out.data(), stride);
    } else {
      kernels::flatten(device.stream(), in, out.data(), stride);
    }
    return device.down(out, stride, 8);
  };
  for (const bool pyramid : {false, true}) CHECK(second(kStride, pyramid) == second(kShape.size(), pyramid));

  // Pairs of a grid whose numbers need 41 bits.
  constexpr std::int64_t kColumns = 1'000'003;
  auto pairs = device.room<std::int32_t>(8);
  kernels::enumerate_pairs(
      device.stream(),
      {.begin = (std::int64_t{1} << 40) + 11, .count = 4, .columns = kColumns, .first_left = 5, .first_right = 7},
      pairs.data());
  const auto got = device.down(pairs, 0, 8);
  for (std::int64_t n = 0; n < 4; ++n) {
    const std::int64_t number = (std::int64_t{1} << 40) + 11 + n;
    CHECK(got[static_cast<std::size_t>(2 * n)] == 5 + number / kColumns);
    CHECK(got[static_cast<std::size_t>(2 * n + 1)] == 7 + number % kColumns);
  }
}

TEST_CASE("a selection of rows and columns numbered up to 2³¹ is taken from values as far apart") {
  const Room device(20);
  if (!device) return;
  constexpr std::int64_t kStride = kBeyond + 40;
  const auto scores = normal_floats(2 * 37, 8);
  auto values = device.room<float>(kStride + 37);
  device.put(std::vector<float>(scores.begin(), scores.begin() + 37), values, 0);
  device.put(std::vector<float>(scores.begin() + 37, scores.end()), values, kStride);
  const auto close = device.up(scores);
  const auto select = [&](const float* from, std::int64_t stride) {
    auto rows = device.up(std::vector<std::uint64_t>(4));
    auto columns = device.up(std::vector<std::uint64_t>(37));
    auto bad = device.up(std::vector<unsigned long long>(1));
    auto needed = device.room<float>(2);
    auto chunks = device.up(std::vector<unsigned>(2));
    kernels::select_scores(device.stream(), {.values = from, .stride = stride, .rows = 2, .columns = 37},
                           {.rows = rows.data(),
                            .columns = columns.data(),
                            .grid_rows = 2,
                            .top_k = 2,
                            .threshold = -10,
                            .first_bad = bad.data()},
                           {needed.data(), chunks.data()});
    auto result = device.down(rows, 0, 4);
    const auto best = device.down(columns, 0, 37);
    result.insert(result.end(), best.begin(), best.end());
    return result;
  };
  CHECK(select(values.data(), kStride) == select(close.data(), 37));
}

TEST_CASE("a grid of more than 2³¹ pairs keeps what its last corner holds") {
  const Room device(4);
  if (!device) return;
  constexpr std::int64_t kSide = 60'000;  // 3.6 · 10⁹ pairs
  constexpr std::int64_t kCorner = 40;
  for (const bool head : {false, true}) {
    const auto decision =
        head ? Decision(two_layer_head(12, 15)) : Decision(DecisionMetric{DecisionMetric::Kind::l2, false});
    const Rig rig = cuda_rig(shared_model(small_spec(12, decision)));
    const Matrix left = some_descriptors(kCorner, 12, 9, false);
    const Matrix right = some_descriptors(kCorner, 12, 10, false);
    const auto a = rig.branch->rows(left.view(), Side::left);
    const auto b = rig.branch->rows(right.view(), Side::right);
    const auto selected = [&](std::int64_t side) {
      const auto selection =
          rig.backend->make_selection({.rows = side, .columns = side, .top_k = 2, .column_best = true});
      rig.scorer->score_tile({a.get(), side - kCorner}, {b.get(), side - kCorner}, *selection);
      return selection->read();
    };
    const Selected near = selected(kCorner);
    const Selected far = selected(kSide);
    const std::int64_t shift = kSide - kCorner;
    for (std::int64_t i = 0; i < kCorner; ++i) {
      for (std::int64_t k = 0; k < 2; ++k) {
        CHECK(far.indices[2 * (shift + i) + k] == near.indices[2 * i + k] + shift);
        CHECK(far.scores[2 * (shift + i) + k] == near.scores[2 * i + k]);
      }
      CHECK(far.column_indices[shift + i] == near.column_indices[i] + shift);
    }
    CHECK(far.indices[0] == -1);
    CHECK(far.column_indices[shift - 1] == -1);
  }
}

TEST_CASE("patches beyond 2³¹ pixels of a pyramid are cut like those at the beginning") {
  const Room device(8);
  if (!device) return;
  constexpr int kWidth = 50000;
  constexpr int kHeight = 50001;  // the last rows begin beyond 2³¹ pixels
  constexpr int kSide = 33;
  constexpr int kRows = 40;
  const kernels::PyramidLevels levels{.level = {{{0, kWidth, kHeight}}}, .count = 1};
  REQUIRE(std::int64_t{kHeight - kRows} * kWidth > kBeyond);
  auto pyramid = device.room<std::uint16_t>(levels.pixels());
  const auto floats = normal_floats(std::int64_t{kRows} * kRows, 3);
  for (const int first : {0, kHeight - kRows}) {
    for (int row = 0; row < kRows; ++row) {
      std::vector<std::uint16_t> pixels;
      for (int x = 0; x < kRows; ++x) {
        const float level = 128 + 40 * floats[static_cast<std::size_t>(row * kRows + x)];
        pixels.push_back(static_cast<std::uint16_t>(256 * std::clamp(level, 0.0F, 255.0F)));
      }
      device.put(pixels, pyramid, (std::int64_t{first} + row) * kWidth);
    }
  }
  std::vector<PatchWindow> windows(2);
  windows[0].fine = windows[1].fine = {-14.3F, -9.6F, 0.8F, 0.2F, -0.2F, 0.8F, 18, 15};
  windows[1].fine.origin_y += kHeight - kRows;
  const auto at = device.up(windows);
  auto patches = device.room<std::uint8_t>(2 * kSide * kSide);
  kernels::cut_patches(device.stream(), {pyramid.data(), levels, at.data(), 2, kSide}, patches.data());
  const auto near = device.down(patches, 0, kSide * kSide);
  CHECK(std::ranges::equal(near, device.down(patches, kSide * kSide, kSide * kSide)));
  CHECK(std::ranges::adjacent_find(near, std::not_equal_to<>()) != near.end());
}
