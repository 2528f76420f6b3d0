// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/selection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/element.hpp"
#include "runtime/check.hpp"
#include "runtime/nvtx.hpp"
#include "transfer.hpp"
#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cuda {
namespace {

void clear(Device& device, void* to, std::int64_t bytes) {
  if (bytes == 0) return;
  TWINPATCH_CUDA_CHECK(cudaMemsetAsync(to, 0, static_cast<std::size_t>(bytes), device.stream()));
}

}  // namespace

DeviceSelection::DeviceSelection(std::shared_ptr<Device> device, const SelectionRequest& request)
    : device_(std::move(device)), keys_(device_), needed_(device_), chunks_(device_), segment_begins_(device_) {
  begin(request);
}

DeviceSelection::~DeviceSelection() {
  if (!staged_busy_) return;  // else the copy still reads staged_
  const Turn turn(*device_);
  (void)cudaStreamSynchronize(device_->stream());
}

std::int64_t DeviceSelection::row_keys() const {
  return checked_multiply(checked_multiply(request_.rows, request_.top_k), request_.segment_count());
}

void DeviceSelection::begin(const SelectionRequest& request) {
  twinpatch::check(request);
  const Turn turn(*device_);
  request_ = request;
  const std::int64_t rows = row_keys();
  const std::int64_t keys = checked_add(checked_add(rows, column_keys()), 1);
  try {
    (void)keys_.at_least(keys);
    upload_segments();
  } catch (const OutOfMemory& error) {
    request_ = {};
    throw OutOfMemory(
        fmt::format("the best {} of {} rows{}{} take {} on the device: {}", request.top_k, request.rows,
                    request.segment_count() > 1 ? fmt::format(" in {} segments", request.segment_count()) : "",
                    request.column_best ? fmt::format(" and of {} columns", request.columns) : "",
                    format_bytes(8 * keys), error.what()));
  }
  clear(*device_, keys_.data(), 8 * keys);
}

void DeviceSelection::upload_segments() {
  if (request_.segment_count() == 1) return;
  std::vector<std::int64_t> begins = request_.segments;
  begins.push_back(request_.columns);
  if (begins == uploaded_) return;
  if (staged_busy_) device_->finish();
  uploaded_.clear();
  const auto size = std::ssize(begins);
  if (staged_.size() < size) staged_ = PinnedBuffer<std::int64_t>(size);
  std::copy(begins.begin(), begins.end(), staged_.data());
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(segment_begins_.at_least(size), staged_.data(),
                                       begins.size() * sizeof(begins[0]), cudaMemcpyHostToDevice, device_->stream()));
  staged_busy_ = true;
  uploaded_ = std::move(begins);
}

kernels::SelectionKeys DeviceSelection::keys(std::int64_t first_column, std::int64_t columns) {
  kernels::SelectionKeys keys{.rows = keys_.data() + 1,
                              .columns = request_.column_best ? keys_.data() + 1 + row_keys() : nullptr,
                              .grid_rows = request_.rows,
                              .top_k = request_.top_k,
                              .threshold = request_.threshold,
                              .first_bad = reinterpret_cast<unsigned long long*>(keys_.data())};
  if (request_.segment_count() > 1) {
    const auto& begins = request_.segments;
    const auto first = std::upper_bound(begins.begin(), begins.end(), first_column) - 1;
    const auto last = std::lower_bound(first, begins.end(), first_column + columns);
    keys.segment_begins = segment_begins_.data();
    keys.first_segment = first - begins.begin();
    keys.tile_segments = last - first;
  }
  return keys;
}

void DeviceSelection::take(const kernels::ValueTile& tile, const kernels::Rescoring* rescoring) {
  static const RangeName kSelect(Stage::select, "select");
  const std::int64_t pairs = tile.rows * tile.columns;
  const Range range(kSelect, {.pairs = pairs, .bytes = 4 * pairs});
  const kernels::SelectionKeys keys = this->keys(tile.first_column, tile.columns);
  const bool both = keys.columns != nullptr;
  kernels::SelectionMarks marks;
  if (both || rescoring != nullptr) marks.needed = needed_.at_least(tile.rows * keys.tile_segments);
  if (both) {
    const std::int64_t words = tile.rows * kernels::mark_words(tile.columns);
    marks.chunks = chunks_.at_least(words + tile.columns);
    clear(*device_, marks.chunks, (words + tile.columns) * static_cast<std::int64_t>(sizeof(unsigned)));
  }
  if (rescoring == nullptr) {
    kernels::select_scores(device_->stream(), tile, keys, marks);
  } else {
    kernels::select_rescored(device_->stream(), tile, keys, marks, *rescoring);
  }
}

DeviceSelection::Keys DeviceSelection::read_keys() const {
  const std::int64_t rows = row_keys();
  const std::int64_t all = 1 + rows + column_keys();
  {
    const Turn turn(*device_);
    if (host_keys_.size() < all) {
      host_keys_ = {};
      host_keys_ = PinnedBuffer<std::uint64_t>(all);
    }
    if (read_ == nullptr) read_ = make_event();
    TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(host_keys_.data(), keys_.data(),
                                         static_cast<std::size_t>(all) * sizeof(std::uint64_t), cudaMemcpyDeviceToHost,
                                         device_->stream()));
    TWINPATCH_CUDA_CHECK(cudaEventRecord(read_.get(), device_->stream()));
  }
  // Without a turn: a tower may enqueue the next images behind this grid, so that the device need not wait for the
  // host.
  {
    const DeviceGuard guard = device_->context.activate();
    TWINPATCH_CUDA_CHECK(cudaEventSynchronize(read_.get()));
  }
  {
    const Turn turn(*device_);
    device_->collect_finished();
  }
  staged_busy_ = false;
  const auto keys = std::span<const std::uint64_t>(host_keys_.view()).subspan(1);
  return {host_keys_.data()[0], keys.first(static_cast<std::size_t>(rows)),
          keys.subspan(static_cast<std::size_t>(rows), static_cast<std::size_t>(column_keys()))};
}

Selected DeviceSelection::read() const { return decode(request_, read_keys()); }

Selected decode(const SelectionRequest& request, const DeviceSelection::Keys& keys) {
  if (keys.first_bad != 0) {
    const std::uint64_t position = ~keys.first_bad;
    const IndexPair pair{static_cast<std::int32_t>(position >> 32), static_cast<std::int32_t>(position & 0xffffffffU)};
    throw NotFinite(fmt::format("the score of left patch {} and right patch {} is not finite", pair.left, pair.right),
                    pair);
  }
  const auto unpack = [](std::span<const std::uint64_t> from, Buffer<std::int32_t>& indices, Buffer<float>& scores) {
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
