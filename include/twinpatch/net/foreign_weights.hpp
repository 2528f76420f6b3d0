// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/formats/stored_tensor.hpp"
#include "twinpatch/net/model.hpp"

// Weights of other programs: a file of tensors under names of its own becomes the weights of a network that is given.

namespace twinpatch {

/// Which tensor of a file becomes which weight of a network.
struct WeightSource {
  std::string weight;  ///< "branch.0.0.weight"
  std::string tensor;  ///< "features.0.weight"
  friend bool operator==(const WeightSource&, const WeightSource&) = default;
};

/// A network with the weights of a file, and how they were found.
struct ForeignModel {
  Model model;
  std::vector<WeightSource> sources;  ///< in the order of weight_shapes
  std::vector<std::string> unused;    ///< tensors that no network needs, or that the map left out
};

/// Reads a map: in each line the name of a weight and that of a tensor; "#" begins a comment. Throws FormatError.
[[nodiscard]] std::vector<WeightSource> parse_weight_map(std::string_view text, const std::string& path);

/// Tensors by a map or, where it is empty, by their own names if those are the network's, else by the order of layers:
/// the tensors of one layer differ in what stands behind their last dot (weight, bias, running_mean, running_var); the
/// first such layer of the file is the first of the network that has weights, and so on. A tensor may have another
/// shape with as many values for each output (a convolution that covers its whole input is a linear layer). Counts of
/// batches are left out. An ONNX graph is not matched by names: its layers, one after the other, must be those of the
/// network, a siamese one of one stream and a metric; where it has batch normalisations folded, so has the model.
/// Throws ShapeError naming every tensor that is missing, left over or of another size, or all layers of such a graph;
/// FormatError for a file that is damaged, of another kind, or with values of another type, and for an ONNX operator
/// that is no layer here, with its node.
[[nodiscard]] ForeignModel import_weights(std::span<const std::byte> bytes, const std::string& path,
                                          const NetworkSpec& spec, std::span<const WeightSource> map = {});
[[nodiscard]] ForeignModel import_weights(const std::filesystem::path& path, const NetworkSpec& spec,
                                          std::span<const WeightSource> map = {});

}  // namespace twinpatch
