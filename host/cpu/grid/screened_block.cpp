// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/screened_block.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace twinpatch::cpu {
namespace {

/// A block may leave so many candidates for each place of its rows, and one of so many pairs: about as many as cost
/// what screening saves.
constexpr std::int64_t kCandidatesPerPlace = 16;
constexpr std::int64_t kPairsPerCandidate = 16;
/// Bounds of columns that are padding, and of none.
constexpr float kLowest = -1e37F;
constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// A limit below which a pair scores less than one of this lower bound, whatever the rounding of scores: 2⁻¹⁸ of it are
/// more than single precision loses.
float limit_below(float lower_bound) { return lower_bound - 0x1p-18F * std::fabs(lower_bound); }

/// Asks for the right row of a pair that is about to be scored: candidates lie anywhere. Left rows are there.
void prefetch(const ScreenedPair& pair) {
  constexpr std::size_t kLine = 16;  // floats
  const auto row = pair.right->values.row(pair.j);
  for (std::size_t k = 0; k < row.size(); k += kLine) __builtin_prefetch(row.data() + k);
}

}  // namespace

ScreenedBlock::ScreenedBlock(const std::string& network, const ScreenedParts& parts)
    : parts_(&parts),
      kernels_(parts.kernels),
      selector_(network, *parts.scoring),
      sums_(static_cast<std::size_t>(kStripRows * kMaxPanel)),
      hits_(sums_.size()),
      lower_levels_(kStripRows),
      row_limits_(kStripRows),
      row_groups_(static_cast<std::size_t>(kStripRows * kRowGroups)),
      column_best_(kMaxPanel),
      panel_constants_(kMaxPanel) {}

void ScreenedBlock::begin(const Strip& left, const ScreenedRows& stored, std::int64_t depth, const GridBlock& place,
                          const CpuSelection& selection) {
  left_ = left;
  stored_ = stored;
  depth_ = depth;
  place_ = place;
  scale_ = parts_->screen->scale();
  top_k_ = selection.request().top_k;
  full_ = false;
  seen_ = 0;
  counts_ = {.pairs = place.rows * place.columns};
  candidates_.clear();
  selector_.begin(place, selection);
  SelectionBlock& block = selector_.block();
  has_columns_ = block.has_columns();
  tools_.limits(block.row_limits().data(), place.rows, scale_, row_limits_.data());
  best_.assign(static_cast<std::size_t>(place.rows * top_k_), kNothing);
  for (std::int64_t i = 0; i < place.rows; ++i) {
    lower_levels_[static_cast<std::size_t>(i)] = stored.levels[i] + stored.widths[i];
  }
  if (!has_columns_) return;
  column_limits_.assign(static_cast<std::size_t>(round_up(place.columns, kernels_->panel)),
                        std::numeric_limits<float>::infinity());
  tools_.limits(block.column_limits().data(), place.columns, scale_, column_limits_.data());
}

void ScreenedBlock::select(const Panel& right, const ScreenedRows& stored, std::int64_t first, int worker) {
  right_ = right.rows;
  right_first_ = right.first - first;
  if (full_) {
    select_full(right, first, worker);
    return;
  }
  parts_->screen->multiply(
      {.left = stored_.values, .rows = left_.count, .depth = depth_, .right = stored.values, .starts = stored.starts},
      sums_.data());
  // Without limits every pair would be a candidate.
  const bool rows_open = first == 0 && row_limits_[0] == kNothing && top_k_ <= kRowGroups;
  if (rows_open) open_rows(stored);
  float* const column_limits = has_columns_ ? column_limits_.data() + first : nullptr;
  if (has_columns_ && column_limits[0] == kNothing) open_columns(stored, right.count, column_limits);
  collect(right, stored, first, !rows_open);
  seen_ += left_.count * right.count;
  const std::int64_t most = left_.count * top_k_ * kCandidatesPerPlace + seen_ / kPairsPerCandidate;
  if (std::ssize(candidates_) > most) {
    rescore();
    selector_.take_limits(left_);
    full_ = true;
  }
}

ScreenedCounts ScreenedBlock::end(CpuSelection& selection) {
  rescore();
  selector_.block().end(selection);
  return counts_;
}

void ScreenedBlock::select_full(const Panel& right, std::int64_t first, int worker) {
  Panel panel = right;
  panel_values_.resize(static_cast<std::size_t>(kernels_->panel * right.rows->values.columns()));
  panel.values = panel_values_.data();
  panel.constants = panel_constants_.data();
  parts_->scoring->pack(panel, Purpose::select);
  selector_.select(left_, panel, first, worker);
  counts_.full += left_.count * right.count;
}

/// Eight groups of columns hold at least as many different pairs: the k-th best of their best is a bound for the row.
void ScreenedBlock::open_rows(const ScreenedRows& stored) {
  tools_.row_best(strip_of(stored, lower_levels_.data()), stored.widths, row_groups_.data());
  for (std::int64_t i = 0; i < left_.count; ++i) {
    const float* const groups = row_groups_.data() + i * kRowGroups;
    for (std::int64_t n = 0; n < kRowGroups; ++n) {
      if (groups[n] > kLowest) raise_row(i, groups[n]);
    }
  }
}

void ScreenedBlock::open_columns(const ScreenedRows& stored, std::int64_t count, float* column_limits) {
  tools_.column_best(strip_of(stored, lower_levels_.data()), column_best_.data());
  for (std::int64_t j = 0; j < count; ++j) {
    const float bound = column_best_[static_cast<std::size_t>(j)] - stored.widths[j];
    column_limits[j] = std::max(column_limits[j], limit_below(bound));
  }
}

void ScreenedBlock::raise_row(std::int64_t i, float lower_bound) {
  float* const best = best_.data() + i * top_k_;
  std::int64_t at = top_k_ - 1;
  if (lower_bound <= best[at]) return;
  for (; at > 0 && best[at - 1] < lower_bound; --at) best[at] = best[at - 1];
  best[at] = lower_bound;
  float& limit = row_limits_[static_cast<std::size_t>(i)];
  if (best[top_k_ - 1] > kLowest) limit = std::max(limit, limit_below(best[top_k_ - 1]));
}

void ScreenedBlock::collect(const Panel& right, const ScreenedRows& stored, std::int64_t first, bool raise_rows) {
  float* const column_limits = has_columns_ ? column_limits_.data() + first : nullptr;
  const ScreenStrip strip = strip_of(stored, stored_.levels);
  const std::int64_t count = tools_.find(strip, row_limits_.data(), column_limits, hits_.data());
  const std::int64_t panel = kernels_->panel;
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t position = hits_[static_cast<std::size_t>(n)];
    const std::int64_t i = position / panel;
    const std::int64_t j = position % panel;
    if (j >= right.count) continue;  // padding
    const auto sum = static_cast<float>(sums_[static_cast<std::size_t>(position)]);
    const float value = sum * stored.scales[j] * stored_.scales[i] + stored.levels[j] - stored_.levels[i];
    // Limits may have risen since the strip was looked through.
    const bool below_column = column_limits == nullptr || value < column_limits[j];
    if (value < row_limits_[static_cast<std::size_t>(i)] && below_column) continue;
    candidates_.push_back({value, static_cast<std::int32_t>(i), static_cast<std::int32_t>(first + j)});
    const float lower_bound = value - stored_.widths[i] - stored.widths[j];
    if (raise_rows) raise_row(i, lower_bound);
    if (column_limits != nullptr) column_limits[j] = std::max(column_limits[j], limit_below(lower_bound));
  }
}

bool ScreenedBlock::passes(const Candidate& candidate) const {
  return candidate.value >= row_limits_[static_cast<std::size_t>(candidate.i)] ||
         (has_columns_ && candidate.value >= column_limits_[static_cast<std::size_t>(candidate.j)]);
}

void ScreenedBlock::rescore() {
  const Screen& screen = *parts_->screen;
  const SelectionBlock& block = selector_.block();
  std::array<ScreenedPair, kScreenBatch> pairs;
  std::array<Candidate, kScreenBatch> candidates;
  std::size_t count = 0;
  for (const Candidate& candidate : candidates_) {
    if (!passes(candidate)) continue;
    const ScreenedPair pair{left_.rows, right_, left_.first + candidate.i, right_first_ + candidate.j};
    const float bound = screen.bound(pair);
    if (bound < block.row_limit(candidate.i) && !(has_columns_ && bound >= block.column_limit(candidate.j))) continue;
    prefetch(pair);
    pairs[count] = pair;
    candidates[count++] = candidate;
    if (count < kScreenBatch) continue;
    score_batch(pairs, candidates);
    count = 0;
  }
  score_batch(std::span(pairs).first(count), std::span(candidates).first(count));
  candidates_.clear();
}

void ScreenedBlock::score_batch(std::span<const ScreenedPair> pairs, std::span<const Candidate> candidates) {
  std::array<float, kScreenBatch> scores;
  parts_->screen->score(pairs, scores.data());
  const SelectionBlock& block = selector_.block();
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    const Candidate& at = candidates[n];
    selector_.offer(at.i, at.j, scores[n]);
    float& row_limit = row_limits_[static_cast<std::size_t>(at.i)];
    row_limit = std::max(row_limit, limit_of(block.row_limit(at.i)));
    if (!has_columns_) continue;
    float& column_limit = column_limits_[static_cast<std::size_t>(at.j)];
    column_limit = std::max(column_limit, limit_of(block.column_limit(at.j)));
  }
  counts_.rescored += std::ssize(pairs);
}

ScreenStrip ScreenedBlock::strip_of(const ScreenedRows& right, const float* row_levels) const {
  return {.sums = sums_.data(),
          .rows = left_.count,
          .row_scales = stored_.scales,
          .row_offsets = row_levels,
          .column_scales = right.scales,
          .column_constants = right.levels};
}

float ScreenedBlock::limit_of(float score) const {
  float limit = 0;
  tools_.limits(&score, 1, scale_, &limit);
  return limit;
}

}  // namespace twinpatch::cpu
