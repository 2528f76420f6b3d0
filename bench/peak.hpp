// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace twinpatch::bench {

/// What one core of this host can do at best, measured now, from registers alone, for about 10 ms; in operations on
/// single floats per second. Neighbours and clocks change: measure beside what is compared with it.
struct Peak {
  double multiply_adds = 0;      ///< acc += a · b
  double max_multiply_adds = 0;  ///< acc += w · max(p, q): the inner step of a decision head over a grid
};
[[nodiscard]] Peak measure_peak();

}  // namespace twinpatch::bench
