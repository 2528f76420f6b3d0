// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/thread_pool.hpp"

// What the two halves of the CPU engine know of each other: the half that runs layers (branch networks, 2-channel
// pairs) and the half that scores pairs of vectors (decision heads, metrics, selections).

namespace twinpatch::cpu {

/// What everything made by one CPU backend shares.
struct CpuContext {
  /// Validates; throws DeviceError for a precision that the CPU engine does not offer.
  explicit CpuContext(const ExecutionOptions& given);

  ExecutionOptions options;  ///< as given
  std::int64_t memory = 0;   ///< bound in bytes on rows of one tile and work space: options.memory or the default
  bool exact_convolutions = false;
  ThreadPool pool;
};

// ---- Pairs of vectors (siamese and pseudo-siamese networks): projections, metrics, heads
// -----------------------------

/// Turns descriptors into rows that a siamese scorer reads: descriptors themselves for metrics, their half of the first
/// decision layer (P = W₁a + b₁ on the left, Q = W₂b on the right) for decision layers. Weights are reordered once, in
/// the making; `rows()` may be called from several threads, calls take turns on the context's pool.
class SiameseRowMaker {
 public:
  virtual ~SiameseRowMaker() = default;
  /// `descriptors` [N, branch_size(spec)]: already L2-normalised where the metric says so.
  [[nodiscard]] virtual std::shared_ptr<const Rows> rows(Matrix descriptors, Side side) = 0;
  /// Bytes of one row on its side (the larger of the two sides).
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;
};

/// `model` has its batch normalisations folded. A descriptor-only model gives rows that hold the descriptors alone.
[[nodiscard]] std::unique_ptr<SiameseRowMaker> make_siamese_row_maker(std::shared_ptr<CpuContext> context,
                                                                      std::shared_ptr<const Model> model);
/// `model` has its batch normalisations folded. Throws InvalidArgument for a descriptor-only model whose decision has
/// weights.
[[nodiscard]] std::unique_ptr<PairScorer> make_siamese_scorer(std::shared_ptr<CpuContext> context,
                                                              const std::shared_ptr<const Model>& model);
/// Rows per side of one tile that keep a siamese grid within `memory` bytes.
[[nodiscard]] Backend::TileSize siamese_tile_size(const Model& model, std::int64_t memory);

// ---- Selections
// ------------------------------------------------------------------------------------------------------

[[nodiscard]] std::unique_ptr<Selection> make_cpu_selection(const std::shared_ptr<CpuContext>& context,
                                                            const SelectionRequest& request);
/// Puts scores[i * stride + j], the scores of grid row first_row + i and grid column first_column + j, into the
/// selection. One thread at a time. Throws InvalidArgument for a selection of another backend or scores outside its
/// grid.
void select_scores(Selection& selection, std::int64_t first_row, std::int64_t first_column, const float* scores,
                   std::int64_t rows, std::int64_t columns, std::int64_t stride);

/// Holds oneDNN's own threading to one thread while it lives, on the calling thread: a worker of the pool runs its
/// sub-batch alone, without barriers.
class SingleThreaded {
 public:
  SingleThreaded();
  ~SingleThreaded();
  SingleThreaded(const SingleThreaded&) = delete;             // restores on leaving its scope
  SingleThreaded& operator=(const SingleThreaded&) = delete;  // likewise

 private:
  int threads_before_ = 1;
};

}  // namespace twinpatch::cpu
