// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/selection.hpp"

#include <fmt/format.h>

#include <limits>

#include "kernels/element.hpp"
#include "runtime/check.hpp"
#include "runtime/nvtx.hpp"
#include "transfer.hpp"
#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cuda {
namespace {

constexpr auto kNone = std::numeric_limits<unsigned long long>::max();

void fill(Device& device, void* to, int byte, std::int64_t bytes) {
  if (bytes == 0) return;
  TWINPATCH_CUDA_CHECK(cudaMemsetAsync(to, byte, static_cast<std::size_t>(bytes), device.stream()));
}

}  // namespace

DeviceSelection::DeviceSelection(std::shared_ptr<Device> device, const SelectionRequest& request)
    : device_(std::move(device)) {
  begin(request);
}

void DeviceSelection::begin(const SelectionRequest& request) {
  twinpatch::check(request);
  if (request.segment_count() > 1) throw InvalidArgument("segments are not selected here");
  const Turn turn(*device_);
  const std::int64_t keys = checked_multiply(request.rows, request.top_k);
  try {
    rows_ = HeldBuffer<std::uint64_t>(device_, keys);
    columns_ = HeldBuffer<std::uint64_t>(device_, request.column_best ? request.columns : 0);
    first_bad_ = HeldBuffer<unsigned long long>(device_, 1);
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(fmt::format("the best {} of {} rows{} take {} on the device: {}", request.top_k, request.rows,
                                  request.column_best ? fmt::format(" and of {} columns", request.columns) : "",
                                  format_bytes(8 * (keys + (request.column_best ? request.columns : 0))),
                                  error.what()));
  }
  fill(*device_, rows_.data(), 0, rows_.bytes());
  fill(*device_, columns_.data(), 0, columns_.bytes());
  fill(*device_, first_bad_.data(), 0xff, first_bad_.bytes());
  request_ = request;
}

void DeviceSelection::check_tile(std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
                                 std::int64_t columns) const {
  if (first_row < 0 || first_column < 0 || rows < 0 || columns < 0 || rows > request_.rows - first_row ||
      columns > request_.columns - first_column) {
    throw InvalidArgument(fmt::format("a tile of {} × {} scores at ({}, {}) lies outside the grid of {} × {}", rows,
                                      columns, first_row, first_column, request_.rows, request_.columns));
  }
}

void DeviceSelection::take(const kernels::ValueTile& tile, const kernels::Rescoring* rescoring) {
  static const RangeName kSelect(Stage::select, "select");
  const std::int64_t pairs = tile.rows * tile.columns;
  const Range range(kSelect, {.pairs = pairs, .bytes = 4 * pairs});
  const kernels::SelectionKeys keys{.rows = rows_.data(),
                                    .columns = columns_.empty() ? nullptr : columns_.data(),
                                    .top_k = request_.top_k,
                                    .threshold = request_.threshold,
                                    .first_bad = first_bad_.data()};
  const bool both = keys.columns != nullptr;
  HeldBuffer<float> needed(device_, both ? tile.rows : 0);
  HeldBuffer<unsigned> chunks(device_, both ? tile.rows * kernels::mark_words(tile.columns) : 0);
  fill(*device_, chunks.data(), 0, chunks.bytes());
  const kernels::SelectionMarks marks{needed.data(), chunks.data()};
  if (rescoring == nullptr) {
    kernels::select_scores(device_->stream(), tile, keys, marks);
  } else {
    kernels::select_rescored(device_->stream(), tile, keys, marks, *rescoring);
  }
}

std::optional<DeviceSelection::Bad> DeviceSelection::find_bad() {
  unsigned long long position = kNone;
  read_back(*device_, first_bad_.data(), 1, &position);
  if (position == kNone) return {};
  fill(*device_, first_bad_.data(), 0xff, first_bad_.bytes());
  return Bad{static_cast<std::int64_t>(position >> 32), static_cast<std::int64_t>(position & 0xffffffffU)};
}

DeviceSelection::Keys DeviceSelection::read_keys() const {
  const Turn turn(*device_);
  Keys keys{std::vector<std::uint64_t>(static_cast<std::size_t>(rows_.size())),
            std::vector<std::uint64_t>(static_cast<std::size_t>(columns_.size()))};
  read_back(*device_, rows_.data(), rows_.size(), keys.rows.data());
  read_back(*device_, columns_.data(), columns_.size(), keys.columns.data());
  return keys;
}

Selected DeviceSelection::read() const { return decode(request_, read_keys()); }

Selected decode(const SelectionRequest& request, const DeviceSelection::Keys& keys) {
  const auto unpack = [](const std::vector<std::uint64_t>& from, Buffer<std::int32_t>& indices, Buffer<float>& scores) {
    for (std::int64_t i = 0; i < std::ssize(from); ++i) {
      const std::uint64_t key = from[static_cast<std::size_t>(i)];
      if (key == 0) continue;
      indices[i] = key_index(key);
      scores[i] = key_score(key);
    }
  };
  Selected result = empty_selection(request);
  unpack(keys.rows, result.indices, result.scores);
  unpack(keys.columns, result.column_indices, result.column_scores);
  return result;
}

}  // namespace twinpatch::cuda
