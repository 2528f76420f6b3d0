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

/// Anything that can compare patches: a network on an engine, or a baseline. Every evaluation uses this interface.
class Comparer {
 public:
  virtual ~Comparer() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Side of its patches, pixels.
  [[nodiscard]] virtual int side() const = 0;
  /// Whether it takes patches of this size unchanged: side × side, or the size of a network with rectangular input.
  [[nodiscard]] virtual bool takes(int height, int width) const { return height == side() && width == side(); }
  /// Scores of pairs (higher = more similar), indices into `left` and `right`.
  [[nodiscard]] virtual std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                                 const RunControl& control = {}) = 0;
  /// Every patch of `left` against every patch of `right`; the options say what is kept.
  [[nodiscard]] virtual Selected best(PatchView left, PatchView right, const GridOptions& options,
                                      const RunControl& control = {}) = 0;
  /// Every score of a grid, tile by tile.
  virtual void every(PatchView left, PatchView right, const TileSink& sink, const RunControl& control = {});
  /// Whether a score is a negated distance, so that the ratio of two means something.
  [[nodiscard]] virtual bool measures_distances() const { return false; }
};

/// A network; the engine is shared, not copied.
[[nodiscard]] std::unique_ptr<Comparer> network_comparer(std::string name, std::shared_ptr<Engine> engine);

/// Euclidean distance between descriptors made by `describe` (any function of one patch set).
using Describe = std::function<Matrix(PatchView)>;
[[nodiscard]] std::unique_ptr<Comparer> descriptor_comparer(std::string name, int side, Describe describe);

/// `second`'s scores of the pairs that `first` ranks highest, the `candidates` nearest of each left patch: makes
/// 2-channel networks affordable for thousands by thousands of patches. Pairs that are not candidates are no matches.
/// Throws InvalidArgument, and ShapeError if the two take patches of different sizes.
[[nodiscard]] std::unique_ptr<Comparer> reranking_comparer(std::shared_ptr<Comparer> first,
                                                           std::unique_ptr<Comparer> second, int candidates);

/// Grey levels minus their mean, divided by their deviation, compared by Euclidean distance: a baseline.
[[nodiscard]] Matrix normalised_pixels(PatchView patches);
/// Normalised pixels, and root-SIFT of the whole patch (Lowe 2004; Arandjelović & Zisserman 2012).
[[nodiscard]] std::vector<std::unique_ptr<Comparer>> baselines();

}  // namespace twinpatch
