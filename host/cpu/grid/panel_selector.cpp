// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/panel_selector.hpp"

#include <cmath>
#include <limits>

namespace twinpatch::cpu {

void PanelSelector::begin(const GridBlock& place, const CpuSelection& selection) {
  place_ = place;
  block_.begin(selection, place);
}

void PanelSelector::take_limits(const Strip& left) {
  for (std::int64_t i = 0; i < place_.rows; ++i) {
    offsets_[static_cast<std::size_t>(i)] = scoring_->row_offset(*left.rows, left.first + i);
    row_limits_[static_cast<std::size_t>(i)] = scoring_->needed(block_.row_limit(i));
  }
  if (!block_.has_columns()) return;
  const std::int64_t padded = round_up(place_.columns, kernels_.panel);
  column_limits_.assign(static_cast<std::size_t>(padded), std::numeric_limits<float>::max());
  for (std::int64_t j = 0; j < place_.columns; ++j) {
    column_limits_[static_cast<std::size_t>(j)] = scoring_->needed(block_.column_limit(j));
  }
}

void PanelSelector::select(const Strip& left, const Panel& right, std::int64_t first, int worker) {
  const std::int64_t panel = kernels_.panel;
  scoring_->score(left, right, Purpose::select, worker, strip_.data());
  float* const column_limits = block_.has_columns() ? column_limits_.data() + first : nullptr;
  const StripLimits limits{strip_.data(), left.count, offsets_.data(), row_limits_.data(), column_limits};
  const std::int64_t count = kernels_.find(limits, hits_.data());
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t position = hits_[static_cast<std::size_t>(n)];
    const std::int64_t i = position / panel;
    const std::int64_t j = position % panel;
    if (j >= right.count) continue;  // padding
    const auto row = static_cast<std::size_t>(i);
    const float value = strip_[static_cast<std::size_t>(position)] - offsets_[row];
    // Limits may have risen since the strip was looked through. Values that are not numbers stay in.
    const bool below_column = column_limits == nullptr || value < column_limits[j];
    if (std::isfinite(value) && value < row_limits_[row] && below_column) continue;
    offer(i, first + j, scoring_->exact(*left.rows, left.first + i, *right.rows, right.first + j, value));
    row_limits_[row] = scoring_->needed(block_.row_limit(i));
    if (column_limits != nullptr) column_limits[j] = scoring_->needed(block_.column_limit(first + j));
  }
}

void PanelSelector::offer(std::int64_t i, std::int64_t j, float score) {
  if (!std::isfinite(score)) {
    const IndexPair pair{static_cast<std::int32_t>(place_.first_row + i),
                         static_cast<std::int32_t>(place_.first_column + j)};
    throw NotFinite::of_score(*network_, pair, score);
  }
  block_.offer(i, j, score);
}

}  // namespace twinpatch::cpu
