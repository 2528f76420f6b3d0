// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace twinpatch {

// Areas under curves as HPatches' own program computes them (hpatches-benchmark, python/utils/metrics.py): every score
// is a threshold of its own, equal scores in the order given, and areas by the trapezoidal rule. The curve of precision
// over recall starts at recall 0 with precision 1. They differ from metrics.hpp's in the third digit for some hundred
// scores, so a figure must say which it is. All throw InvalidArgument for lengths that differ or a score that is NaN.

/// `positives`: what recall counts, at least the labels that are 1; those that are not among the scores are never
/// found.
[[nodiscard]] double trapezoidal_average_precision(std::span<const float> scores, std::span<const std::uint8_t> labels,
                                                   std::int64_t positives);
/// The same by ranks: above the j-th relevant entry, best first, stand `above[j]` others.
[[nodiscard]] double trapezoidal_average_precision(std::span<const std::int64_t> above);
[[nodiscard]] double trapezoidal_roc_area(std::span<const float> scores, std::span<const std::uint8_t> labels);

}  // namespace twinpatch
