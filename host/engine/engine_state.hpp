// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor_store.hpp"
#include "twinpatch/core/work_stage.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// What an Engine holds, and the steps its calls are made of. Safe to use from several threads: executors take turns.
struct Engine::State {
  State(Model given, std::unique_ptr<Backend> on, std::string why);

  std::shared_ptr<const Model> model;
  std::unique_ptr<Backend> backend;
  std::string device;
  std::unique_ptr<BranchExecutor> branch;

  /// Made on first use: a model that gives descriptors alone has none.
  [[nodiscard]] PairScorer& scorer();
  [[nodiscard]] const NetworkSpec& spec() const { return model->spec; }
  [[nodiscard]] bool two_channel() const { return spec().coupling == Coupling::two_channel; }
  /// Both sides of a pair go through the same branch.
  [[nodiscard]] bool shared_branch() const { return spec().coupling == Coupling::siamese; }

  /// Throws ShapeError where a non-empty set does not fit the network (`which`: "left", …).
  void check_patches(PatchView patches, const char* which) const;
  /// Also: pairs of 2-channel networks need patches of one size.
  void check_pair_of_sets(PatchView left, PatchView right) const;
  void check_side(const GridSide& side, const char* which) const;
  void check_sides(const GridSide& left, const GridSide& right) const;

  /// Descriptors of a block whose first patch is number `first` of its set; finite.
  [[nodiscard]] Matrix describe_block(PatchView patches, Side side, std::int64_t first, const RunControl& control);
  /// Descriptors of a whole set, in blocks, reported in patches; pages of `set` are let go once used.
  void describe_set(PatchView patches, const PatchSet* set, Side side, DescriptorStore& store,
                    const RunControl& control);

  struct Sources {
    RowSource left, right;
    Backend::TileSize tile;
    std::int64_t cache_bytes = 0;
  };
  /// How the two sides of a grid are made, block by block, within the memory of the run.
  [[nodiscard]] Sources sources(const GridSide& left, const GridSide& right, const RunControl& control);

  [[nodiscard]] RowSource patch_source(const GridSide& side, Side which, const RunControl& control);
  /// `same`: left and right indices are into one set.
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, bool same, std::span<const IndexPair> pairs,
                                         const RunControl& control);

 private:
  [[nodiscard]] RowSource store_source(std::shared_ptr<const DescriptorStore> store, Side which);
  [[nodiscard]] std::shared_ptr<DescriptorStore> describe_side(const GridSide& side, Side which,
                                                               const RunControl& control);

  struct Mentioned;
  void describe_mentioned(Mentioned& mentioned, Side side, const RunControl& control);

  std::mutex mutex_;
  std::unique_ptr<PairScorer> scorer_;
};

/// Patches copied side by side.
struct GatheredPatches {
  Buffer<std::byte> pixels;
  PatchView view;
};
[[nodiscard]] GatheredPatches gather_patches(PatchView patches, std::span<const std::int32_t> indices);

/// Throws NotFinite for patch `index` of a set.
[[noreturn]] void throw_not_finite(const NetworkSpec& spec, std::int64_t index);

/// Runs make(), naming the patch by its number in its set (its block begins at `first`) where it is not finite.
template <class Make>
auto naming_patch(const NetworkSpec& spec, std::int64_t first, const Make& make) {
  try {
    return make();
  } catch (const NotFinite& error) {
    if (error.index() < 0) throw;
    throw_not_finite(spec, first + error.index());
  }
}

}  // namespace twinpatch
