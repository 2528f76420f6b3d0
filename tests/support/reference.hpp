// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/selection.hpp"
#include "twinpatch/core/matrix.hpp"
#include "twinpatch/engine/match_rules.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/patch_set.hpp"

// What every engine must compute, in double precision and as plainly as it can be written. Tests compare with it; it is
// made to be read, not to be fast (about 100 million multiply-adds a second and more).

namespace twinpatch::reference {

using Vector = std::vector<double>;
using Weights = std::map<std::string, Tensor>;

/// An activation, [channels, height, width].
struct Map {
  Shape shape;
  Vector values;

  Map() = default;
  explicit Map(Shape size, double value = 0) : shape(size), values(static_cast<std::size_t>(size.size()), value) {}
  [[nodiscard]] double& at(int channel, int y, int x) { return values[index(channel, y, x)]; }
  [[nodiscard]] double at(int channel, int y, int x) const { return values[index(channel, y, x)]; }

 private:
  [[nodiscard]] std::size_t index(int channel, int y, int x) const {
    return (static_cast<std::size_t>(channel) * static_cast<std::size_t>(shape.height) + static_cast<std::size_t>(y)) *
               static_cast<std::size_t>(shape.width) +
           static_cast<std::size_t>(x);
  }
};

/// Grey levels [height, width] by the network's rule → 1×height×width.
[[nodiscard]] Map normalise(std::span<const std::uint8_t> pixels, Extent size, const Normalisation& rule);
/// Patch `i` as the network sees it: u8 normalised, f32 as it is.
[[nodiscard]] Map patch(PatchView patches, std::int64_t i, const Normalisation& rule);
/// Left and right patch as two channels.
[[nodiscard]] Map stack(const Map& left, const Map& right);
/// What a stream sees of a patch, or of a pair.
[[nodiscard]] Map view(StreamView view, const Map& input);

/// One layer; its weights are weights["<prefix>weight"] and so on.
[[nodiscard]] Map apply(const Layer& layer, const Map& input, const Weights& weights, const std::string& prefix);

/// The streams' outputs, flattened and concatenated. `input`: one patch, or a pair stacked. `right`: the tower of the
/// right patch (pseudo-siamese).
[[nodiscard]] Vector branch_vector(const Model& model, bool right, const Map& input);
/// The branch's vector, divided by its length where the network's metric says so.
[[nodiscard]] Vector descriptor(const Model& model, bool right, const Map& input);
/// Score of two descriptors.
[[nodiscard]] double decide(const Model& model, const Vector& left, const Vector& right);
/// Score of a pair of patches, each as the network sees it (1×height×width).
[[nodiscard]] double score(const Model& model, const Map& left, const Map& right);

/// Every left patch against every right one, [left.count, right.count] row-major.
[[nodiscard]] Vector scores(const Model& model, PatchView left, PatchView right);
/// Descriptors [patches.count, branch_size] row-major.
[[nodiscard]] Vector descriptors(const Model& model, bool right, PatchView patches);

/// What a selection must hold after every score of the matrix went through it.
[[nodiscard]] Selected select(MatrixView scores, const SelectionRequest& request);
/// Pairs that are each other's best (ties: lower index) with a score of at least `threshold`, in order of the left
/// index.
[[nodiscard]] std::vector<Match> mutual_best(MatrixView scores, float threshold);

}  // namespace twinpatch::reference
