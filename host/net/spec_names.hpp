// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "twinpatch/net/spec.hpp"

namespace twinpatch::net {

inline constexpr int kSpecVersion = 1;  ///< "version" of a specification as JSON

// Names of enumerators, in one table for writing and reading.
template <class Enum>
using Names = std::vector<std::pair<Enum, const char*>>;

inline const Names<Coupling>& names(Coupling) {
  static const Names<Coupling> table{{Coupling::two_channel, "two_channel"},
                                     {Coupling::siamese, "siamese"},
                                     {Coupling::pseudo_siamese, "pseudo_siamese"}};
  return table;
}
inline const Names<StreamView::Kind>& names(StreamView::Kind) {
  using Kind = StreamView::Kind;
  static const Names<Kind> table{
      {Kind::whole, "whole"}, {Kind::central_crop, "central_crop"}, {Kind::surround_average, "surround_average"}};
  return table;
}
inline const Names<DecisionMetric::Kind>& names(DecisionMetric::Kind) {
  using Kind = DecisionMetric::Kind;
  static const Names<Kind> table{{Kind::l2, "l2"}, {Kind::l1, "l1"}, {Kind::cosine, "cosine"}};
  return table;
}

}  // namespace twinpatch::net
