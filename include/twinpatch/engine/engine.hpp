// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/engine/grid_mask.hpp"
#include "twinpatch/engine/match_rules.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/patches/photograph.hpp"

namespace twinpatch {

/// One side of a grid as rows on the device, in parts that fit a tile there, in order. Immutable; may be read by
/// several threads.
struct RowChunks {
  std::vector<std::shared_ptr<const Rows>> chunks;
  Side side = Side::left;
  std::int64_t size = 0;   ///< rows
  std::int64_t bytes = 0;  ///< on the device
  int height = 0;          ///< of the patches, in pixels; 0: made from descriptors
  int width = 0;
};

/// Descriptors [N, D] on the host, and rows of them on the device.
struct DescribedRows {
  RowChunks rows;
  Matrix descriptors;
};

/// One side of a grid: patches, descriptors made earlier, or rows made earlier by the same engine. Views: the caller
/// keeps the data alive. Patches and descriptors lie in host memory or in that of Engine::cuda_device().
class GridSide {
 public:
  /*implicit*/ GridSide(PatchView patches) : what_(patches), size_(patches.count) {}
  /*implicit*/ GridSide(const PatchSet& patches) : GridSide(patches.view()) { set_ = &patches; }
  /*implicit*/ GridSide(MatrixView descriptors) : what_(descriptors), size_(descriptors.rows) {}
  /*implicit*/ GridSide(const RowChunks& rows) : what_(&rows), size_(rows.size) {}
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

  /// What the side is: one of the three is not null.
  [[nodiscard]] const PatchView* patches() const noexcept { return std::get_if<PatchView>(&what_); }
  [[nodiscard]] const MatrixView* descriptors() const noexcept { return std::get_if<MatrixView>(&what_); }
  [[nodiscard]] const RowChunks* rows() const noexcept {
    const auto* rows = std::get_if<const RowChunks*>(&what_);
    return rows == nullptr ? nullptr : *rows;
  }
  /// The set that the patches are a view of, if known: releases pages of a mapped file once used.
  [[nodiscard]] const PatchSet* set() const noexcept { return set_; }

 private:
  std::variant<PatchView, MatrixView, const RowChunks*> what_;
  const PatchSet* set_ = nullptr;
  std::int64_t size_ = 0;
};

/// What to keep of a grid; see SelectionRequest.
struct GridOptions {
  int top_k = 1;
  bool column_best = false;
  float threshold = -std::numeric_limits<float>::infinity();
};

/// Receives the scores of a tile, [tile rows, tile columns]; the view is valid during the call.
using TileSink = std::function<void(std::int64_t first_row, std::int64_t first_column, MatrixView scores)>;

/// The library's main entry point: a model on a device.
///
/// May be shared by threads; calls take turns on the device. Every call waits for its result. Unless stated otherwise,
/// calls throw ShapeError for patches or descriptors of another size than the network's, InvalidArgument for input of
/// the wrong kind, NotFinite for a descriptor or score that is not finite, OutOfMemory, DeviceError, and Interrupted
/// after `control` requests a stop, which is checked between batches and tiles. Progress is reported in stages:
/// "describe" in patches, "grid" and "score" in pairs; patches and pairs are counted from 0 within their set.
class Engine {
 public:
  /// Uses the device named by `options`; "auto" is CUDA if there is a usable device, else the CPU. Throws DeviceError
  /// if the device does not exist or does not support the options' precision. `automatic` is fp32 on CUDA devices,
  /// where no model was judged yet.
  Engine(Model model, const ExecutionOptions& options);
  /// Throws InvalidArgument also for `automatic`, which a given backend has settled.
  Engine(Model model, std::unique_ptr<Backend> backend, const ExecutionOptions& options);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// The model as passed in.
  [[nodiscard]] const Model& model() const;
  [[nodiscard]] const NetworkSpec& spec() const { return model().spec; }
  /// The device in use, and why: one line.
  [[nodiscard]] const std::string& device() const;
  /// What the network computes in, never `automatic`.
  [[nodiscard]] const ChosenPrecision& precision() const;
  /// The CUDA device in use: `describe`, `grid` and `match` also take patches and descriptors that lie in its memory
  /// and are complete there (what other streams compute must be waited for). Nothing for the CPU and for several
  /// devices.
  [[nodiscard]] std::optional<int> cuda_device() const;
  /// Length D of a descriptor; 0 for 2-channel networks.
  [[nodiscard]] std::int64_t descriptor_size() const;
  /// One summary per device; empty if not collected.
  [[nodiscard]] std::vector<RunSummary> summaries() const;

  /// Descriptors [N, D], L2-normalised if the network's metric requires it. The side matters only for pseudo-siamese
  /// networks. Throws InvalidArgument for 2-channel networks.
  [[nodiscard]] Matrix describe(PatchView patches, Side side = Side::left, const RunControl& control = {});
  /// Patches of different sizes (networks of any input size): rows in the order of the groups.
  [[nodiscard]] Matrix describe(std::span<const PatchView> groups, Side side = Side::left,
                                const RunControl& control = {});

  /// Whether the device cuts patches from photographs, by its options (`--kernels`).
  [[nodiscard]] bool cuts_patches() const;
  /// Descriptors of patches that the device cuts. Throws InvalidArgument for a window outside its levels and where the
  /// device does not cut.
  [[nodiscard]] Matrix describe(const PhotographView& photograph, Side side = Side::left,
                                const RunControl& control = {});

  /// Scores of pairs of one set of patches, in the order of the pairs. Throws InvalidArgument for an index out of
  /// range.
  [[nodiscard]] std::vector<float> score(PatchView patches, std::span<const IndexPair> pairs,
                                         const RunControl& control = {});
  /// The same with left and right indices into two sets.
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control = {});

  /// Every left against every right, keeping the best; memory does not grow with their product.
  [[nodiscard]] Selected grid(const GridSide& left, const GridSide& right, const GridOptions& options,
                              const RunControl& control = {});
  /// Left against several right sets at once: one segment each, equal to a grid with only that set. The
  /// selection takes left × (right sets) × top_k × 8 bytes. NotFinite counts pairs within their right set.
  [[nodiscard]] Selected grid(const GridSide& left, std::span<const GridSide> rights, const GridOptions& options,
                              const RunControl& control = {});
  /// Only the pairs that the mask leaves, each scored as score() does; all others are nobody's best and nobody's rival.
  /// Time grows with the mask's pairs. Throws InvalidArgument for a mask of another size than the grid.
  [[nodiscard]] Selected grid(const GridSide& left, const GridSide& right, const GridMask& mask,
                              const GridOptions& options, const RunControl& control = {});
  /// Every score, tile by tile.
  void grid(const GridSide& left, const GridSide& right, const TileSink& sink, const RunControl& control = {});

  /// Matches between two sets under the rules, in order of the left index. Throws InvalidArgument for rules that the
  /// network's scores do not allow.
  [[nodiscard]] std::vector<Match> match(const GridSide& left, const GridSide& right, const MatchRules& rules,
                                         const RunControl& control = {});
  /// The same with several right sets, the matches of each apart: scored in as few grids as memory() allows.
  [[nodiscard]] std::vector<std::vector<Match>> match(const GridSide& left, std::span<const GridSide> rights,
                                                      const MatchRules& rules, const RunControl& control = {});

  /// Among the pairs that a mask leaves: best, second best and mutual best are those among them.
  [[nodiscard]] std::vector<Match> match(const GridSide& left, const GridSide& right, const GridMask& mask,
                                         const MatchRules& rules, const RunControl& control = {});

  /// A side as rows on the device, for grids of many sets with each other: the caller keeps them. `which`: the place
  /// they take in a pair.
  [[nodiscard]] RowChunks rows(const GridSide& side, Side which, const RunControl& control = {});
  /// Of patches that the device cuts; throws as describe() of a photograph does.
  [[nodiscard]] RowChunks rows(const PhotographView& photograph, Side which, const RunControl& control = {});
  /// describe(), and rows() of what it makes: on a CUDA device rows do not come by the host, and descriptors go there
  /// beside the work.
  [[nodiscard]] DescribedRows describe_rows(PatchView patches, Side which, const RunControl& control = {});
  [[nodiscard]] DescribedRows describe_rows(const PhotographView& photograph, Side which,
                                            const RunControl& control = {});
  /// Bytes that rows of one patch take on the device (`height`, `width` in pixels: only for networks of any size).
  [[nodiscard]] std::int64_t row_bytes(int height, int width) const;
  /// Bound in bytes on what a run takes on the device: ExecutionOptions::memory, or the device's own choice.
  [[nodiscard]] std::int64_t memory() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A backend and a sentence each for the log.
struct SelectedBackend {
  std::unique_ptr<Backend> backend;
  std::string why;
  ChosenPrecision precision;
};

/// Chooses the backend, and the precision where that is left to the model; the only place that names both backends.
[[nodiscard]] SelectedBackend select_backend(const ExecutionOptions& options, const Model& model);
/// The same for any model, with a precision that is not `automatic`. `why` receives a sentence for the log.
[[nodiscard]] std::unique_ptr<Backend> select_backend(const ExecutionOptions& options, std::string& why);

}  // namespace twinpatch
