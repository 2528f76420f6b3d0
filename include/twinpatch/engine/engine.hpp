// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/engine/grid_walk.hpp"
#include "twinpatch/engine/match_rules.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// One side of a grid: patches, or descriptors made earlier. Views: the caller keeps the data alive.
class GridSide {
 public:
  /*implicit*/ GridSide(PatchView patches) : patches_(patches), size_(patches.count) {}
  /*implicit*/ GridSide(const PatchSet& patches) : GridSide(patches.view()) { set_ = &patches; }
  /*implicit*/ GridSide(MatrixView descriptors) : descriptors_(descriptors), size_(descriptors.rows) {}
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

 private:
  friend class Engine;
  PatchView patches_;
  const PatchSet* set_ = nullptr;  ///< lets mapped pages go once used
  MatrixView descriptors_;
  std::int64_t size_ = 0;
};

struct GridOptions {
  int top_k = 1;
  bool column_best = false;
  float threshold = -std::numeric_limits<float>::infinity();
};

/// Rows of one side of a grid, in order; immutable, may be read by several threads.
struct RowChunks {
  std::vector<std::shared_ptr<const Rows>> chunks;
  std::int64_t size = 0;   ///< rows
  std::int64_t bytes = 0;  ///< on the device
};

/// A model on a device: the whole of twinpatch for a program of one's own. May be shared by threads.
class Engine {
 public:
  /// Takes the device `options` name; "auto" is CUDA where there is a usable device, else the CPU.
  Engine(Model model, const ExecutionOptions& options);
  Engine(Model model, std::unique_ptr<Backend> backend, const ExecutionOptions& options);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  [[nodiscard]] const Model& model() const;
  [[nodiscard]] const NetworkSpec& spec() const { return model().spec; }
  /// Which device was taken, and why.
  [[nodiscard]] const std::string& device() const;
  [[nodiscard]] std::int64_t descriptor_size() const;
  /// What its devices did so far; nothing from a backend that does not count.
  [[nodiscard]] std::vector<RunSummary> summaries() const;

  /// Descriptors [N, D]. Throws InvalidArgument for 2-channel networks.
  [[nodiscard]] Matrix describe(PatchView patches, Side side = Side::left, const RunControl& control = {});
  /// Patches of different sizes (networks of any input size): rows in the order of the groups.
  [[nodiscard]] Matrix describe(std::span<const PatchView> groups, Side side = Side::left,
                                const RunControl& control = {});

  /// Scores of pairs of one set of patches. Throws InvalidArgument for an index out of range.
  [[nodiscard]] std::vector<float> score(PatchView patches, std::span<const IndexPair> pairs,
                                         const RunControl& control = {});
  /// The same with left and right indices into sets of their own.
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control = {});

  /// Every left against every right, the best kept; memory does not grow with their product.
  [[nodiscard]] Selected grid(const GridSide& left, const GridSide& right, const GridOptions& options,
                              const RunControl& control = {});
  /// Every score, tile by tile.
  void grid(const GridSide& left, const GridSide& right, const TileSink& sink, const RunControl& control = {});

  /// One side of a grid as rows on the device, for grids of many sets with each other: the caller keeps them. In chunks
  /// that fit a tile of the device; networks of one set of patches alone: `which` is the place they take in a pair.
  [[nodiscard]] RowChunks rows(const GridSide& side, Side which, const RunControl& control = {});
  /// Every left against every right, from rows made by this engine. Patches in errors are numbered within their side.
  [[nodiscard]] Selected grid(const RowChunks& left, const RowChunks& right, const GridOptions& options,
                              const RunControl& control = {});
  [[nodiscard]] std::vector<Match> match(const RowChunks& left, const RowChunks& right, const MatchRules& rules,
                                         const RunControl& control = {});
  /// Bytes that rows of one patch take on the device (patch size where the network takes any).
  [[nodiscard]] std::int64_t row_bytes(int height, int width) const;
  /// Bound in bytes on what a run takes on the device: ExecutionOptions::memory, or the device's own choice.
  [[nodiscard]] std::int64_t memory() const;

  /// Matches between two sets under the rules (checked against the network).
  [[nodiscard]] std::vector<Match> match(const GridSide& left, const GridSide& right, const MatchRules& rules,
                                         const RunControl& control = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The one place that names every backend. `why` receives a sentence for the log.
[[nodiscard]] std::unique_ptr<Backend> select_backend(const ExecutionOptions& options, std::string& why);

}  // namespace twinpatch
