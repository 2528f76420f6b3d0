// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace twinpatch::train {

/// SplitMix64 (Steele, Lea & Flood 2014): small, and a stream of its own for every (seed, stream, step), so that a
/// batch depends on nothing but its number and a resumed run sees what an undisturbed one would.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t step = 0)
      : state_(mix(mix(mix(seed) ^ (stream + 0x632be59bd9b4e019ULL)) ^ (step + 0x9e3779b97f4a7c15ULL))) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
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
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

}  // namespace twinpatch::train
