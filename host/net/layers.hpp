// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "twinpatch/net/spec.hpp"

// What this folder's files share about layers.

namespace twinpatch::net {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// Throws ShapeError where a number of the layer is out of bounds (limits.hpp), whatever its input.
void check_values(const Layer& layer);

/// One weight of a layer: "weight" [out, in, height, width].
struct Field {
  const char* name;
  std::vector<std::int64_t> shape;
  bool trained = true;  ///< false: a running statistic, not counted as a parameter
};
[[nodiscard]] std::vector<Field> fields(const Layer& layer);

/// Multiply-adds of a layer for one input.
[[nodiscard]] std::int64_t macs(const Layer& layer, Shape input);

/// Patch size at which a network of any input size is looked at: 64×64, or its minimum where that is larger.
[[nodiscard]] Extent example_input(const NetworkSpec& spec);

/// Width of what the decision part sees: the branch's vector, or both of them.
[[nodiscard]] std::int64_t decision_width(const NetworkSpec& spec);

/// "2×32×32".
[[nodiscard]] std::string to_text(Shape shape);

}  // namespace twinpatch::net
