// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "twinpatch/core/split_mix.hpp"

namespace twinpatch::train {

/// A stream of its own for every (seed, stream, step), so that a batch depends on nothing but its number and a resumed
/// run sees what an undisturbed one would.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t step = 0)
      : bits_(mix(mix(mix(seed) ^ (stream + 0x632be59bd9b4e019ULL)) ^ (step + SplitMix64::kStep))) {}

  std::uint64_t next() { return bits_.next(); }
  /// In [0, 1).
  double uniform() { return bits_.uniform(); }
  /// In [0, count), count > 0.
  std::int64_t below(std::int64_t count) {
    // By 32 bits a side: counts here are far below 2³², and the bias below 2⁻³².
    return static_cast<std::int64_t>(((next() >> 32) * static_cast<std::uint64_t>(count)) >> 32);
  }
  bool coin() { return (next() >> 63) != 0; }
  /// Standard normal (Box-Muller, the cosine half).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static std::uint64_t mix(std::uint64_t z) { return SplitMix64::mix(z); }
  SplitMix64 bits_;
};

}  // namespace twinpatch::train
