// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/gathered_rows.hpp"

#include <algorithm>

#include "runtime/check.hpp"

namespace twinpatch::cuda {
namespace {

const SiameseRows& rows_of(const PlacedRows& part) { return static_cast<const SiameseRows&>(*part.rows); }

/// Copies `bytes` to `to`, and returns where the next ones go.
std::byte* append(Device& device, const void* from, std::int64_t bytes, void* to) {
  TWINPATCH_CUDA_CHECK(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, device.stream()));
  return static_cast<std::byte*>(to) + bytes;
}

}  // namespace

RowBlock GatheredRows::gather(std::span<const PlacedRows> parts) {
  if (parts.size() == 1) return rows_of(parts[0]).block();
  std::vector<Part> wanted;
  for (const PlacedRows& part : parts) wanted.push_back({rows_of(part).id(), part.rows->size()});
  auto found = std::search(parts_.begin(), parts_.end(), wanted.begin(), wanted.end());
  if (found == parts_.end()) {
    copy(parts);
    parts_ = std::move(wanted);
    found = parts_.begin();
    return block_;
  }
  const auto sum = [](auto from, auto to) {
    std::int64_t rows = 0;
    for (; from != to; ++from) rows += from->rows;
    return rows;
  };
  return block_.slice(sum(parts_.begin(), found), sum(found, found + std::ssize(wanted)));
}

void GatheredRows::copy(std::span<const PlacedRows> parts) {
  parts_.clear();
  std::int64_t count = 0;
  for (const PlacedRows& part : parts) count += part.rows->size();
  const RowBlock like = rows_of(parts[0]).block();
  const bool narrow = like.operand != like.rows.values;
  const std::int64_t readable = padded_size(count);
  block_ = like;
  block_.rows.values = values_.at_least(checked_multiply(readable, like.length));
  block_.rows.scalars = like.rows.scalars != nullptr ? scalars_.at_least(count) : nullptr;
  block_.operand = narrow ? static_cast<const void*>(narrow_.at_least(checked_multiply(readable, like.operand_bytes)))
                          : block_.rows.values;
  const bool norms = like.norms != like.rows.scalars;
  block_.norms = norms ? norms_.at_least(count) : block_.rows.scalars;
  block_.rows.count = count;
  block_.readable = readable;
  void* values = values_.data();
  void* scalars = scalars_.data();
  void* to_norms = norms_.data();
  void* operand = narrow_.data();
  constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
  for (const PlacedRows& part : parts) {
    const RowBlock rows = rows_of(part).block();
    values = append(*device_, rows.rows.values, rows.rows.count * like.length * kFloat, values);
    if (block_.rows.scalars != nullptr) {
      scalars = append(*device_, rows.rows.scalars, rows.rows.count * kFloat, scalars);
    }
    if (norms) to_norms = append(*device_, rows.norms, rows.rows.count * kFloat, to_norms);
    if (narrow) operand = append(*device_, rows.operand, rows.rows.count * like.operand_bytes, operand);
  }
}

void GatheredRows::release() {
  parts_.clear();
  values_.release();
  scalars_.release();
  norms_.release();
  narrow_.release();
}

}  // namespace twinpatch::cuda
