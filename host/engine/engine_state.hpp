// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "descriptor_store.hpp"
#include "grid_walk.hpp"
#include "selection_pool.hpp"
#include "twinpatch/backend/device_branch.hpp"
#include "twinpatch/core/work_stage.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// Patches that are to be described, block by block.
struct PatchBlocks {
  std::int64_t count = 0;
  /// Patches [begin, begin + n), valid until the next call.
  std::function<PatchView(std::int64_t begin, std::int64_t n)> view;
  /// Takes descriptors [n, D] of patches [begin, begin + n).
  std::function<void(std::int64_t begin, MatrixView descriptors)> take;
};

/// A list of pairs of patches.
struct PairsOfSets {
  PatchView left;
  PatchView right;
  bool same = false;  ///< left and right indices are into one set
  std::span<const IndexPair> pairs;
};

/// What an Engine holds, and the steps its calls are made of. Safe to use from several threads: executors take turns.
struct Engine::State {
  State(Model given, SelectedBackend on);

  std::shared_ptr<const Model> model;
  std::shared_ptr<const Model> runnable;  ///< with batch normalisations folded: what backends are given
  std::unique_ptr<Backend> backend;
  std::string device;
  ChosenPrecision precision;
  std::unique_ptr<BranchExecutor> branch;
  DeviceBranch* resident;  ///< the branch, where its device has memory of its own; else null
  SelectionPool selections;

  /// Made on first use: a model that gives descriptors alone has none.
  [[nodiscard]] PairScorer& scorer();
  [[nodiscard]] const NetworkSpec& spec() const { return model->spec; }
  [[nodiscard]] bool two_channel() const { return spec().coupling == Coupling::two_channel; }
  /// Both sides of a pair go through the same branch.
  [[nodiscard]] bool shared_branch() const { return spec().coupling == Coupling::siamese; }

  // Refusals (refusals.cpp). `which` names the patches: "left", …

  /// Throws ShapeError where a non-empty set does not fit the network.
  void check_patches(PatchView patches, const char* which) const;
  /// Also: pairs of 2-channel networks need patches of one size.
  void check_pair_of_sets(PatchView left, PatchView right) const;
  void check_side(const GridSide& side, Side which) const;
  /// Also: the device cuts patches.
  void check_windows(const PhotographView& photograph) const;
  void check_sides(const GridSide& left, const GridSide& right) const;

  // Descriptors (describe.cpp).

  /// Runs patches through the tower in blocks that keep the device busy; advances in patches. Throws NotFinite with the
  /// number of the patch.
  void describe(const PatchBlocks& patches, Side side, const RunControl& control);
  /// Patches that the device cuts; advances in patches. Throws NotFinite with the number of the patch.
  [[nodiscard]] Matrix describe(const PhotographView& photograph, Side side, const RunControl& control);
  /// The same with rows, in parts that fit a tile, and with descriptors [N, D] where they are not null. `make`: rows of
  /// patches [begin, begin + count).
  using DescribePart =
      std::function<std::shared_ptr<const Rows>(std::int64_t begin, std::int64_t count, float* descriptors)>;
  [[nodiscard]] RowChunks describe_parts(RowChunks of, const DescribePart& make, Matrix* descriptors,
                                         const RunControl& control);
  [[nodiscard]] RowChunks described_rows(PatchView patches, Side which, Matrix* descriptors, const RunControl& control);
  [[nodiscard]] RowChunks described_rows(const PhotographView& photograph, Side which, Matrix* descriptors,
                                         const RunControl& control);
  /// A whole side, in memory or in a file, as a stage; pages of mapped patches are let go once used.
  [[nodiscard]] std::shared_ptr<const DescriptorStore> describe_side(const GridSide& side, Side which,
                                                                     const RunControl& control);

  // Grids (grid.cpp).

  /// A side as rows in parts that fit a tile: make(begin, count) of each.
  [[nodiscard]] RowChunks in_parts(
      RowChunks of, const std::function<std::shared_ptr<const Rows>(std::int64_t begin, std::int64_t count)>& make,
      const RunControl& control);
  /// How a side is made. Patches go through the tower whenever their rows are asked for.
  [[nodiscard]] std::vector<RowSource> sources(const GridSide& side, Side which, const RunControl& control);
  /// How the sides of a grid are made within the memory of the run; describes first what would be described again and
  /// again.
  [[nodiscard]] GridWalk plan_walk(const GridSide& left, std::span<const GridSide> rights, const RunControl& control);
  /// Scores left × rights into a selection that was begun for them, and reads it.
  [[nodiscard]] Selected select(const GridSide& left, std::span<const GridSide> rights, Selection& selection,
                                const RunControl& control);

  /// Scores what a mask leaves of left × right.
  [[nodiscard]] Selected select(const GridSide& left, const GridSide& right, const GridMask& mask,
                                const GridOptions& options, const RunControl& control);

  // Lists of pairs (pair_list.cpp).

  [[nodiscard]] std::vector<float> score(const PairsOfSets& list, const RunControl& control);

 private:
  class ListScoring;
  [[nodiscard]] RowSource store_source(std::shared_ptr<const DescriptorStore> store, Side which);
  [[nodiscard]] bool same_patches(const GridSide& left, const GridSide& right) const;
  [[nodiscard]] bool rights_are_made_once(const GridSide& left, std::span<const GridSide> rights,
                                          const GridWalk& walk) const;

  std::mutex mutex_;
  std::unique_ptr<PairScorer> scorer_;
};

/// A selection of left × every right set, a segment each. Throws InvalidArgument where there is no right set.
[[nodiscard]] SelectionRequest selection_request(const GridSide& left, std::span<const GridSide> rights,
                                                 const GridOptions& options);

/// Runs make(), naming the patch by its number in its set (its block begins at `first`) where it is not finite.
template <class Make>
auto naming_patch(const NetworkSpec& spec, std::int64_t first, const Make& make) {
  try {
    return make();
  } catch (const NotFinite& error) {
    if (error.index() < 0) throw;
    throw NotFinite::of_descriptor(spec.name, first + error.index());
  }
}

}  // namespace twinpatch
