// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "plan/context.hpp"
#include "twinpatch/backend/backend.hpp"

// How listed pairs are scored: a strategy for each kind of decision, chosen in one table (pair_lists.cpp).

namespace twinpatch::cpu {

/// Listed pairs of left and right rows.
struct PairsOfRows {
  const Rows* left = nullptr;
  const Rows* right = nullptr;
  std::span<const IndexPair> pairs;
};

/// Scores lists of pairs, on all threads of the context's pool. One call at a time.
class ListStrategy {
 public:
  virtual ~ListStrategy() = default;
  /// scores[n] of pairs[n]. Throws InvalidArgument for rows of another backend or side.
  virtual void score(const PairsOfRows& list, std::span<float> scores, const RunControl& control) = 0;
};

/// One row of the table. `model` has its batch normalisations folded.
struct ListStrategyEntry {
  const char* decision;  ///< that it is for, in words
  bool (*fits)(const Model& model);
  /// Throws InvalidArgument for a model without the weights of its decision.
  std::unique_ptr<ListStrategy> (*make)(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model);
};
/// The strategies there are; the first that fits is taken.
[[nodiscard]] std::span<const ListStrategyEntry> list_strategies();
/// Throws InvalidArgument where none fits.
[[nodiscard]] const ListStrategyEntry& choose_list(const Model& model);

// The strategies: siamese_lists.cpp, two_channel_list.cpp.
[[nodiscard]] std::unique_ptr<ListStrategy> make_metric_list(std::shared_ptr<CpuContext> context,
                                                             std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<ListStrategy> make_head_list(std::shared_ptr<CpuContext> context,
                                                           std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<ListStrategy> make_two_channel_list(std::shared_ptr<CpuContext> context,
                                                                  std::shared_ptr<const Model> model);

}  // namespace twinpatch::cpu
