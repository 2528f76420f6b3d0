// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/options.hpp"
#include "twinpatch/backend/run_summary.hpp"
#include "twinpatch/backend/selection.hpp"
#include "twinpatch/core/matrix.hpp"
#include "twinpatch/core/run_control.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"

// One coarse interface per device: every virtual call handles a whole batch or tile, so that no caller pays per
// element.

namespace twinpatch {

/// A descriptor or a score that is infinite or not a number: thrown rather than passed on.
class NotFinite : public Error {
 public:
  /// Index of the patch in the block passed in; −1 if unknown.
  explicit NotFinite(const std::string& what, std::int64_t index = -1) : Error(what), index_(index) {}
  /// The score of a pair, by its grid row and grid column.
  NotFinite(const std::string& what, IndexPair pair, std::optional<float> score = {})
      : Error(what), pair_(pair), score_(score) {}
  /// "network siam: the descriptor of patch 3 is not finite".
  [[nodiscard]] static NotFinite of_descriptor(const std::string& network, std::int64_t index);
  /// "network siam: the score of left patch 3 and right patch 7 is not finite (nan)". `right_set`: which of several
  /// right sets the right patch is counted in.
  [[nodiscard]] static NotFinite of_score(const std::string& network, IndexPair pair, std::optional<float> score = {},
                                          std::int64_t right_set = 0);

  /// −1 if the error is about a pair.
  [[nodiscard]] std::int64_t index() const noexcept { return index_; }
  /// {−1, −1} if the error is about a patch.
  [[nodiscard]] IndexPair pair() const noexcept { return pair_; }
  /// Empty if unknown.
  [[nodiscard]] std::optional<float> score() const noexcept { return score_; }
  [[nodiscard]] std::int64_t right_set() const noexcept { return right_set_; }

 private:
  std::int64_t index_ = -1;
  IndexPair pair_{-1, -1};
  std::optional<float> score_;
  std::int64_t right_set_ = 0;
};

/// Which place of a pair a patch takes. Networks with a decision part treat the two differently.
enum class Side { left, right };

/// What a network computes once per patch and keeps on its device: descriptors and their halves of the first
/// decision layer (P on the left, Q on the right), or, for 2-channel networks, the normalised patches themselves.
/// Immutable; may be read by several scorers at once. Only the backend that made it can read it.
class Rows {
 public:
  virtual ~Rows() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  /// Its size on the device, in bytes.
  [[nodiscard]] virtual std::int64_t bytes() const = 0;
  [[nodiscard]] virtual Side side() const = 0;
};

/// The part of a network that sees one patch at a time. Plans are built in the constructor (per batch size, on first
/// use of another patch size); may be called from several threads, calls take turns.
class BranchExecutor {
 public:
  virtual ~BranchExecutor() = default;
  /// Patches → rows ready for scoring. Throws ShapeError for patches of another size than the network's.
  [[nodiscard]] virtual std::shared_ptr<const Rows> rows(PatchView patches, Side side,
                                                         const RunControl& control = {}) = 0;
  /// Descriptors [N, D] made earlier → rows. Throws ShapeError unless D fits, InvalidArgument for 2-channel networks.
  [[nodiscard]] virtual std::shared_ptr<const Rows> rows(MatrixView descriptors, Side side) = 0;
  /// Patches → descriptors [N, D] on the host, L2-normalised if the network's metric requires it. Throws
  /// InvalidArgument for 2-channel networks. Synchronous. The side matters only for pseudo-siamese networks.
  [[nodiscard]] virtual Matrix descriptors(PatchView patches, Side side, const RunControl& control = {}) = 0;
  /// Length D of a descriptor; 0 for 2-channel networks.
  [[nodiscard]] virtual std::int64_t descriptor_size() const = 0;
  /// Bytes `rows()` will take for one patch of the network's (or this) size: for planning a cache.
  [[nodiscard]] virtual std::int64_t row_bytes(int height, int width) const = 0;
};

/// Rows with their place in a grid: row 0 is grid row (on the left) or grid column (on the right) `first`.
struct PlacedRows {
  const Rows* rows = nullptr;
  std::int64_t first = 0;
};

/// The part of a network that sees a pair. Higher scores are more similar. May be called from several threads, calls
/// take turns. Lists and blocks are handed out as computed (Engine checks them); a selection refuses scores that are
/// not finite (NotFinite). Calls check `control.stop` now and then; the caller that walks the tiles or the list reports
/// progress.
class PairScorer {
 public:
  virtual ~PairScorer() = default;
  /// scores[i] = score(left[pairs[i].left], right[pairs[i].right]). Indices were checked by the caller.
  virtual void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs,
                          std::span<float> scores, const RunControl& control = {}) = 0;
  /// Every left row against every right row of all parts, into a running selection: one left image against all right
  /// images of a block in one call. Parts may be anywhere in the grid without overlapping, need not agree with the
  /// selection's segments, and may be scored in any order or together: what is kept does not depend on it. Whether
  /// scores are stored in between is up to the scorer. May return before an asynchronous device is done;
  /// Selection::read() waits. Throws InvalidArgument for rows or a selection of another backend, rows of the wrong
  /// side, or parts outside the grid; NotFinite with the pair's place in the grid (on such a device read() does).
  virtual void score_tile(PlacedRows left, std::span<const PlacedRows> right, Selection& selection,
                          const RunControl& control = {}) = 0;
  /// The same with one part.
  void score_tile(PlacedRows left, PlacedRows right, Selection& selection, const RunControl& control = {}) {
    score_tile(left, std::span<const PlacedRows>(&right, 1), selection, control);
  }
  /// Every left row against every right row, written out: scores[i * stride + j].
  virtual void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                           const RunControl& control = {}) = 0;
};

/// One compute device, or several of a kind, as a factory of executors. Models have no batch normalisation left
/// (fold_batch_normalisation(): the engine folds once); the caller has checked that patches and descriptors fit them.
class Backend {
 public:
  virtual ~Backend() = default;
  /// "CPU, 2 threads, AVX-512 (oneDNN 2.6.3)": for logs and `doctor`.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Throws DeviceError if the device does not support the options' precision, InvalidArgument if the model has no
  /// weights for the requested part (a scorer for a descriptor-only model with a learned decision).
  [[nodiscard]] virtual std::unique_ptr<BranchExecutor> make_branch(std::shared_ptr<const Model> model) = 0;
  [[nodiscard]] virtual std::unique_ptr<PairScorer> make_scorer(std::shared_ptr<const Model> model) = 0;
  [[nodiscard]] virtual std::unique_ptr<Selection> make_selection(const SelectionRequest& request) = 0;
  /// Rows per side of one tile that keep a grid of this model within `options.memory`.
  struct TileSize {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
  };
  [[nodiscard]] virtual TileSize tile_size(const Model& model, int height, int width) const = 0;
  /// Patches of one call of BranchExecutor::descriptors that keep its devices busy; progress is reported and
  /// cancellation is checked between batches.
  [[nodiscard]] virtual std::int64_t patches_at_once() const { return 2048; }
  /// Bound in bytes on what a run takes on the device: `options.memory`, or the backend's own choice.
  [[nodiscard]] virtual std::int64_t memory() const { return std::int64_t{1} << 30; }
  /// One summary per device so far; empty if not collected.
  [[nodiscard]] virtual std::vector<RunSummary> summaries() const { return {}; }
};

}  // namespace twinpatch
