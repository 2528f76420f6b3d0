// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "cuda_support.hpp"
#include "device.hpp"
#include "kernels/element.hpp"
#include "transfer.hpp"

// Of bounds that a tile holds, few are scored again: those that may be the best of their row or column.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = cuda::kernels;

namespace {

constexpr std::int64_t kSide = 64;
constexpr std::int64_t kLength = 6;

/// Row i: the bits of i as signs. Two that differ are further apart than a float holds, so that whoever scores them
/// meets a score that is not finite.
std::vector<float> far_rows(std::int64_t step) {
  std::vector<float> rows;
  for (std::int64_t i = 0; i < kSide; ++i) {
    for (std::int64_t k = 0; k < kLength; ++k) rows.push_back((i * step % kSide >> k & 1) != 0 ? 3e38F : -3e38F);
  }
  return rows;
}

template <class T>
cuda::DeviceBuffer<T> upload(cuda::Device& device, const std::vector<T>& values) {
  return cuda::upload<T>(device.pool(), values, device.stream());
}

}  // namespace

TEST_CASE("of rows and columns that have kept nothing only the best bounds are scored") {
  if (no_device()) return;
  const auto operation = GENERATE(kernels::PairOperation::l2, kernels::PairOperation::l1);
  const bool columns_too = GENERATE(false, true);
  const auto segments = GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{0, 64});
  constexpr std::int64_t kStep = 5;  // row i of the left is row i · 5 mod 64 of the right
  cuda::Device device(0, cuda_options(), 1);
  const cuda::Turn turn(device);
  const auto left = upload(device, far_rows(kStep));
  const auto right = upload(device, far_rows(1));
  const auto zeros = upload(device, std::vector<float>(kSide));
  std::vector<float> bounds(kSide * kSide, -1e30F);
  for (std::int64_t i = 0; i < kSide; ++i) bounds[static_cast<std::size_t>(i * kSide + i * kStep % kSide)] = 0;
  const auto values = upload(device, bounds);
  auto rows = upload(device, std::vector<std::uint64_t>(kSide));
  auto columns = upload(device, std::vector<std::uint64_t>(kSide));
  auto bad = upload(device, std::vector<unsigned long long>(1));
  auto needed = upload(device, std::vector<float>(kSide));
  auto chunks = upload(device, std::vector<unsigned>(kSide * kernels::mark_words(kSide) + kSide));
  const auto begins = upload(device, segments.empty() ? std::vector<std::int64_t>{0} : segments);
  kernels::SelectionKeys keys{.rows = rows.data(),
                              .columns = columns_too ? columns.data() : nullptr,
                              .grid_rows = kSide,
                              .top_k = 1,
                              .threshold = -std::numeric_limits<float>::infinity(),
                              .segment_begins = segments.empty() ? nullptr : begins.data(),
                              .first_bad = bad.data()};
  const kernels::SelectionMarks marks{needed.data(), columns_too ? chunks.data() : nullptr};
  kernels::select_rescored(device.stream(), {.values = values.data(), .stride = kSide, .rows = kSide, .columns = kSide},
                           keys, marks,
                           {.operation = operation,
                            .left = {left.data(), zeros.data(), kSide},
                            .right = {right.data(), zeros.data(), kSide},
                            .length = kLength,
                            .share = operation == kernels::PairOperation::l2 ? -0.5F : 0.0F,
                            .slack = 1e-6});
  unsigned long long first_bad = 0;
  cuda::read_back(device, bad.data(), 1, &first_bad);
  CHECK(first_bad == 0);
  std::vector<std::uint64_t> kept(kSide);
  cuda::read_back(device, rows.data(), kSide, kept.data());
  for (std::int64_t i = 0; i < kSide; ++i) {
    CHECK(cuda::key_index(kept[static_cast<std::size_t>(i)]) == i * kStep % kSide);
  }
  if (!columns_too) return;
  cuda::read_back(device, columns.data(), kSide, kept.data());
  for (std::int64_t i = 0; i < kSide; ++i) {
    CHECK(cuda::key_index(kept[static_cast<std::size_t>(i * kStep % kSide)]) == i);
  }
}
