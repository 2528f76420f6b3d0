// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// Anything that can compare patches: a network on an engine, or a baseline. What every evaluation is written against.
class Comparer {
 public:
  virtual ~Comparer() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Side length it wants its patches in.
  [[nodiscard]] virtual int side() const = 0;
  /// Whether patches of this size go in as they are: side × side, or what a network that takes no square ones wants.
  [[nodiscard]] virtual bool takes(int height, int width) const { return height == side() && width == side(); }
  /// Scores of pairs (higher = more similar), indices into `left` and `right`.
  [[nodiscard]] virtual std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                                 const RunControl& control = {}) = 0;
  /// Every patch of `left` against every one of `right`, kept as the options say.
  [[nodiscard]] virtual Selected best(PatchView left, PatchView right, const GridOptions& options,
                                      const RunControl& control = {}) = 0;
};

/// A network; the engine is shared, not copied.
[[nodiscard]] std::unique_ptr<Comparer> network_comparer(std::string name, std::shared_ptr<Engine> engine);

/// Euclidean distance between descriptors made by `describe` (any function of one patch set).
using Describe = std::function<Matrix(PatchView)>;
[[nodiscard]] std::unique_ptr<Comparer> descriptor_comparer(std::string name, int side, Describe describe);

/// `second`'s scores of the pairs that `first` ranks highest: of each left patch its `candidates` nearest, so that a
/// network that sees pairs can be asked about thousands by thousands of patches. Pairs that were not candidates are no
/// match. Throws InvalidArgument, and ShapeError where the two want patches of different sizes.
[[nodiscard]] std::unique_ptr<Comparer> reranking_comparer(std::shared_ptr<Comparer> first,
                                                           std::unique_ptr<Comparer> second, int candidates);

/// Grey levels less their mean, over their deviation, compared by Euclidean distance: what a network must beat.
[[nodiscard]] Matrix normalised_pixels(PatchView patches);
/// Normalised pixels, and root-SIFT of the whole patch (Lowe 2004; Arandjelović & Zisserman 2012).
[[nodiscard]] std::vector<std::unique_ptr<Comparer>> baselines();

}  // namespace twinpatch
