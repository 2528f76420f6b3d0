// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "twinpatch/core/buffer.hpp"

namespace twinpatch {

/// What to keep of a grid of scores [rows, columns] that is never stored.
struct SelectionRequest {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int top_k = 1;             ///< best scores kept for each row, 1 ≤ top_k
  bool column_best = false;  ///< also the best row for each column (mutual matching)
  /// Scores below it are not kept. (Not applied to the column's best: a mutual check needs the true best.)
  float threshold = -std::numeric_limits<float>::infinity();
};

/// What was kept, on the host. Where fewer than top_k scores passed: index −1 and score −infinity.
/// Order: descending score, ties by lower index, so that results do not depend on tiles or threads.
struct Selected {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int top_k = 0;
  Buffer<std::int32_t> indices;         ///< [rows, top_k], columns of the grid
  Buffer<float> scores;                 ///< [rows, top_k]
  Buffer<std::int32_t> column_indices;  ///< [columns], rows of the grid; empty unless asked for
  Buffer<float> column_scores;          ///< [columns]
};

/// Running result of a grid, on the device that scores it. Filled tile by tile by a PairScorer; not thread-safe.
class Selection {
 public:
  virtual ~Selection() = default;
  [[nodiscard]] virtual const SelectionRequest& request() const = 0;
  /// Reads off what was kept so far. Synchronises with the device.
  [[nodiscard]] virtual Selected read() const = 0;
};

}  // namespace twinpatch
